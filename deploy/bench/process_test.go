package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestAProcessThatExitsIsMissedWithItsLastWords(t *testing.T) {
	// Without its arguments the load finds nothing to read, and says so.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(t.Context(), "test", []string{as(roleLoad)}, exe)
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
	p, address, socket, err := startUpstream(t.Context(), t.TempDir())
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

func TestAWaitEndsWithItsContext(t *testing.T) {
	p, _, _, err := startUpstream(t.Context(), t.TempDir())
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
	if _, err := start(t.Context(), "test", nil, "/nonexistent/caddy"); err == nil || !strings.Contains(err.Error(), "starting test") {
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
