package directive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// A gateway that is started by another's hand has another working folder than
// whoever wrote the Caddyfile.
func TestARelativeFileIsLookedForBesideTheCaddyfile(t *testing.T) {
	beside, working := t.TempDir(), t.TempDir()
	t.Chdir(working)
	working, _ = os.Getwd()
	for _, dir := range []string{beside, working} {
		write(t, filepath.Join(dir, "both.pem"))
	}
	write(t, filepath.Join(beside, "beside.pem"))
	write(t, filepath.Join(working, "working.pem"))
	for name, c := range map[string]struct{ given, want string }{
		"beside it":                             {"beside.pem", filepath.Join(beside, "beside.pem")},
		"in both folders, the one beside it":    {"both.pem", filepath.Join(beside, "both.pem")},
		"in the working folder alone":           {"working.pem", filepath.Join(working, "working.pem")},
		"in neither, beside it, for the error":  {"none.pem", filepath.Join(beside, "none.pem")},
		"by its whole name":                     {"/etc/none.pem", "/etc/none.pem"},
		"with a placeholder, when it is loaded": {"{env.DIR}/a.pem", "{env.DIR}/a.pem"},
		"in a folder below":                     {"keys/none.pem", filepath.Join(beside, "keys/none.pem")},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			d := caddyfile.NewTestDispenser("ca " + c.given)
			d.Next()
			if err := File(&got)(named(d, filepath.Join(beside, "Caddyfile"))); err != nil || got != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
	t.Run("one beside it that cannot be reached is not one that is missing", func(t *testing.T) {
		if err := os.Symlink(filepath.Join(beside, "nowhere"), filepath.Join(beside, "working2.pem")); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(working, "working2.pem"))
		var got string
		d := caddyfile.NewTestDispenser("ca working2.pem")
		d.Next()
		if err := File(&got)(named(d, filepath.Join(beside, "Caddyfile"))); err != nil || got != filepath.Join(beside, "working2.pem") {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("several", func(t *testing.T) {
		var got []string
		d := caddyfile.NewTestDispenser("signing_key beside.pem working.pem")
		d.Next()
		if err := Files(&got)(named(d, filepath.Join(beside, "Caddyfile"))); err != nil || len(got) != 2 || got[1] != filepath.Join(working, "working.pem") {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// named are the same words in a file of another name.
func named(d *caddyfile.Dispenser, file string) *caddyfile.Dispenser {
	tokens := d.NextSegment()
	for i := range tokens {
		tokens[i].File = file
	}
	n := caddyfile.NewDispenser(tokens)
	n.Next()
	return n
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsNotThereIsToldWithTheFoldersThatWereLookedIn(t *testing.T) {
	t.Chdir(t.TempDir())
	here, _ := os.Getwd()
	_, err := os.Stat("/etc/sidegate-none/users.yaml")
	told := LookedIn(err)
	if !errors.Is(told, fs.ErrNotExist) || !strings.Contains(told.Error(), "/etc/sidegate-none/users.yaml") || !strings.Contains(told.Error(), here) {
		t.Errorf("told: %v", told)
	}
	if other := errors.New("x"); LookedIn(other) != other || LookedIn(nil) != nil {
		t.Error("another error changed")
	}
}
