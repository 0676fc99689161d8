package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key that is written where its file's name should be ends in no terminal and no log.
func TestNoErrorRepeatsWhatAPlaceholderStandsFor(t *testing.T) {
	const marker = "Mark3rOfASecret"
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct{ written, resolved, told string }{
		"a key":                         {"{file./key.pem}", "-----BEGIN PRIVATE KEY-----\n" + marker, "{file./key.pem}: this is the content of a file: name the file, without `{file.}`"},
		"lines":                         {"{env.KEY}", "a:\n" + marker, "{env.KEY}: this is the content of a file"},
		"longer than a path":            {"{env.KEY}", marker + strings.Repeat("/a", 2048), "{env.KEY}: this is the content of a file"},
		"longer than a name":            {"{env.KEY}", marker + strings.Repeat("a", 256), "{env.KEY}: this is the content of a file"},
		"a key as it is":                {"-----BEGIN " + marker, "-----BEGIN " + marker, "this is the content of a file"},
		"a password":                    {"{env.KEY}", marker, "open {env.KEY}: no such file"},
		"a path":                        {"{env.KEY}", "/nowhere/" + marker + ".pem", "open {env.KEY}: no such file"},
		"a password as it is":           {"/nowhere/" + marker, "/nowhere/" + marker, "open a file whose name has no ending, and is not repeated, in /: no such file"},
		"a token as it is":              {marker + ".b." + marker, marker + ".b." + marker, "open a file whose name has no ending, and is not repeated, in .: no such file"},
		"the name of a file that is no": {"users.yaml", "users.yaml", "open users.yaml: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := NamedBy(c.written, c.resolved)
			if err == nil {
				_, err = n.Read()
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.told) || strings.Contains(err.Error(), marker) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

func TestAFileByAPlaceholderThatOthersMayHavePutThereIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	file("a.pem", 0o606)(t)
	if _, err := NamedBy("{env.KEY}", "a.pem"); err == nil || strings.Contains(err.Error(), "a.pem") || !strings.Contains(err.Error(), "{env.KEY}") {
		t.Errorf("told: %v", err)
	}
	if _, err := NamedBy("a.pem", "a.pem"); err == nil || !strings.Contains(err.Error(), "a.pem") {
		t.Errorf("told: %v", err)
	}
}

func TestWhoMayNotReadAFileIsToldWithoutWhatAPlaceholderStandsFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pem")
	must(t, os.WriteFile(path, []byte("x"), 0o600))
	denied := &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	for written, told := range map[string]string{path: path, "{env.KEY}": "{env.KEY}"} {
		n, err := NamedBy(written, path)
		must(t, err)
		err = n.Err(denied)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), told) || !strings.Contains(err.Error(), "let the user that the gateway runs as") ||
			strings.Contains(err.Error(), path) != (written == path) {
			t.Errorf("told: %v", err)
		}
		if text, err := n.Read(); err != nil || string(text) != "x" || n.String() != told {
			t.Errorf("%s of %s: %v", text, n, err)
		}
	}
	other := errors.New("x")
	if n, _ := NamedBy(path, path); n.Err(other) != other || n.Err(nil) != nil {
		t.Error("another error changed")
	}
}

func TestAFileThatAllMayWriteIsKnown(t *testing.T) {
	t.Chdir(t.TempDir())
	file("a", 0o606)(t)
	file("b", 0o664)(t)
	if !IsOpenToAll("a") || IsOpenToAll("b") || IsOpenToAll("none") {
		t.Error("it is not")
	}
}
