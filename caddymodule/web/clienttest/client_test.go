package clienttest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/web"
)

// patience bounds what is run. Only what fails takes so long.
const patience = 5 * time.Minute

// run runs a command in that folder.
func run(t *testing.T, dir, name string, args ...string) (printed string, err error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: install it, or run ./xcaddy.sh test, which does", err)
	}
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun runs a command that succeeds.
func mustRun(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	if printed, err := run(t, dir, name, args...); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, printed)
	}
}

// runTests runs the tests of a folder, each file of them.
func runTests(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.test.js"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of tests: %v", len(files), err)
	}
	printed, err := run(t, dir, "node", append([]string{"--test", "--test-reporter=tap"}, files...)...)
	if err != nil || !somePassed.MatchString(printed) {
		t.Fatalf("%v\n%s", err, printed)
	}
}

// somePassed is at the end of what Node prints. It can find no test and call that well.
var somePassed = regexp.MustCompile(`(?m)^# pass [1-9]`)

func TestTheClient(t *testing.T) { runTests(t, ".") }

// TestTheClientAsItIsServed has what pages get, which is less of a text.
func TestTheClientAsItIsServed(t *testing.T) {
	served := filepath.Join(t.TempDir(), "client.js")
	write(t, served, web.ClientFiles()[0].Body)
	t.Setenv("SIDEGATE_CLIENT", served)
	runTests(t, ".")
}

// TestTheClientWithWhatComesFromNPM has all in one folder, where each finds React.
func TestTheClientWithWhatComesFromNPM(t *testing.T) {
	dir := t.TempDir()
	for from, to := range map[string]string{"packages": ".", "../npm": "npm"} {
		if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"../swagger.yaml", "../../version.go"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(file)), content)
	}
	if !installed(t, dir, "the client with React, TypeScript and a bundler") {
		return
	}
	t.Run("the package", func(t *testing.T) { runTests(t, dir) })
	t.Run("the types of the endpoints are those of the document", func(t *testing.T) {
		mustRun(t, dir, "node", "node_modules/openapi-typescript/bin/cli.js", "swagger.yaml", "-o", "made.d.ts")
		made, err := os.ReadFile(filepath.Join(dir, "made.d.ts"))
		if err != nil {
			t.Fatal(err)
		}
		const kept = "../npm/openapi.d.ts"
		if os.Getenv("UPDATE_GOLDENS") != "" {
			write(t, kept, made)
		}
		if have, err := os.ReadFile(kept); err != nil || !bytes.Equal(have, made) {
			t.Errorf("web/npm/openapi.d.ts is behind web/swagger.yaml (%v): UPDATE_GOLDENS=1 go test ./caddymodule/web/clienttest", err)
		}
	})
	t.Run("and are those that front ends were written against", func(t *testing.T) {
		mustRun(t, dir, "node", "node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--skipLibCheck", "promised.ts")
	})
}

// outOfReach is what npm says of a registry that it cannot get to.
var outOfReach = regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT`)

// installed reports whether all packages of the lock are there. A run of continuous
// integration that cannot get them says what it has not checked, in the file that it
// names for that.
func installed(t *testing.T, dir, what string) bool {
	t.Helper()
	printed, err := run(t, dir, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
	if err == nil {
		return true
	}
	notes := os.Getenv("SIDEGATE_NOT_CHECKED")
	if notes == "" || !outOfReach.MatchString(printed) {
		t.Fatalf("npm ci: %v\n%s", err, printed)
	}
	file, err := os.OpenFile(notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("NOT CHECKED: tests: " + what + ": npm's registry cannot be reached from here\n"); err != nil {
		t.Fatal(err)
	}
	return false
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
