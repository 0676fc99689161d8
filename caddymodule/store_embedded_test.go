package caddymodule_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestOneProcessHasTheDataDirectory(t *testing.T) {
	t.Parallel()
	first := gatewaytest.StartProcess(t, gatewaytest.Site{})
	c := first.Client(t)
	c.SignIn(gatewaytest.Ada)

	t.Run("a second process refuses to start and says what to do", func(t *testing.T) {
		second := gatewaytest.NewProcess(t, gatewaytest.Site{Dir: first.Dir})
		said, code := gatewaytest.RunCaddy(t, second.Dir, "run", "--adapter", "caddyfile", "--config", second.ConfigFile())
		if code == 0 || !strings.Contains(said, "in use by another process") || !strings.Contains(said, "redis") {
			t.Errorf("it ended with %d and said:\n%s", code, said)
		}
		c.Get("/auth/session").Want(t, http.StatusOK)
		first.Client(t).SignIn(gatewaytest.Grace)
	})

	t.Run("validating beside the running process works and changes nothing", func(t *testing.T) {
		config := first.ConfigFile()
		before := files(t, first.Dir)
		said, code := gatewaytest.RunCaddy(t, first.Dir, "validate", "--adapter", "caddyfile", "--config", config)
		if code != 0 || !strings.Contains(said, "Valid configuration") {
			t.Errorf("it ended with %d and said:\n%s", code, said)
		}
		if after := files(t, first.Dir); after != before {
			t.Errorf("there was\n%s\nand now there is\n%s", before, after)
		}
		c.Get("/auth/session").Want(t, http.StatusOK)
	})
}

func TestSecretIsMadeOnceAndClosedToOthers(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	file := filepath.Join(p.Dir, "storage", "sidegate", "secret")
	made := read(t, file)
	if len(made) < 32 {
		t.Errorf("the secret has %d bytes", len(made))
	}
	for _, private := range []string{file, filepath.Join(p.Dir, "sessions.db")} {
		info, err := os.Stat(private)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(private), mode)
		}
	}
	p.Terminate()
	p.Start()
	if read(t, file) != made {
		t.Error("the secret was made anew at the second start")
	}
	if strings.Contains(p.Log.String(), made) {
		t.Error("the log has the secret")
	}
}

// files lists what lies under a folder, each file with its mode. The storage's
// locks come and go, and so do not count; the database grows by itself.
func files(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "locks" {
			return fs.SkipDir
		}
		list.WriteString(d.Type().String() + " " + path + "\n")
		if d.Type().IsRegular() && filepath.Ext(path) != ".db" {
			list.WriteString(read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A restore without a stop, or whoever clears up. What the gateway acknowledged from then
// on was undone by the next start.
func TestAFileThatIsReplacedUnderTheGatewayIsNoticed(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "cache off"})
	ada := p.Client(t)
	ada.SignIn(gatewaytest.Ada)
	file, moved := filepath.Join(p.Dir, "sessions.db"), filepath.Join(p.Dir, "moved.db")
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"another is in its place": "another", "there is none": ""} {
		rename(file, moved)
		if content != "" {
			gatewaytest.WriteFile(t, file, content)
		}
		ada.Get("/auth/session").Want(t, http.StatusInternalServerError)
		ada.Post("/auth/logout", "Origin", p.URL).Want(t, http.StatusServiceUnavailable)
		p.AwaitSample("store_up", 0)
		resp, err := http.Get("http://" + p.Site.Admin + "/sidegate/ready")
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: the gateway is ready: %d", name, resp.StatusCode)
		}
		said, code := gatewaytest.RunCaddy(t, p.Dir, "sidegate-store", "compact", "--address", p.Site.Admin)
		if code != 1 || !strings.Contains(said, "Stop the gateway, then put the right file back at "+file) || strings.Contains(said, "room") {
			t.Errorf("%s: compacting ends with %d: %s", name, code, said)
		}
		if content != "" && read(t, file) != content {
			t.Errorf("%s: it was written over", name)
		}
		rename(moved, file)
		p.AwaitSample("store_up", 1)
		ada.Get("/auth/session").Want(t, http.StatusOK)
	}
	if !strings.Contains(p.Log.String(), "stop the gateway, then put the right one back") {
		t.Error("the log does not say what to do")
	}
}
