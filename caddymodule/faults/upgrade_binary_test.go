package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// binary is a caddy command: of that file, or, without one, the one under test.
type binary struct{ file string }

// command is the binary in a folder.
func (b binary) command(dir string, args ...string) *exec.Cmd {
	cmd := gatewaytest.CaddyCommand(context.Background(), dir, args...)
	if b.file != "" {
		cmd.Path, cmd.Args[0] = b.file, b.file
	}
	return cmd
}

// run starts the gateway with that binary.
func (b binary) run(p *gatewaytest.Process) {
	p.OtherVersion = b.file != ""
	p.Run(b.command(p.Dir, "run", "--adapter", "caddyfile", "--config", p.ConfigFile()))
}

// release is a checkout of a commit, and its binary.
type release struct {
	binary
	dir string
}

// buildEarlier builds the earlier binary from the history that the test is in.
func buildEarlier(t *testing.T) release {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// Whoever owns the folder: we only read.
	git := []string{"git", "-c", "safe.directory=*", "-C", top}
	if said, err := command(t, append(git, "cat-file", "-e", earlierCommit+"^{commit}")...).CombinedOutput(); err != nil {
		t.Fatalf("commit %s, whose binary this test builds, is not in the history here (%v: %s): in a shallow clone run `git fetch --unshallow`, "+
			"and instead of an unpacked archive take a clone of the repository", earlierCommit, err, said)
	}
	r := release{binary{filepath.Join(t.TempDir(), "caddy")}, t.TempDir()}
	tree := filepath.Join(t.TempDir(), "tree.tar")
	must(t, append(git, "archive", "--format=tar", "--output="+tree, earlierCommit)...)
	must(t, "tar", "-xf", tree, "-C", r.dir)
	// The flags are those of xcaddy.sh, so that what it has built is not built again.
	must(t, "env", "CGO_ENABLED=0", "go", "build", "-C", r.dir, "-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-tags", "nobadger,nomysql,nopgx",
		"-o", r.file, "./caddymodule/cmd/caddy")
	return r
}

func command(t *testing.T, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), args[0], args[1:]...)
}

func must(t *testing.T, args ...string) {
	t.Helper()
	if said, err := command(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// newWords are keys of the JSON that this binary writes for Caddyfiles of the
// earlier commit too, where that one has none. There are none so far.
var newWords []string

// readsAsEver checks that the Caddyfiles of the earlier commit, those shipped
// and those of its tests, make the same JSON still. Those that it refuses
// promise nothing.
func readsAsEver(t *testing.T, earlier release) {
	t.Helper()
	shipped, goldens := filesOf(t, earlier.dir, "Caddyfile"), filesOf(t, earlier.dir, ".caddyfiletest")
	if len(shipped) < 10 || len(goldens) < 30 {
		t.Fatalf("found only %d Caddyfiles, and %d of tests", len(shipped), len(goldens))
	}
	for name, text := range shipped {
		wantAdapted(t, name, text, earlier.adapt(t, text))
	}
	for name, golden := range goldens {
		text, made, _ := strings.Cut(golden, "----------\n")
		if strings.HasPrefix(made, "{") && !slices.Contains(refusedWhenLoaded, filepath.Base(name)) {
			wantAdapted(t, name, text, []byte(made))
		}
	}
}

// refusedWhenLoaded are those that no gateway of late has run: they are refused
// while they are read now.
var refusedWhenLoaded = []string{"login_app.caddyfiletest", "session_auth_options.caddyfiletest"}

// adapt is what that release makes of a Caddyfile.
func (r release) adapt(t *testing.T, text string) []byte {
	t.Helper()
	dir := t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), text)
	made, err := r.command(dir, "adapt").Output()
	if err != nil {
		t.Fatalf("the earlier binary does not read its own\n%s", text)
	}
	return made
}

func wantAdapted(t *testing.T, name, text string, made []byte) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	// Relative files are whole names now, of those beside the Caddyfile.
	adapted := bytes.ReplaceAll(gatewaytest.Adapt(t, text), []byte(`"`+here+"/"), []byte(`"`))
	if got, want := without(newWords, decoded(t, adapted)), decoded(t, made); !reflect.DeepEqual(got, want) {
		t.Errorf("%s made\n%v\nand makes\n%v", name, want, got)
	}
}

// filesOf are the files of a checkout whose names end so, by their paths.
func filesOf(t *testing.T, dir, ending string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// without takes keys out of JSON, wherever they are.
func without(keys []string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, value any) bool { without(keys, value); return slices.Contains(keys, key) })
	case []any:
		for _, element := range v {
			without(keys, element)
		}
	}
	return v
}
