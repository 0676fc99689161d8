package ownfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// stranger is a user who owns nothing.
const stranger = 65534

// as runs f as a user who may do what that number may, in this thread alone.
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may be somebody else")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, syscall.Setfsuid(uid))
	defer func() { must(t, syscall.Setfsuid(0)) }()
	f()
}

// makes opens the file as the gateway does.
func makes(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

// command is what stands first in brackets and can be run.
var command = regexp.MustCompile(`\(((?:chown|chmod|install) [^()]*)\)`)

// Whoever follows what the error says has no other error next.
func TestTheRemedyForAFileThatCannotBeMadeHelps(t *testing.T) {
	for name, c := range map[string]struct {
		lies func(t *testing.T)
		path string
		want string // whose it is, and what is the matter
	}{
		"a folder of another owner":       {folder("root", 0o755), "root/s.db", "may not write in %s/root (of uid 0 (root), drwxr-xr-x)"},
		"one that nobody may write":       {folder("root", 0o555), "root/s.db", "may not write in %s/root (of"},
		"one that may not be entered":     {folder("root", 0o700), "root/s.db", "may not write in %s/root (of"},
		"a folder in one of those":        {folder("root", 0o700), "root/a/b/s.db", "may not enter %s/root (of"},
		"a folder that is missing":        {folder("root", 0o755), "root/a/b/s.db", "may not make %s/root/a in %s/root (of"},
		"a file of another owner":         {file("s.db", 0o600), "s.db", "may not have %s/s.db (of uid 0 (root), -rw-------)"},
		"one that others may write":       {file("s.db", 0o666), "s.db", "may not have %s/s.db (of"},
		"a file that its owner may write": {file("s.db", 0o400), "s.db", "may not have %s/s.db (of"},
	} {
		t.Run(name, func(t *testing.T) {
			work := open(t)
			c.lies(t)
			path := filepath.Join(work, c.path)
			var told error
			as(t, stranger, func() { told = unmadeBy(stranger, path, makes(path)) })
			if told == nil {
				t.Fatal("the file was made")
			}
			want := strings.ReplaceAll(c.want, "%s", work)
			if !strings.Contains(told.Error(), want) || !strings.Contains(told.Error(), fmt.Sprintf("uid %d", stranger)) || !strings.Contains(told.Error(), "`store embedded ") {
				t.Errorf("told: %v\nwant: %s", told, want)
			}
			remedy := command.FindStringSubmatch(told.Error())
			if remedy == nil {
				t.Fatalf("there is no command in: %v", told)
			}
			if said, err := exec.CommandContext(t.Context(), "sh", "-c", remedy[1]).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v, %s", remedy[1], err, said)
			}
			as(t, stranger, func() { told = makes(path) })
			if told != nil {
				t.Errorf("after %s: %v", remedy[1], told)
			}
		})
	}
}

func TestWhatNoCommandMendsIsToldWithAnotherPlace(t *testing.T) {
	work := open(t)
	folder("there", 0o755)(t)
	file("a", 0o600)(t)
	must(t, os.Symlink(filepath.Join(work, "no", "where"), "link"))
	mistakes := map[string]string{
		"there": "there is a folder, not a file", "a/s.db": "a is no folder", "a/b/s.db": "a is no folder", "link": "link is a link that leads nowhere",
	}
	if os.Getuid() == 0 { // others may not write there, as far as can be told
		mistakes["/proc/s.db"] = "nothing can be made in /proc"
	}
	for path, want := range mistakes {
		if !filepath.IsAbs(path) {
			path = filepath.Join(work, path)
		}
		err := Unmade(path, makes(path))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "`store embedded ") || command.MatchString(err.Error()) {
			t.Errorf("%s: told %v", path, err)
		}
	}
	if told := Unmade("/s.db", &os.PathError{Op: "open", Path: "/s.db", Err: syscall.EROFS}); !strings.Contains(told.Error(), "may not be written") || command.MatchString(told.Error()) {
		t.Errorf("told %v", told)
	}
	if other := errors.New("x"); Unmade("/s.db", other) != other {
		t.Error("another error changed")
	}
}

// open is a working folder that anybody may enter.
func open(t *testing.T) string {
	t.Helper()
	work := t.TempDir()
	for _, folder := range []string{work, filepath.Dir(work)} {
		must(t, os.Chmod(folder, 0o755))
	}
	t.Chdir(work)
	return work
}
