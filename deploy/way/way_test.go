package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/deploy/way/recorder"
)

// tiny is a module with a command where the gateway has its own.
var tiny = map[string]string{
	"go.mod":                      "module example.org/tiny\n\ngo 1.26.0\n",
	"caddymodule/cmd/caddy/a.go":  "package main\n\nimport \"example.org/tiny/b\"\n\nfunc main() { serve{}.ServeHTTP() }\n\ntype serve struct{}\n\nfunc (serve) ServeHTTP() { b.Do(func() {}) }\n",
	"b/b.go":                      "package b\n\nfunc Do(f func()) {\n\tdone := make(chan struct{})\n\tgo func() { defer close(done); later(f) }()\n\t<-done\n}\n",
	"b/c.go":                      "package b\n\nfunc later(f func()) { f() }\n",
	"b/unused.go":                 "package b\n\nfunc unused() {}\n\nvar _ = unused\n",
	"caddymodule/cmd/other/no.go": "this is not built, and no Go\n",
}

func TestAnotherCheckoutIsWatchedAndLeftAsItIs(t *testing.T) {
	c := checkout{t.TempDir(), "example.org/tiny"}
	for name, text := range tiny {
		file := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scratch := t.TempDir()
	binary, notes := filepath.Join(scratch, "tiny"), filepath.Join(scratch, "notes")
	if err := c.buildWatched(t.Context(), scratch, binary); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), recorder.Variable+"="+notes)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	seen := newTrace()
	for line := range bytes.Lines(text) {
		if err := seen.read(string(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen.files, " "); got != "caddymodule/cmd/caddy/a.go b/b.go b/c.go" || len(seen.turns)+len(seen.rooms) != 0 {
		t.Errorf("got %s %v %v", got, seen.turns, seen.rooms)
	}
	for name, want := range tiny {
		if got, err := os.ReadFile(filepath.Join(c.dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is changed: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "deploy")); err == nil {
		t.Error("the recorder was left in it")
	}
}

// The gateway of this checkout itself.
func TestTheFiveWays(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	ways := strings.Split(strings.TrimPrefix(out.String(), "## "), "\n## ")
	if len(ways) != 5 {
		t.Fatalf("%d ways", len(ways))
	}
	for i, c := range []struct{ begins, has, hasNot string }{
		{"a request", `identity/`, `login/users/hash`},
		{"a password sign-in", `login/users/`, `oidc/callback`},
		{"a sign-in through an OpenID provider", `login/oidc/`, `login/users/hash`},
		{"a refresh", `login/oidc/`, `oidc/callback`},
		{"a back-channel logout", `login/oidc/`, `login/users/`},
	} {
		t.Run(c.begins, func(t *testing.T) {
			way := ways[i]
			if !strings.HasPrefix(way, c.begins) || !strings.Contains(way, "\nsessionstore/embedded/store.go\n") ||
				!strings.Contains(way, c.has) || strings.Contains(way, c.hasNot) {
				t.Error("this is another way")
			}
			if strings.Contains(way, "watch.go\n") {
				t.Error("what runs beside it is in it")
			}
			files := regexp.MustCompile(`(?m)^(\S+\.go)$`).FindAllString(way, -1)
			for _, file := range files {
				if _, err := os.Stat(filepath.Join("..", "..", file)); err != nil {
					t.Error(err)
				}
			}
			if len(files) < 10 {
				t.Errorf("%d files", len(files))
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestTheCommandRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"a folder that is in no checkout": {"-repo", t.TempDir()},
		"words that are no flags":         {"repo"},
		"a flag that it has not":          {"-fast"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run(t.Context(), args, new(strings.Builder)); err == nil {
				t.Error("it ran")
			}
		})
	}
}
