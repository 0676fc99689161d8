package caddymodule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// embeddedAt provisions the store as it stands in the JSON that a Caddyfile becomes.
func embeddedAt(t *testing.T, path, former string) *EmbeddedStore {
	t.Helper()
	e := &EmbeddedStore{Path: path, Former: former}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := e.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

// opens opens it, and closes it again.
func opens(e *EmbeddedStore) error {
	_, release, err := e.Open(nil, time.Now)
	if err == nil {
		err = release()
	}
	return err
}

// A gateway before made the file in its working folder. An upgrade must sign nobody
// out, and nobody may plant one.
func TestTheFileOfAGatewayBeforeIsUsedWhereItIsOurOwn(t *testing.T) {
	beside, working := t.TempDir(), t.TempDir()
	t.Chdir(working)
	working, _ = os.Getwd()
	made, former := filepath.Join(beside, "sessions.db"), filepath.Join(working, "sessions.db")
	for _, step := range []struct {
		name  string
		first func() error
		path  string
		wrong string
	}{
		{"there is none, so it is made beside the Caddyfile", func() error { return nil }, made, ""},
		{"it is in the working folder alone", func() error { return os.Rename(made, former) }, former, ""},
		{"others may write it", func() error { return os.Chmod(former, 0o666) }, former, "lies in the working folder"},
		{"it is made our own, as the error says", func() error { return os.Chmod(former, 0o600) }, former, ""},
		{"there is one at both places", func() error { return opens(embeddedAt(t, made, "")) }, made, ""},
	} {
		if err := step.first(); err != nil {
			t.Fatal(err)
		}
		e := embeddedAt(t, made, "sessions.db")
		if e.path != step.path {
			t.Errorf("%s: the file is %s", step.name, e.path)
		}
		err := opens(e)
		if step.wrong == "" && err != nil || step.wrong != "" && (err == nil || !strings.Contains(err.Error(), step.wrong)) {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

// By a relative name in JSON, or from standard input, it lies in the working folder.
func TestAFileInTheWorkingFolderIsOpenedWhereItIsOurOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := opens(embeddedAt(t, "sessions.db", "")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod("sessions.db", 0o622); err != nil {
		t.Fatal(err)
	}
	if err := opens(embeddedAt(t, "sessions.db", "")); err == nil || !strings.Contains(err.Error(), "lies in the working folder") {
		t.Errorf("told: %v", err)
	}
	whole, _ := filepath.Abs("sessions.db")
	if err := opens(embeddedAt(t, whole, "")); err != nil {
		t.Errorf("by its whole name: %v", err)
	}
}

func TestAStoreThatCannotBeOpenedSaysWhoseTheFolderIs(t *testing.T) {
	err := opens(embeddedAt(t, t.TempDir(), ""))
	if err == nil || !strings.Contains(err.Error(), "is a folder, not a file") || !strings.Contains(err.Error(), "uid ") {
		t.Errorf("told: %v", err)
	}
}

// A reload may name the folder by another way, and the file is this process' own.
func TestAFileByAnotherNameOfItsFolderIsTheSame(t *testing.T) {
	in := t.TempDir()
	link := filepath.Join(in, "link")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]string{{link, in}, {in, link}} {
		// Neither folder is there when the first of them is opened.
		below := filepath.Join("of "+filepath.Base(names[0]), "sessions.db")
		_, release, err := embeddedAt(t, filepath.Join(names[0], below), "").Open(nil, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		other, letGo, err := embeddedAt(t, filepath.Join(names[1], below), "").Open(nil, time.Now)
		if err != nil {
			t.Fatalf("in use by this process: %v", err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if err := other.Beat(t.Context()); err != nil {
			t.Errorf("closed with the configuration before: %v", err)
		}
		if err := letGo(); err != nil {
			t.Fatal(err)
		}
	}
}
