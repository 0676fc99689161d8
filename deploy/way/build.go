package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// command is the gateway's, in a checkout.
const command = "./caddymodule/cmd/caddy"

// flags are those of xcaddy.sh, so that what it has built is not built again.
var flags = []string{"-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-tags", "nobadger,nomysql,nopgx"}

//go:embed recorder/recorder.go
var recorderSource []byte

// checkout is a copy of the repository at some commit.
type checkout struct {
	dir    string // absolute
	module string
}

// here finds the checkout that a folder is in.
func here(ctx context.Context, dir string) (checkout, error) {
	said, err := goSays(ctx, dir, "list", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	if err != nil {
		return checkout{}, fmt.Errorf("finding the repository (run this from inside of it, or say -repo): %w", err)
	}
	module, top, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	return checkout{top, module}, nil
}

// buildWatched builds the gateway with the recorder in it. Changed files go
// into a folder of ours: the checkout stays as it is.
func (c checkout) buildWatched(ctx context.Context, scratch, binary string) error {
	files, err := c.files(ctx)
	if err != nil {
		return err
	}
	replace, err := c.change(files, scratch)
	if err != nil {
		return err
	}
	overlay := filepath.Join(scratch, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return err
	}
	_, err = goSays(ctx, c.dir, append(append([]string{"build", "-overlay", overlay, "-o", binary}, flags...), command)...)
	return err
}

// files are the checkout's own Go files that the gateway is built of.
func (c checkout) files(ctx context.Context) ([]string, error) {
	said, err := goSays(ctx, c.dir, "list", "-deps", "-json=Dir,GoFiles,Module", command)
	if err != nil {
		return nil, err
	}
	var files []string
	for packages := json.NewDecoder(bytes.NewReader(said)); ; {
		var p struct {
			Dir     string
			GoFiles []string
			Module  *struct{ Main bool }
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && p.Module.Main {
			for _, name := range p.GoFiles {
				files = append(files, filepath.Join(p.Dir, name))
			}
		}
	}
}

// change writes each file as it is to be compiled, and says in place of what.
func (c checkout) change(files []string, scratch string) (map[string]string, error) {
	recorderFile := filepath.Join(scratch, "recorder.go")
	if err := os.WriteFile(recorderFile, recorderSource, 0o600); err != nil {
		return nil, err
	}
	replace := map[string]string{filepath.Join(c.dir, filepath.FromSlash(recorderFolder), "recorder.go"): recorderFile}
	for i, file := range files {
		name, err := filepath.Rel(c.dir, file)
		if err != nil {
			return nil, err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		source, err = instrument(source, filepath.ToSlash(name), c.module+"/"+recorderFolder)
		if err != nil {
			return nil, err
		}
		changed := filepath.Join(scratch, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(changed, source, 0o600); err != nil { // #nosec G703 -- in our own folder
			return nil, err
		}
		replace[file] = changed
	}
	return replace, nil
}

// goSays runs the go command in a folder.
func goSays(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) // #nosec G204 -- our own arguments
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s in %s: %w\n%s", args[0], dir, err, &trouble)
	}
	return said, nil
}
