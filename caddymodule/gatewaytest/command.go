package gatewaytest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// CaddyCommand is this test binary as the caddy command, with folders of its
// own.
func CaddyCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	// Else the race detector has each process wait for a second before it exits.
	races := "GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE")
	cmd.Env = append(os.Environ(), runAsCaddy+"=1", races, "HOME="+dir,
		"XDG_DATA_HOME="+filepath.Join(dir, "data"), "XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
	return cmd
}

// RunCaddy runs a caddy command to its end: what it printed, and its exit code.
func RunCaddy(t testing.TB, dir string, args ...string) (said string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	cmd := CaddyCommand(ctx, dir, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("caddy %s: %v\n%s", args[0], err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
