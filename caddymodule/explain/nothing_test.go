package explain_test

import (
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/explain"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// watched is an address that counts who comes.
type watched struct {
	net.Listener
	came atomic.Int64
}

func watch(t *testing.T) *watched {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Listener: listener}
	go func() {
		for {
			conn, err := w.Accept()
			if err != nil {
				return
			}
			w.came.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// files are those of a folder, with what is in them.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			all[path] = ""
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNobodyIsAskedAndNothingWritten(t *testing.T) {
	w := watch(t)
	config := fmt.Sprintf(`{
	storage file_system storage
	log {
		output file access.log
	}
	sidegate {
		login users users.yaml
		login oidc keycloak {
			issuer http://%[1]s
			client_id shop
		}
		login app legacy http://%[1]s/login {
			success `+"`login.status == 200`"+`
			logout http://%[1]s/logout
		}
		directory http crm http://%[1]s/by-email?e={identity.email} {
			map {
				roles `+"`directory.body.roles`"+`
			}
		}
		store %[2]s
		secret "a secret that is long enough for a gateway"
	}
}
localhost, app.example.com {
	tls internal
	log {
		output file site.log
	}
	session_endpoints
	forward_auth %[1]s {
		uri /verify
	}
	session_auth {
		public /open/*
	}
	reverse_proxy /open/dynamic/* {
		dynamic a upstream.invalid 80
	}
	reverse_proxy %[1]s {
		health_uri /up
		health_interval 1ms
	}
}
`, w.Addr(), "%s")
	for _, store := range []string{"redis redis://" + w.Addr().String(), "embedded sessions.db", "memory"} {
		for _, args := range []string{
			"GET https://app.example.com/x --as " + gatewaytest.Ada, "GET https://app.example.com/x", "GET https://localhost/open/x",
			"GET https://localhost/auth/session --as " + gatewaytest.Ada, "POST https://localhost/auth/logout --as " + gatewaytest.Ada,
			"POST https://localhost/auth/refresh --as " + gatewaytest.Ada, "GET https://localhost/auth/login/keycloak",
			"GET https://localhost/auth/callback/keycloak?code=a&state=b", "POST https://localhost/auth/login", "GET http://localhost/x", "GET https://localhost/open/dynamic/x",
			"POST https://localhost/auth/logout --input session.json", "POST https://localhost/auth/backchannel-logout/keycloak",
		} {
			t.Run(store+" "+args, func(t *testing.T) {
				dir := written(t)
				gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), strings.Replace(config, "%s", store, 1))
				before := files(t, dir)
				said, code := gatewaytest.RunCaddy(t, dir, append([]string{"sidegate-explain"}, strings.Fields(args)...)...)
				if code != 0 && code != 3 {
					t.Errorf("status %d: %s", code, said)
				}
				if after := files(t, dir); !reflect.DeepEqual(before, after) {
					t.Errorf("there was %q, and is %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
				}
				if n := w.came.Load(); n != 0 {
					t.Fatalf("somebody was asked %d times: %s", n, said)
				}
			})
		}
	}
}

// The same folder without the command is what it would be: this finds what is
// written and who is asked.
func TestAGatewayOfThatKindWritesAndAsks(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	before := files(t, s.Dir)
	s.WithCookie(t, gatewaytest.Ada).Get("/x")
	if after := files(t, s.Dir); reflect.DeepEqual(before, after) || up.Count() != 1 {
		t.Errorf("nothing was written, and %d times asked", up.Count())
	}
}

// TestAGatewayThatServesPeopleIsNotExplained: who has what is explained begins
// sessions without a password.
func TestAGatewayThatServesPeopleIsNotExplained(t *testing.T) {
	gatewaytest.Start(t, gatewaytest.Site{})
	app, err := caddy.ActiveContext().AppIfConfigured("sidegate")
	if err != nil {
		t.Fatal(err)
	}
	if g, err := app.(explain.Explained).Explained(); err == nil || g != nil {
		t.Errorf("it is given, and the error is %v", err)
	}
}

func TestTheStandInsAreOfNoOtherCommand(t *testing.T) {
	for name, apps := range map[string]string{
		"a login":     `"sidegate":{"logins":[{"method":"sidegate_explain"}]}`,
		"a handler":   `"http":{"servers":{"a":{"listen":[":0"],"routes":[{"handle":[{"handler":"sidegate_explain"}]}]}}}`,
		"a transport": `"http":{"servers":{"a":{"listen":[":0"],"routes":[{"handle":[{"handler":"reverse_proxy","transport":{"protocol":"sidegate_explain"}}]}]}}}`,
		"a position":  `"sidegate":{"logins":[{"method":"users","file":"users.yaml"}],"policies":[{"name":"a","at":"Caddyfile:1"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			gatewaytest.WriteFile(t, filepath.Join(dir, "a.json"), `{"apps":{`+apps+`}}`)
			if said, code := gatewaytest.RunCaddy(t, dir, "validate", "--config", "a.json"); code == 0 ||
				!strings.Contains(said, "unknown module") && !strings.Contains(said, "a configuration has no positions") {
				t.Errorf("status %d: %s", code, said)
			}
		})
	}
}
