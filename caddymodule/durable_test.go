package caddymodule_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A session is on disk before its cookie is answered, so the moment after the
// answer is a good one to kill the gateway.
func TestEmbeddedSessionsSurviveRestartAndKill(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{})
	var everybody []*client
	for round := range rounds(20, 200) {
		c := p.client(t)
		u := c.signIn(ada)
		if round%5 == 4 {
			p.term()
		} else {
			p.kill()
		}
		everybody = append(everybody, c)
		p.start()
		for i, known := range everybody {
			if a := known.get("/auth/session"); a.StatusCode != http.StatusOK {
				t.Fatalf("round %d: the session of round %d is answered with %s %s", round, i, a.Status, a.body)
			}
		}
		byToken := p.client(t)
		byToken.bearer = u.Token
		byToken.get("/app").want(t, http.StatusOK)
	}
}

func TestSignedOutStaysSignedOutAfterAKill(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{})
	c := p.client(t)
	c.signIn(ada)
	stolen := p.client(t)
	stolen.cookie = c.cookie
	c.post("/auth/logout").want(t, http.StatusNoContent)
	p.kill()
	p.start()
	stolen.get("/auth/session").want(t, http.StatusUnauthorized)
}

func TestOneProcessHasTheDataDirectory(t *testing.T) {
	t.Parallel()
	first := startProcess(t, site{})
	c := first.client(t)
	c.signIn(ada)

	t.Run("a second process refuses to start and says what to do", func(t *testing.T) {
		second := newProcess(t, site{dir: first.dir})
		said, code := runCaddy(t, second.dir, "run", "--adapter", "caddyfile", "--config", second.configFile())
		if code == 0 || !strings.Contains(said, "in use by another process") || !strings.Contains(said, "redis") {
			t.Errorf("it ended with %d and said:\n%s", code, said)
		}
		c.get("/auth/session").want(t, http.StatusOK)
		first.client(t).signIn(grace)
	})

	t.Run("validating beside the running process works and changes nothing", func(t *testing.T) {
		config := first.configFile()
		before := files(t, first.dir)
		said, code := runCaddy(t, first.dir, "validate", "--adapter", "caddyfile", "--config", config)
		if code != 0 || !strings.Contains(said, "Valid configuration") {
			t.Errorf("it ended with %d and said:\n%s", code, said)
		}
		if after := files(t, first.dir); after != before {
			t.Errorf("there was\n%s\nand now there is\n%s", before, after)
		}
		c.get("/auth/session").want(t, http.StatusOK)
	})
}

func TestValidateMakesNothing(t *testing.T) {
	t.Parallel()
	p := newProcess(t, site{})
	config := p.configFile()
	before := files(t, p.dir)
	if said, code := runCaddy(t, p.dir, "validate", "--adapter", "caddyfile", "--config", config); code != 0 {
		t.Fatalf("it ended with %d and said:\n%s", code, said)
	}
	if after := files(t, p.dir); after != before {
		t.Errorf("validating made files: there was\n%s\nand now there is\n%s", before, after)
	}
}

func TestSecretIsMadeOnceAndClosedToOthers(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{})
	file := filepath.Join(p.dir, "storage", "sidegate", "secret")
	made := read(t, file)
	if len(made) < 32 {
		t.Errorf("the secret has %d bytes", len(made))
	}
	for _, private := range []string{file, filepath.Join(p.dir, "sessions.db")} {
		info, err := os.Stat(private)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(private), mode)
		}
	}
	p.term()
	p.start()
	if read(t, file) != made {
		t.Error("the secret was made anew at the second start")
	}
	if strings.Contains(p.log.String(), made) {
		t.Error("the log has the secret")
	}
}

func TestMemoryStoreSurvivesReloadAndNotRestart(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{options: "store memory"})
	c := p.client(t)
	c.signIn(ada)
	p.site.options += "\nlifetime 11h"
	p.reload()
	c.get("/auth/session").want(t, http.StatusOK)
	p.term()
	p.start()
	c.get("/auth/session").want(t, http.StatusUnauthorized)
}

// files lists what lies under a folder, each file with its mode. The storage's
// locks come and go, and so do not count; the database grows by itself.
func files(t *testing.T, dir string) string {
	t.Helper()
	var list strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "locks" {
			return fs.SkipDir
		}
		list.WriteString(d.Type().String() + " " + path + "\n")
		if d.Type().IsRegular() && filepath.Ext(path) != ".db" {
			list.WriteString(read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list.String()
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
