package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAProcessThatExitsIsMissedWithItsLastWords(t *testing.T) {
	// Without its arguments the load finds nothing to read, and says so.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(t.Context(), nil, "test", []string{as(roleLoad)}, exe)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	err = p.until(t.Context(), "pigs fly", func(context.Context) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "exited before pigs fly") || !strings.Contains(err.Error(), "reading the job") {
		t.Errorf("error %v", err)
	}
}

func TestAProcessIsStopped(t *testing.T) {
	p, address, socket, err := startUpstream(t.Context(), nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	for network, at := range map[string]string{"tcp": address, "unix": socket} {
		if w, err := dial(network, at); err == nil {
			w.close()
			t.Errorf("%s is still served", at)
		}
	}
}

// children starts a shell with two of them, and returns all three.
func children(t *testing.T, p *process, script string) []int {
	t.Helper()
	if err := p.start(t.Context(), nil, "/bin/sh", "-c", script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	var all []int
	err := p.until(t.Context(), "it has children", func(context.Context) bool {
		all, _ = family(os.DirFS("/proc"), p.pid())
		return len(all) == 3
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runs reports whether there is such a process that is no zombie: who buries
// an orphan is not up to the rig.
func runs(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields, err := afterName(text)
	return err == nil && string(fields[0]) != "Z"
}

// ends waits until there is no such process: it lets go of its output, which
// stop waits for, a moment before it is gone.
func ends(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for runs(pid) {
		select {
		case <-ctx.Done():
			t.Fatalf("process %d still runs", pid)
		case <-tick.C:
		}
	}
}

func TestAProcessIsStoppedWithItsChildren(t *testing.T) {
	p := &process{name: "test"}
	all := children(t, p, "sleep 600 & sleep 600 & wait")
	p.stop()
	for _, pid := range all {
		ends(t, pid)
	}
	p.stop() // once more is no matter
}

func TestAProcessIsStoppedWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &process{name: "test"}
	if err := p.start(ctx, nil, "/bin/sh", "-c", "sleep 600 & wait"); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-p.exited
}

func TestAProcessMayTidyUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "asked")
	p := &process{name: "test", patience: time.Minute}
	children(t, p, "trap 'kill $a $b; : > "+file+"; exit' TERM; sleep 600 & a=$!; sleep 600 & b=$!; wait")
	p.stop()
	if _, err := os.Stat(file); err != nil {
		t.Errorf("it was not asked to end: %v", err)
	}
}

// roleStubborn is a program that does not end when it is asked to.
const roleStubborn = "stubborn"

func playStubborn() {
	signal.Ignore(syscall.SIGTERM)
	fmt.Println("ready")
	select {}
}

func TestAProcessThatWillNotEndIsKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: "test", patience: time.Millisecond}
	if err := p.start(t.Context(), []string{as(roleStubborn)}, exe); err != nil {
		t.Fatal(err)
	}
	err = p.until(t.Context(), "it is ready", func(context.Context) bool { return strings.Contains(p.log.String(), "ready") })
	if err != nil {
		t.Error(err)
	}
	p.stop()
	ends(t, p.pid())
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	p, _, _, err := startUpstream(t.Context(), nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = p.until(ctx, "pigs fly", func(context.Context) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "gave up") {
		t.Errorf("error %v", err)
	}
}

func TestABinaryThatIsNotThere(t *testing.T) {
	if _, err := start(t.Context(), nil, "test", nil, "/nonexistent/caddy"); err == nil || !strings.Contains(err.Error(), "starting test") {
		t.Errorf("error %v", err)
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is not on PATH: `./xcaddy.sh test` installs it")
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var l tail
	for range 3 {
		_, _ = l.Write([]byte(strings.Repeat("a", keptOutput/2)))
	}
	_, _ = l.Write([]byte("the end"))
	if s := l.String(); len(s) != keptOutput || !strings.HasSuffix(s, "athe end") {
		t.Errorf("%d bytes, ending in %q", len(s), s[max(0, len(s)-10):])
	}
}
