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

// as runs f as a user who may do what that number may, in this thread alone. Only root
// may be somebody else.
func as(t *testing.T, uid int, f func()) {
	t.Helper()
	if uid == os.Getuid() {
		f()
		return
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

// unmade demands that a file cannot be made by that user, that they are told what is
// the matter, and that it can when they have followed what is said.
func unmade(t *testing.T, uid int, path, want string) {
	t.Helper()
	var told error
	as(t, uid, func() { told = unmadeBy(uid, path, makes(path)) })
	if told == nil {
		t.Fatal("the file was made")
	}
	if !strings.Contains(told.Error(), want) || !strings.Contains(told.Error(), fmt.Sprintf("uid %d", uid)) || !strings.Contains(told.Error(), "`store embedded ") {
		t.Errorf("told: %v\nwant: %s", told, want)
	}
	remedy := command.FindStringSubmatch(told.Error())
	if remedy == nil {
		t.Fatalf("there is no command in: %v", told)
	}
	if said, err := exec.CommandContext(t.Context(), "sh", "-c", remedy[1]).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v, %s", remedy[1], err, said)
	}
	as(t, uid, func() { told = makes(path) })
	if told != nil {
		t.Errorf("after %s: %v", remedy[1], told)
	}
}

// What is the user's own they can mend themselves, root or not.
func TestTheRemedyForAFileOfOnesOwnThatCannotBeMadeHelps(t *testing.T) {
	uid := someUser()
	for name, c := range map[string]struct {
		lies             func(t *testing.T)
		what, path, want string
	}{
		"a folder that nobody may write": {folder("own", 0o555), "own", "own/s.db", "may not write in %s/own (of"},
		"a file that nobody may write":   {file("s.db", 0o400), "s.db", "s.db", "may not have %s/s.db (of"},
	} {
		t.Run(name, func(t *testing.T) {
			work := open(t)
			c.lies(t)
			must(t, os.Chown(c.what, uid, -1))
			unmade(t, uid, filepath.Join(work, c.path), strings.ReplaceAll(c.want, "%s", work))
		})
	}
}

// Whoever follows what the error says has no other error next.
func TestTheRemedyForAFileThatCannotBeMadeHelps(t *testing.T) {
	if os.Getuid() != 0 {
		return // it takes root to own a folder and be somebody else; the tests beside this one do not
	}
	for name, c := range map[string]struct {
		lies func(t *testing.T)
		path string
		want string // whose it is, and what is the matter
	}{
		"a folder of another owner":       {folder("root", 0o755), "root/s.db", "may not write in %s/root (of uid 0 (root), drwxr-xr-x)"},
		"one that nobody may write":       {folder("root", 0o555), "root/s.db", "may not write in %s/root (of"},
		"a folder that is missing":        {folder("root", 0o755), "root/a/b/s.db", "may not make %s/root/a in %s/root (of"},
		"a file of another owner":         {file("s.db", 0o600), "s.db", "may not have %s/s.db (of uid 0 (root), -rw-------)"},
		"one that others may write":       {file("s.db", 0o666), "s.db", "may not have %s/s.db (of"},
		"a file that its owner may write": {file("s.db", 0o400), "s.db", "may not have %s/s.db (of"},
	} {
		t.Run(name, func(t *testing.T) {
			work := open(t)
			c.lies(t)
			unmade(t, stranger, filepath.Join(work, c.path), strings.ReplaceAll(c.want, "%s", work))
		})
	}
}

// A folder that others have things in, or have closed, is not to be given to the
// gateway's user, nor opened to everybody, for the sake of one file: not /etc.
func TestAFolderThatOthersUseIsGivenToNobody(t *testing.T) {
	told := map[string]error{}
	as(t, someUser(), func() {
		for _, path := range []string{"/etc/s.db", "/etc/none/s.db", "/root/s.db", "/root/a/s.db"} {
			told[path] = unmadeBy(someUser(), path, makes(path))
		}
	})
	for path, err := range told {
		switch {
		case err == nil:
			t.Errorf("%s was made", path)
		case strings.Contains(err.Error(), "chown") || strings.Contains(err.Error(), "chmod"):
			t.Errorf("%s: told %v", path, err)
		case !strings.Contains(err.Error(), "(of uid 0 (root), ") || !strings.Contains(err.Error(), "`store embedded "):
			t.Errorf("%s: told %v", path, err)
		}
	}
}

// someUser may not write everywhere: whoever runs the test, if they are not root.
func someUser() int {
	if uid := os.Getuid(); uid != 0 {
		return uid
	}
	return stranger
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
