package starting

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// stranger is a user who owns nothing.
const stranger = 65534

// asStranger runs f as a user who owns nothing, in this thread alone. Whoever is not
// root stays who that is.
func asStranger(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, syscall.Setfsuid(stranger))
	defer func() { must(t, syscall.Setfsuid(0)) }()
	f()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatKeepsASocketFromBeingMadeIsToldWithItsFolder(t *testing.T) {
	dir, err := os.MkdirTemp("", "sidegate") // that of the test is closed to others
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // #nosec G302 -- others may enter it
	closed, there, file, open := filepath.Join(dir, "closed"), filepath.Join(dir, "there"), filepath.Join(dir, "file"), filepath.Join(dir, "open")
	others := filepath.Join(dir, "others")
	for _, folder := range []string{closed, there, open, others} {
		must(t, os.Mkdir(folder, 0o700))
	}
	l, err := net.Listen("unix", filepath.Join(there, "admin.sock"))
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	must(t, os.WriteFile(file, nil, 0o600))
	must(t, os.Chmod(closed, 0o555)) // #nosec G302 -- others may enter it
	must(t, os.Chmod(there, 0o555))  // #nosec G302 -- others may enter it
	must(t, os.Chmod(open, 0o777))   // #nosec G302 -- others may write it
	must(t, os.Chmod(others, 0o600)) // nobody may enter it, whoever runs this
	for _, test := range []struct{ name, socket, says string }{
		{"a folder that may not be written", closed + "/admin.sock", "write to the folder " + closed + ", or name another one: the socket " + closed + "/admin.sock"},
		{"another user's folder, into which nobody may look", others + "/admin.sock", "enter and write to the folder " + others + ", or name another one: the socket " + others + "/admin.sock"},
		{"a folder below one of another user's", others + "/below/admin.sock", "enter the folders above " + others + "/below"},
		{"with permissions after it", closed + "/admin.sock|0220", "write to the folder " + closed},
		{"a socket that may not be taken away", there + "/admin.sock", "write to the folder " + there},
		{"no folder", dir + "/none/admin.sock", "make the folder " + dir + "/none"},
		{"a file in the place of the folder", file + "/admin.sock", file + " is no folder"},
		{"a folder in the place of the socket", open, open + " is a folder"},
		{"a folder that may be written", open + "/admin.sock", ""},
		{"none at all", "@admin", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			asStranger(t, func() { err = socket(test.socket) })
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v; want %q", err, test.says)
			}
		})
	}
	if left, err := os.ReadDir(open); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// In a folder such as /tmp each may take away what is their own.
func TestASocketOfAnotherUserIsKeptInAFolderOfAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "admin.sock")
	must(t, os.WriteFile(name, nil, 0o600))
	info, err := os.Lstat(name)
	must(t, err)
	must(t, os.Chmod(dir, 0o777|os.ModeSticky)) // #nosec G302 -- as /tmp
	uid := os.Getuid()
	for _, test := range []struct {
		name string
		uid  int
		mode os.FileMode
		kept bool
	}{
		{"its own", uid, 0o777 | os.ModeSticky, false},
		{"another's", uid + 1, 0o777 | os.ModeSticky, true},
		{"another's, where everybody may take away all", uid + 1, 0o777, false},
		{"another's, for root", 0, 0o777 | os.ModeSticky, false},
	} {
		must(t, os.Chmod(dir, test.mode))
		if is := keptFrom(test.uid, dir, info); is != test.kept {
			t.Errorf("%s: %t; want %t", test.name, is, test.kept)
		}
	}
}
