package storecommand_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// A secret of the configuration lies where the operator keeps it, and a backup says
// what that is.
func TestASecretOfTheConfigurationIsToBeKeptBesideTheBackup(t *testing.T) {
	t.Setenv("SIDEGATE_SECRET", gatewaytest.PresentSecret)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "secret {env.SIDEGATE_SECRET}"})
	p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	said := run(t, p, 0, "backup", folder)
	if !strings.Contains(said, "the secret is not in it") || !strings.Contains(said, "secret {env.SIDEGATE_SECRET}") {
		t.Errorf("it says %s", said)
	}
	wantNothing(t, filepath.Join(folder, "secret"))
	manifest, err := os.ReadFile(filepath.Join(folder, "backup.json"))
	if err != nil || !strings.Contains(string(manifest), `"keep": "{env.SIDEGATE_SECRET}"`) || strings.Contains(string(manifest), gatewaytest.PresentSecret) {
		t.Errorf("the manifest is %s, %v", manifest, err)
	}
	run(t, p, 0, "check", folder)
	p.Terminate()
	with := func(options string) *gatewaytest.Process {
		q := gatewaytest.NewProcess(t, gatewaytest.Site{Dir: p.Dir, Options: options})
		return q
	}
	t.Run("with another one the check says that it is the secret", func(t *testing.T) {
		q := with("secret \"" + gatewaytest.FormerSecret + "\"")
		fails(t, q, []string{"the secret of the configuration is another than when the backup was taken", "sessions.db is as it was", "{env.SIDEGATE_SECRET}", "or after it"}, "check", folder)
		fails(t, q, []string{"do not fit", "give the gateway the secret that sealed them"}, "check")
		fails(t, q, []string{"there is no backup", "opens nothing of the file", "--config"}, "backup", folder+"-too")
		wantNothing(t, folder+"-too")
	})
	t.Run("with the right one and another file it says that it is the file", func(t *testing.T) {
		edit(t, filepath.Join(folder, "sessions.db"), func(text string) string { return text[:len(text)-4096] })
		fails(t, p, []string{"sessions.db is not as it was taken", "the secret of the configuration is", "another copy of sessions.db"}, "check", folder)
	})
	t.Run("with another one and another file it says that it is both", func(t *testing.T) {
		edit(t, filepath.Join(folder, "sessions.db"), becomes("x"))
		fails(t, with("secret \""+gatewaytest.FormerSecret+"\""), []string{"neither sessions.db", "nor the secret of the configuration"}, "check", folder)
	})
	t.Run("as the former one it is good", func(t *testing.T) {
		q := with("secret \"" + gatewaytest.FormerSecret + "\" {env.SIDEGATE_SECRET}")
		run(t, q, 0, "check", folder)
		run(t, q, 0, "check")
	})
	t.Run("without its variable it says how to run the command", func(t *testing.T) {
		t.Setenv("SIDEGATE_SECRET", "")
		for _, words := range [][]string{{"check"}, {"check", folder}, {"backup", folder + "-too"}} {
			fails(t, p, []string{"SIDEGATE_SECRET", "run this as the gateway is run"}, words...)
		}
		wantNothing(t, folder+"-too")
	})
	t.Run("without any configuration it says what is missing", func(t *testing.T) {
		said, code := gatewaytest.RunCaddy(t, t.TempDir(), "sidegate-store", "check", folder)
		if code != 1 || !strings.Contains(said, "there is no configuration with sidegate options") {
			t.Errorf("it ends with %d: %s", code, said)
		}
	})
}

// What is written in the Caddyfile itself is no placeholder, and told of by its place.
func TestASecretThatIsWrittenOutIsNeverTold(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "secret \"" + gatewaytest.PresentSecret + "\""})
	p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	said := run(t, p, 0, "backup", folder)
	manifest, err := os.ReadFile(filepath.Join(folder, "backup.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{said, string(manifest)} {
		if strings.Contains(text, gatewaytest.PresentSecret) || !strings.Contains(text, "number 1 of the configuration") {
			t.Errorf("it says %s", text)
		}
	}
}

func TestAKeptSecretThatIsEmptyIsToldByItsFile(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.Terminate()
	secret := filepath.Join(p.Dir, "storage", "sidegate", "secret")
	gatewaytest.WriteFile(t, secret, "")
	for _, words := range [][]string{{"check"}, {"backup", filepath.Join(t.TempDir(), "monday")}} {
		fails(t, p, []string{secret + ", has 0 bytes", "put back that of a copy"}, words...)
	}
}
