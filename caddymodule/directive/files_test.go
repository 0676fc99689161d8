package directive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
)

// A gateway that is started by another's hand has another working folder than
// whoever wrote the Caddyfile.
func TestARelativeFileIsLookedForBesideTheCaddyfile(t *testing.T) {
	beside, working := t.TempDir(), t.TempDir()
	t.Chdir(working)
	working, _ = os.Getwd()
	write(t, filepath.Join(beside, "Caddyfile"))
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

// What the gateway makes is made where nobody plants another.
func TestAFileThatTheGatewayMakesIsBesideTheCaddyfile(t *testing.T) {
	beside, working := t.TempDir(), t.TempDir()
	t.Chdir(working)
	caddyfileOf := filepath.Join(beside, "Caddyfile")
	write(t, caddyfileOf)
	write(t, filepath.Join(working, "planted.db"))
	for name, c := range map[string]struct{ of, given, path, former string }{
		"with one in the working folder": {caddyfileOf, "planted.db", filepath.Join(beside, "planted.db"), "planted.db"},
		"with none":                      {caddyfileOf, "a/new.db", filepath.Join(beside, "a/new.db"), "a/new.db"},
		"by its whole name":              {caddyfileOf, "/var/s.db", "/var/s.db", ""},
		"with a placeholder":             {caddyfileOf, "{env.DIR}/s.db", "{env.DIR}/s.db", ""},
		"from standard input":            {"-", "planted.db", "planted.db", ""},
		"by Caddy's API":                 {"Caddyfile", "planted.db", "planted.db", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := caddyfile.NewTestDispenser("embedded x")
			d.Next()
			if path, former, err := MadeFileName(named(d, c.of), c.given); path != c.path || former != c.former || err != nil {
				t.Errorf("%s, and before %s: %v", path, former, err)
			}
		})
	}
}

// A Caddyfile on standard input is beside nothing, and would take the working folder
// for its own without a word.
func TestARelativeFileOfACaddyfileThatIsNoFileIsWarnedAbout(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.pem")
	for name, c := range map[string]struct {
		of, given string
		warned    bool
	}{
		"that is not there":   {"-", "b.pem", false},
		"from standard input": {"-", "a.pem", true}, "by Caddy's API": {"Caddyfile", "a.pem", true},
		"by its whole name": {"-", "/etc/a.pem", false}, "with a placeholder": {"-", "{env.A}", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, read := range []func(d *caddyfile.Dispenser){
				func(d *caddyfile.Dispenser) { _, _ = FileName(d, c.given) }, func(d *caddyfile.Dispenser) { _, _, _ = MadeFileName(d, c.given) },
			} {
				d := caddyfile.NewTestDispenser("ca x")
				d.Next()
				said := logged(t, func() { read(named(d, c.of)) })
				if got := strings.Contains(said, "a Caddyfile that is no file") && strings.Contains(said, c.given); got != c.warned {
					t.Errorf("the log says %s", said)
				}
			}
		})
	}
}

// In the working folder a stranger may have put it there; beside the Caddyfile is the
// operator's folder.
func TestARelativeFileThatOthersMayHavePutIntoTheWorkingFolderIsRefused(t *testing.T) {
	beside := t.TempDir()
	t.Chdir(t.TempDir())
	caddyfileOf := filepath.Join(beside, "Caddyfile")
	write(t, caddyfileOf)
	write(t, filepath.Join(beside, "own.pem"))
	for _, path := range []string{"a.pem", filepath.Join(beside, "open.pem"), filepath.Join(beside, "own.pem")} {
		write(t, path)
		if err := os.Chmod(path, 0o606); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		of, given string
		refused   bool
	}{
		"named by a Caddyfile elsewhere":  {caddyfileOf, "a.pem", true},
		"named on standard input":         {"-", "a.pem", true},
		"beside the Caddyfile":            {caddyfileOf, "open.pem", false},
		"by its whole name":               {"-", filepath.Join(beside, "open.pem"), false},
		"that is not there":               {"-", "none.pem", false},
		"by a placeholder, when it loads": {"-", "{env.A}", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := caddyfile.NewTestDispenser("ca " + c.given)
			d.Next()
			var got string
			err := File(&got)(named(d, c.of))
			if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "chown") {
				t.Errorf("%v", err)
			}
		})
	}
}

// logged is what is written to Caddy's log meanwhile.
func logged(t *testing.T, f func()) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "log")
	run := func(config string) {
		if err := caddy.Load([]byte(config), true); err != nil {
			t.Fatal(err)
		}
	}
	run(fmt.Sprintf(`{"admin": {"disabled": true}, "logging": {"logs": {"default": {"writer": {"output": "file", "filename": %q}}}}}`, file))
	f()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
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
