package storecommand_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// withoutRights runs the command as one who may not overrule what folders allow, as the
// user root may: what the thread has given up is not given to what it starts.
func withoutRights(t *testing.T, p *gatewaytest.Process, words ...string) (said string, code int) {
	t.Helper()
	args := append([]string{"sidegate-store", "--adapter", "caddyfile", "--config", p.ConfigFile()}, words...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this
		if os.Geteuid() == 0 {
			for _, right := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
				if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); err != nil {
					t.Errorf("giving up a right: %v", err)
				}
			}
		}
		cmd := gatewaytest.CaddyCommand(t.Context(), p.Dir, args...)
		out, _ := cmd.CombinedOutput() // its state says how it ended
		said, code = string(out), cmd.ProcessState.ExitCode()
	}()
	<-done
	return said, code
}

// allow sets what a file or folder allows, until the test ends.
func allow(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, before.Mode().Perm()) })
}

// unharmed requires that the file is in force with nothing beside it.
func unharmed(t *testing.T, p *gatewaytest.Process) {
	t.Helper()
	file := filepath.Join(p.Dir, "sessions.db")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if beside, err := filepath.Glob(file + ".*"); err != nil || len(beside) > 0 {
		t.Errorf("there is left %v, %v", beside, err)
	}
}

func TestWhereNothingMayBeWrittenTheFileIsAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "store embedded " + filepath.Join(dir, "sessions.db")})
	ada := p.WithCookie(t, gatewaytest.Ada)
	p.Terminate()
	at := t.TempDir()
	folder := filepath.Join(at, "monday")
	want := func(t *testing.T, says []string, words ...string) {
		t.Helper()
		said, code := withoutRights(t, p, words...)
		if code != 1 {
			t.Errorf("%v ends with %d: %s", words, code, said)
		}
		for _, part := range says {
			if !strings.Contains(said, part) {
				t.Errorf("%v: no word of %q: %s", words, part, said)
			}
		}
	}
	t.Run("in the folder of the sessions", func(t *testing.T) {
		allow(t, dir, 0o500)
		want(t, []string{"permission denied", "the file is as it was", "may write there"}, "compact")
		want(t, []string{"there is no backup", "permission denied", "may write there"}, "backup", folder)
		run(t, p, 0, "check") // which writes nothing
	})
	t.Run("to the file of the sessions", func(t *testing.T) {
		allow(t, filepath.Join(dir, "sessions.db"), 0)
		for _, words := range [][]string{{"check"}, {"compact"}, {"backup", folder}} {
			want(t, []string{"permission denied", "run this as the user of the gateway"}, words...)
		}
	})
	t.Run("where backups are", func(t *testing.T) {
		allow(t, at, 0o500)
		want(t, []string{"the folder of the backup cannot be made", "permission denied", "name another one"}, "backup", folder)
	})
	t.Run("to the secret", func(t *testing.T) {
		allow(t, filepath.Join(p.Dir, "storage", "sidegate", "secret"), 0)
		for _, words := range [][]string{{"check"}, {"backup", folder}} {
			want(t, []string{"the secret that was made here cannot be read", "as the user of the gateway"}, words...)
		}
	})
	wantNothing(t, folder)
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("there is %v, %v", left, err)
	}
	p.Start()
	ada.Get("/auth/session").Want(t, http.StatusOK)
}

func TestOnAFullDiskTheFileIsAsItWas(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	ada := p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	t.Run("that of a gateway that runs", func(t *testing.T) {
		p.FillDisk()
		defer p.FreeDisk()
		for _, words := range [][]string{{"compact"}, {"check"}, {"backup", folder}} {
			fails(t, p, []string{"the gateway at", "file too large", "room beside"}, words...)
		}
		unharmed(t, p)
		wantNothing(t, folder)
		ada.In(t).Get("/auth/session").Want(t, http.StatusOK)
	})
	unharmed(t, p)
	t.Run("that of the backup", func(t *testing.T) {
		said, code := onFullDisk(t, p, "backup", folder)
		if code != 1 || !strings.Contains(said, "there is no backup: ") || !strings.Contains(said, "file too large") || !strings.Contains(said, "see that there is room") ||
			strings.Contains(said, "broken off") {
			t.Errorf("it ends with %d: %s", code, said)
		}
		wantNothing(t, folder)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		onFullDisk(t, p, "backup", folder)
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("there is left %v, %v", left, err) // the folder itself was there
		}
	})
	run(t, p, 0, "compact")
	run(t, p, 0, "backup", folder)
	p.Terminate()
	t.Run("that of a gateway that does not run", func(t *testing.T) {
		for _, words := range [][]string{{"compact"}, {"backup", folder + "-too"}} {
			if said, code := onFullDisk(t, p, words...); code != 1 || !strings.Contains(said, "file too large") || !strings.Contains(said, "room") {
				t.Errorf("%v ends with %d: %s", words, code, said)
			}
		}
		wantNothing(t, folder+"-too")
		unharmed(t, p)
	})
	run(t, p, 0, "check")
	p.Start()
	ada.Get("/auth/session").Want(t, http.StatusOK)
}

// onFullDisk runs the command where none of its writes to a file succeeds.
func onFullDisk(t *testing.T, p *gatewaytest.Process, words ...string) (said string, code int) {
	t.Helper()
	args := append([]string{"sidegate-store", "--adapter", "caddyfile", "--config", p.ConfigFile()}, words...)
	cmd := gatewaytest.CaddyCommand(t.Context(), p.Dir, args...)
	cmd.Args = append([]string{"sh", "-c", `ulimit -S -f 0 && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	out, _ := cmd.CombinedOutput() // its state says how it ended
	return string(out), cmd.ProcessState.ExitCode()
}
