package caddymodule_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/login/users"
)

// shipped finds every Caddyfile of the repository, from its top folder, which
// relative paths in them are relative to.
func shipped(t *testing.T) []string {
	t.Helper()
	t.Chdir("..")
	files := []string{"Caddyfile"}
	err := filepath.WalkDir("deploy", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, "Caddyfile") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 7 {
		t.Fatalf("only %q were found", files)
	}
	return files
}

func TestShippedCaddyfiles(t *testing.T) {
	for _, name := range []string{"SIDEGATE_SECRET", "OIDC_CLIENT_SECRET", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "CRM_TOKEN"} {
		t.Setenv(name, strings.Repeat("s", 32))
	}
	for _, file := range shipped(t) {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(text, []byte("# ")) || !bytes.Contains(text, []byte(" run")) {
				t.Error("it does not begin with what to run")
			}
			if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
				t.Errorf("caddy fmt would make it:\n%s", formatted)
			}
			config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": file})
			if err != nil {
				t.Fatal(err)
			}
			if len(warnings) > 0 {
				t.Errorf("warnings: %v", warnings)
			}
			config = withPeople(t, file, text, config)
			if err := validate(t, config); err != nil {
				t.Error(err)
			}
		})
	}
}

// ownPeople are the examples that tell people to put in their own domain. None
// of them may let in whoever has read this repository.
var ownPeople = []string{"minimal", "redis", "gateway-inner", "tls-in-front", "authelia", "caddy-security"}

// withPeople is the configuration with a users file in the place of one that is
// yet to be made. Until it is, the gateway must not start, and say the command
// that stands at the top of the example.
func withPeople(t *testing.T, file string, text, config []byte) []byte {
	t.Helper()
	own := slices.Contains(ownPeople, strings.TrimSuffix(filepath.Base(file), ".Caddyfile"))
	missing := []byte(`/deploy/caddyfiles/users.yaml"`)
	if named := bytes.Contains(config, missing); named != own {
		t.Fatalf("it names a file that is not there: %t; want %t", named, own)
	}
	if !own {
		return config
	}
	command := users.CommandFor("deploy/caddyfiles/users.yaml")
	if !bytes.Contains(text, []byte("#\t"+command+"\n")) {
		t.Errorf("it does not say how to make the users file: %s", command)
	}
	made := filepath.Join(t.TempDir(), "users.yaml")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	config = bytes.Replace(config, []byte(`"`+wd+string(missing)), []byte(`"`+made+`"`), 1)
	if err := validate(t, config); err == nil || !strings.Contains(err.Error(), users.CommandFor(made)) {
		t.Errorf("without the users file: %v; want an error that says %s", err, users.CommandFor(made))
	}
	gatewaytest.WriteFile(t, made, gatewaytest.UsersFile)
	return config
}

// The documents and the files must not drift apart.
func TestEveryShippedCaddyfileIsInTheIndex(t *testing.T) {
	files := shipped(t)
	index, err := os.ReadFile("deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files[1:] {
		if name := strings.TrimPrefix(file, "deploy/"); !bytes.Contains(index, []byte("`"+name+"`")) {
			t.Errorf("deploy/README.md does not list %s", name)
		}
	}
}

func TestTheCaddyfilesOfTheREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("SSO_SECRET", "secret")
	gatewaytest.WriteFile(t, "users.yaml", gatewaytest.UsersFile)
	blocks := strings.Split(string(readme), "```caddyfile\n{\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("there are %d", len(blocks))
	}
	for _, block := range blocks {
		text, _, closed := strings.Cut("{\n"+block, "```")
		if !closed {
			t.Fatal("one has no end")
		}
		if formatted := string(caddyfile.Format([]byte(text))); formatted != text {
			t.Errorf("caddy fmt would make it:\n%s", formatted)
		}
		if err := validate(t, gatewaytest.Adapt(t, text)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheLogFilter(t *testing.T) {
	snippet, err := filepath.Abs("../deploy/caddyfiles/log-filter.Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	format, err := os.ReadFile(snippet)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("names every identity header of every preset", func(t *testing.T) {
		names := []string{identity.Assertion, identity.Truncated, "X-Account-Id"}
		for _, preset := range identity.Presets() {
			set, err := identity.NewSet(preset)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, set.Names()...)
		}
		for _, name := range names {
			for _, of := range []string{"request>headers>", "resp_headers>"} {
				if !bytes.Contains(format, []byte("\t"+of+name+" delete\n")) {
					t.Errorf("%s%s would be logged", of, name)
				}
			}
		}
	})
	unfiltered := logsOf(t, "")
	t.Run("is needed: without it logs hold identities and codes", func(t *testing.T) {
		for _, secret := range secretsInLogs {
			if !strings.Contains(unfiltered, secret) {
				t.Errorf("no %s in\n%s", secret, unfiltered)
			}
		}
	})
	filtered := logsOf(t, "import "+snippet)
	t.Run("keeps identities and codes out of the logs", func(t *testing.T) {
		for _, secret := range secretsInLogs {
			if strings.Contains(filtered, secret) {
				t.Errorf("%s in\n%s", secret, filtered)
			}
		}
	})
	t.Run("keeps the rest of the address in", func(t *testing.T) {
		if !strings.Contains(filtered, "/app?page=7") {
			t.Errorf("got\n%s", filtered)
		}
	})
}

// secretsInLogs are what the requests of logsOf carry.
var secretsInLogs = []string{
	"code-in-address", "state-in-address", "code-in-referer", "state-in-location", "hint-in-location", "hint-in-address",
	"code-before-sign-in", "code-of-a-program", "code-to-return-to", "code-in-question",
	"mallory@example.com", "X-Session-Email\":[\"" + gatewaytest.Ada, "X-Session-Assertion",
	"Remote-User\":[\"" + gatewaytest.Ada, "X-Forwarded-Email\":[\"" + gatewaytest.Ada, "X-Remote-User\":[\"" + gatewaytest.Ada, "editor",
}

// logsOf runs a gateway that logs all it can, and returns the access log and
// the log of everything else.
func logsOf(t *testing.T, preamble string) string {
	t.Helper()
	up := gatewaytest.NewRecorder(t)
	c := gatewaytest.Site{Upstream: up.Address()}
	s := c.Prepare(t)
	path, format := filepath.Join(s.Dir, "log"), ""
	if preamble != "" {
		format = "import sidegate_log_format"
	}
	access, debug := path+".access", path+".debug"
	c.Global = "log {\nlevel DEBUG\noutput file " + debug + "\n" + format + "\n}"
	c.Routes = "log {\noutput file " + access + "\n" + format + "\n}\n" +
		"session_endpoints\nsession_auth {\nassertion\nheaders native remote-user oauth2-proxy kubernetes\n}\nredir /go /sso?state=state-in-location&id_token_hint=hint-in-location\nreverse_proxy " + c.Upstream
	gatewaytest.Load(t, preamble+"\n"+c.Caddyfile(s))
	b := s.Client(t)
	b.SignIn(gatewaytest.Ada)
	b.Get("/app?code=code-in-address&page=7&state=state-in-address", "Referer", "https://sso.example.com/?code=code-in-referer",
		"X-Session-Email", "mallory@example.com").Want(t, 200)
	b.Get("/go?id_token_hint=hint-in-address").Want(t, 302)
	b.Get("/auth/verify", "X-Forwarded-Uri", "/x?code=code-in-question").Want(t, 204)
	stranger := s.Client(t)
	stranger.Get("/app?code=code-before-sign-in", "Accept", "text/html").Want(t, 303)
	stranger.Get("/app?code=code-of-a-program", "Accept", "application/json").Want(t, 401)
	stranger.Get("/auth/login?return_to=%2Fapp%3Fcode%3Dcode-to-return-to").Want(t, 200)
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, file := range []string{access, debug} {
		text, err := os.ReadFile(file)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s is empty: %v", file, err)
		}
		all = append(all, text...)
	}
	return string(all)
}
