package gatewaytest

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// KeepRunning runs another's program until the test ends, by that signal, and waits
// until it listens. What it says is shown when the test fails.
func KeepRunning(t testing.TB, cmd *exec.Cmd, end os.Signal, network, address string) {
	t.Helper()
	var said Output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: ./xcaddy.sh test installs it", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(end) // one that has ended already is no matter
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, said.String())
		}
	})
	Await(t, cmd.Path+" listens", func() bool {
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
