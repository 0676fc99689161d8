package storecommand_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// edit changes a file of a backup for as long as the test lasts.
func edit(t *testing.T, path string, change func(text string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gatewaytest.WriteFile(t, path, change(string(text)))
	t.Cleanup(func() { gatewaytest.WriteFile(t, path, string(text)) })
}

func becomes(text string) func(string) string { return func(string) string { return text } }

func TestABackupThatIsNotAsItWasTakenIsTold(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	run(t, p, 0, "backup", folder)
	short := func(text string) string { return text[:len(text)/2] }
	other := func(text string) string { return text[:9000] + strings.Repeat("x", len(text)-9000) }
	for _, c := range []struct {
		name string
		file string // which is changed
		how  func(string) string
		says []string
	}{
		{"a file cut short", "sessions.db", short, []string{"sessions.db is not as it was taken", "bytes of", "the secret of the backup is", "another copy of sessions.db"}},
		{"an empty file", "sessions.db", becomes(""), []string{"sessions.db is not as it was taken (it has 0 bytes of"}},
		{"a file that was written to", "sessions.db", other, []string{"its content is another"}},
		{"a file that has grown", "sessions.db", func(text string) string { return text + "x" }, []string{"bytes of"}},
		{"another secret", "secret", becomes(strings.Repeat("another secret ", 4)),
			[]string{"the secret of the backup is not as it was taken", "sessions.db is", "another copy of the file secret"}},
		{"an empty secret", "secret", becomes(""), []string{"the secret of the backup is not as it was taken"}},
		{"an empty manifest", "backup.json", becomes(""), []string{"backup.json is not as it was written", "another copy"}},
		{"a manifest cut short", "backup.json", short, []string{"backup.json is not as it was written"}},
		{"a manifest of another kind", "backup.json", becomes(`{"format": 1, "checks": ["x"]}`), []string{"backup.json is not as it was written"}},
		{"a manifest that is a list", "backup.json", becomes(`[1]`), []string{"backup.json is not as it was written"}},
		{"a manifest of a later version", "backup.json", func(text string) string { return strings.Replace(text, `"format": 1`, `"format": 2`, 1) },
			[]string{"of a later version", "check it with that version"}},
		{"a manifest that names a secret elsewhere", "backup.json", func(text string) string {
			return strings.Replace(text, `"secret": "secret"`, `"secret": "/etc/passwd"`, 1)
		},
			[]string{"backup.json is not as it was written"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			edit(t, filepath.Join(folder, c.file), c.how)
			fails(t, p, c.says, "check", folder)
		})
	}
	t.Run("both are others", func(t *testing.T) {
		edit(t, filepath.Join(folder, "sessions.db"), short)
		edit(t, filepath.Join(folder, "secret"), becomes("x"))
		fails(t, p, []string{"neither sessions.db", "nor the secret of the backup", "another copy of the whole backup"}, "check", folder)
	})
	for name, says := range map[string]string{"sessions.db": "the file of the backup cannot be read", "secret": "the secret of the backup cannot be read", "backup.json": "is no whole backup"} {
		t.Run("without "+name, func(t *testing.T) {
			path := filepath.Join(folder, name)
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Rename(path+".away", path) })
			fails(t, p, []string{says}, "check", folder)
		})
	}
	t.Run("white space around the secret is nothing", func(t *testing.T) {
		edit(t, filepath.Join(folder, "secret"), func(text string) string { return text + "\n" })
		run(t, p, 0, "check", folder)
	})
	t.Run("other files beside it are nobody's business", func(t *testing.T) {
		gatewaytest.WriteFile(t, filepath.Join(folder, "README"), "of Monday")
		run(t, p, 0, "check", folder)
	})
}

// Where a backup is looked at there need be no gateway.
func TestABackupWithItsSecretNeedsNoConfiguration(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	run(t, p, 0, "backup", folder)
	elsewhere := t.TempDir()
	check := func(code int, says string, words ...string) {
		t.Helper()
		said, got := gatewaytest.RunCaddy(t, elsewhere, append([]string{"sidegate-store", "check", folder}, words...)...)
		if got != code || !strings.Contains(said, says) {
			t.Errorf("it ends with %d: %s", got, said)
		}
	}
	check(0, "1 live")
	check(0, "name the configuration of the gateway by --config")
	gatewaytest.WriteFile(t, filepath.Join(elsewhere, "Caddyfile"), "{\n\tadmin off\n}\n")
	check(0, "1 live")
	gatewaytest.WriteFile(t, filepath.Join(elsewhere, "Caddyfile"), "{\n\tadmin\n")
	check(0, "1 live") // it was not named
	check(1, "cannot be read", "--config", "Caddyfile")
	t.Run("one that is restored without its secret is good all the same", func(t *testing.T) {
		p := gatewaytest.NewProcess(t, gatewaytest.Site{})
		run(t, p, 0, "check", folder)
	})
	t.Run("one that says another secret is told of", func(t *testing.T) {
		p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "secret \"" + gatewaytest.PresentSecret + "\""})
		if said := run(t, p, 0, "check", folder); !strings.Contains(said, "warning: the gateway has another secret now") {
			t.Errorf("it says %s", said)
		}
	})
}
