package apps_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// debian is a program that ./xcaddy.sh test installs, whose own first line names
// the interpreter that its modules are for.
func debian(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
			if path := filepath.Join(dir, name); exists(path) {
				return path
			}
		}
	}
	t.Fatalf("there is no %s: run ./xcaddy.sh test, which installs it", names[0])
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// listens runs a program on a free port of loopback until the test ends, and
// returns its address.
func listens(t *testing.T, command func(port int) *exec.Cmd) string {
	t.Helper()
	port := gatewaytest.FreePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	gatewaytest.KeepRunning(t, command(port), syscall.SIGKILL, "tcp", address)
	return address
}

// done runs a command to its end, which must be a good one.
func done(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...) // #nosec G204 -- of this test
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "USER=operator", "LANG=C.UTF-8")
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, printed)
	}
	return string(printed)
}

// executable writes a program.
func executable(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
}
