package ownfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In a folder that strangers share one of them may have put there what the gateway
// would open as its own.
func TestWhatOthersMayHavePutIntoTheWorkingFolderIsRefused(t *testing.T) {
	own := os.Getuid()
	for name, c := range map[string]struct {
		lies    func(t *testing.T)
		uid     int
		name    string
		refused string
	}{
		"nothing":                       {func(*testing.T) {}, own, "sessions.db", ""},
		"a file of its own":             {file("sessions.db", 0o600), own, "sessions.db", ""},
		"one that others may read":      {file("sessions.db", 0o644), own, "./sessions.db", ""},
		"one that others may write":     {file("sessions.db", 0o602), own, "sessions.db", "sessions.db"},
		"one that a group may write":    {file("sessions.db", 0o620), own, "sessions.db", "sessions.db"},
		"another user's file":           {file("sessions.db", 0o600), own + 1, "sessions.db", "sessions.db"},
		"a folder of its own":           {folder("data", 0o700), own, "data/sessions.db", ""},
		"a folder of its group":         {folder("data", 0o770), own, "data/sessions.db", ""},
		"a folder that all may write":   {folder("data", 0o777), own, "data/sessions.db", "data"},
		"another user's folder":         {folder("data", 0o700), own + 1, "data/a/sessions.db", "data"},
		"a link to its own":             {link(0o600), own, "sessions.db", ""},
		"a link to what others write":   {link(0o666), own, "sessions.db", "sessions.db"},
		"another user's link":           {link(0o600), own + 1, "sessions.db", "sessions.db"},
		"by its whole name":             {func(*testing.T) {}, own + 1, "/etc/passwd", ""},
		"by none":                       {func(*testing.T) {}, own + 1, "", ""},
		"in the folder above, its file": {file("sessions.db", 0o602), own, "../here/sessions.db", "sessions.db"},
	} {
		t.Run(name, func(t *testing.T) {
			work := filepath.Join(t.TempDir(), "here")
			must(t, os.Mkdir(work, 0o700))
			t.Chdir(work)
			c.lies(t)
			err := plantedFor(c.uid, c.name)
			if c.refused == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), filepath.Join("here", c.refused)+" (") || !strings.Contains(err.Error(), "chown -R") {
				t.Errorf("told: %v", err)
			}
		})
	}
}

// Without HOME Caddy's data folder is `caddy` in the working folder, where the
// executable may lie: to give that away helps nobody.
func TestAFileInThePlaceOfAFolderIsToldAsOne(t *testing.T) {
	t.Chdir(t.TempDir())
	file("caddy", 0o777)(t)
	folder("data", 0o700)(t)
	whole, _ := filepath.Abs("caddy")
	for name, want := range map[string]string{"caddy": whole, "./caddy/sidegate": whole, "data": "", "none/a": ""} {
		if got := InTheWay(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	err := Planted("caddy/sidegate/secret")
	if err == nil || strings.Contains(err.Error(), "chown") || !strings.Contains(err.Error(), "is a file, where a folder should be: set HOME or XDG_DATA_HOME") {
		t.Errorf("told: %v", err)
	}
}

// What the operator gives may be root's, and a group may write it.
func TestAGivenFileThatOthersMayHavePutIntoTheWorkingFolderIsRefused(t *testing.T) {
	own := os.Getuid()
	for name, c := range map[string]struct {
		lies    func(t *testing.T)
		uid     int
		name    string
		refused bool
	}{
		"nothing":                     {func(*testing.T) {}, own, "sessions.db", false},
		"a file of its own":           {file("sessions.db", 0o600), own, "sessions.db", false},
		"one that a group may write":  {file("sessions.db", 0o660), own, "sessions.db", false},
		"one that others may write":   {file("sessions.db", 0o602), own, "sessions.db", true},
		"a folder that all may write": {folder("data", 0o777), own, "data/users.yaml", true},
		"another user's file":         {file("sessions.db", 0o600), own + 1, "sessions.db", own != 0},
		"root's file":                 {file("sessions.db", 0o644), own + 1, "sessions.db", own != 0},
		"by its whole name":           {func(*testing.T) {}, own + 1, "/etc/passwd", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			c.lies(t)
			if err := foreignFor(c.uid, c.name); (err != nil) != c.refused {
				t.Errorf("%v", err)
			}
		})
	}
	if os.Getuid() == 0 {
		t.Run("a stranger's file", func(t *testing.T) {
			t.Chdir(t.TempDir())
			file("users.yaml", 0o600)(t)
			must(t, os.Chown("users.yaml", 65534, -1))
			if err := Foreign("users.yaml"); err == nil || !strings.Contains(err.Error(), "chown -R 0 ") {
				t.Errorf("%v", err)
			}
		})
	}
}

func file(name string, mode fs.FileMode) func(t *testing.T) {
	return func(t *testing.T) {
		must(t, os.WriteFile(name, nil, 0o600))
		must(t, os.Chmod(name, mode))
	}
}

func folder(name string, mode fs.FileMode) func(t *testing.T) {
	return func(t *testing.T) {
		must(t, os.Mkdir(name, 0o700))
		must(t, os.Chmod(name, mode))
	}
}

// link is one to a file elsewhere.
func link(mode fs.FileMode) func(t *testing.T) {
	return func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "real.db")
		file(to, mode)(t)
		must(t, os.Symlink(to, "sessions.db"))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Whose a link is decides where it leads to later.
func TestWhatSomebodyElseHasMadeIsTheirs(t *testing.T) {
	made := filepath.Join(t.TempDir(), "a folder")
	must(t, os.Mkdir(made, 0o777))
	linked := made + "-linked"
	must(t, os.Symlink(made, linked))
	for _, path := range []string{made, linked} {
		if err := OfAnother(os.Getuid(), path); err != nil {
			t.Errorf("one's own: %v", err)
		}
		err := OfAnother(os.Getuid()+1, path)
		if err == nil || !strings.Contains(err.Error(), "name a folder that does not exist yet") || !strings.Contains(err.Error(), " '"+path+"')") {
			t.Errorf("another's: %v", err)
		}
	}
	if os.Lchown(linked, os.Getuid()+1, -1) == nil && OfAnother(os.Getuid(), linked) == nil { // root alone may
		t.Error("another's link to a folder of one's own is taken")
	}
	must(t, os.Remove(linked))
	must(t, os.Symlink("/", linked)) // root's, by a link of one's own; of root every folder is its own
	if root := os.Getuid() == 0; (OfAnother(os.Getuid(), linked) == nil) != root {
		t.Errorf("a link to a folder of root: %v", OfAnother(os.Getuid(), linked))
	}
}
