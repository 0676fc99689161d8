package apps_test

import (
	"fmt"
	"net"
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
	keepRunning(t, command(port), "tcp", address)
	return address
}

// keepRunning runs a program until the test ends, and waits until it listens.
// What it says is shown when the test fails.
func keepRunning(t *testing.T, cmd *exec.Cmd, network, address string) {
	t.Helper()
	var said gatewaytest.Output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: ./xcaddy.sh test installs it", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // one that has ended already is no matter
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said.String())
		}
	})
	gatewaytest.Await(t, cmd.Path+" listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended (%v):\n%s", cmd.Path, cmd.ProcessState, said.String())
		default:
		}
		c, err := net.Dial(network, address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
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
