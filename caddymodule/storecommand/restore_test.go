package storecommand_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// run runs the command in the house of the gateway.
func run(t *testing.T, p *gatewaytest.Process, code int, words ...string) string {
	t.Helper()
	args := append([]string{"sidegate-store", "--adapter", "caddyfile", "--config", p.ConfigFile()}, words...)
	said, got := gatewaytest.RunCaddy(t, p.Dir, args...)
	if got != code {
		t.Fatalf("%v ends with %d; want %d:\n%s", words, got, code, said)
	}
	return said
}

func TestWhoWasSignedInStillIsWhenABackupIsRestored(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	ada := p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	run(t, p, 0, "check")
	run(t, p, 0, "compact")
	run(t, p, 0, "backup", folder)
	run(t, p, 1, "backup", folder) // never over another
	p.Terminate()
	run(t, p, 0, "check") // by itself
	run(t, p, 0, "compact")
	run(t, p, 0, "check", folder)
	secret := filepath.Join(p.Dir, "storage", "sidegate", "secret")
	for name, at := range map[string]string{"sessions.db": filepath.Join(p.Dir, "sessions.db"), "secret": secret} {
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		gatewaytest.WriteFile(t, at, string(content))
	}
	t.Run("with another secret the check says so before the start", func(t *testing.T) {
		right, err := os.ReadFile(secret)
		if err != nil {
			t.Fatal(err)
		}
		gatewaytest.WriteFile(t, secret, strings.Repeat("another secret ", 4))
		if said := run(t, p, 1, "check"); !strings.Contains(said, "do not fit") {
			t.Errorf("it says %s", said)
		}
		gatewaytest.WriteFile(t, secret, string(right))
	})
	run(t, p, 0, "check")
	p.Start()
	ada.Get("/auth/session").Want(t, http.StatusOK)
}

func TestWrongWordsSayTheNextStep(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	file := filepath.Join(t.TempDir(), "a file")
	gatewaytest.WriteFile(t, file, "x")
	for words, says := range map[string]string{
		"":                "backup <folder>, check [<folder>] or compact",
		"restore":         "there is no",
		"backup":          "name the folder",
		"check a b":       "name one folder",
		"compact a":       "takes no folder",
		"check /nowhere":  "is no whole backup",
		"check " + "{at}": "is no whole backup",
	} {
		args := strings.Fields(words)
		for i := range args {
			if args[i] == "{at}" {
				args[i] = file
			}
		}
		if said := run(t, p, 1, args...); !strings.Contains(said, says) {
			t.Errorf("%q: it says %s", words, said)
		}
	}
}
