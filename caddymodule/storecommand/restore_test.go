package storecommand_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

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
	t.Run("without a secret the check says so, and compacting needs none", func(t *testing.T) {
		if err := os.Rename(secret, secret+".away"); err != nil {
			t.Fatal(err)
		}
		for _, words := range [][]string{{"check"}, {"backup", folder + "-too"}} {
			fails(t, p, []string{"is not in Caddy's storage", "restore that of a backup before the gateway starts"}, words...)
		}
		run(t, p, 0, "compact")
		if err := os.Rename(secret+".away", secret); err != nil {
			t.Fatal(err)
		}
	})
	run(t, p, 0, "check")
	p.Start()
	ada.Get("/auth/session").Want(t, http.StatusOK)
}
