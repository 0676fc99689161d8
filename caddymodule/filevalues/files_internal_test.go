package filevalues

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// inFile writes a file and returns its name.
func inFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEveryValueOfAFileIsFound(t *testing.T) {
	var a map[string]any
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(json.Unmarshal([]byte(`{
		"secrets": ["{file./run/one}", "{env.TWO}", "plain", "{file./run/one}{file./run/three}"],
		"store": {"module": "redis", "url": "redis://h", "password": "{file./run/redis}"},
		"logins": [
			{"method": "oidc", "name": "sso", "client_secret": "{file./run/oidc}"},
			{"method": "app", "name": "legacy", "header": [{"name": "X-Key", "value": "key {file./run/app}"}], "fields": [{"name": "k", "value": "{file./run/one}"}]}],
		"directories": [{"source": "http", "name": "crm", "basic_auth": {"user": "u", "password": "{file./run/crm}"}}]
	}`), &a))
	found, err := Find(a)
	must(err)
	var got []string
	for _, f := range found {
		got = append(got, f.path+" "+strings.Join(f.options, ","))
	}
	slices.Sort(got)
	want := []string{
		"/run/app logins.1.header.0.value",
		"/run/crm directories.0.basic_auth.password",
		"/run/oidc logins.0.client_secret",
		"/run/one logins.1.fields.0.value,secrets.0,secrets.3",
		"/run/redis store.password",
		"/run/three secrets.3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// watched is a file of the configuration in a bubble, where a look passes as
// fast as the test lets it.
type watched struct {
	*testing.T
	path string
	logs *observer.ObservedLogs
}

func watching(t *testing.T, option, text string, test func(w watched)) {
	t.Helper()
	path := inFile(t, text)
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		var files Files
		files.add(path, option)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			files.Watch(ctx, zap.New(core))
			close(done)
		}()
		test(watched{t, path, logs})
		stop()
		<-done // no goroutine is left: else this never ends
	})
}

// looks lets that many looks pass.
func (w watched) looks(n int) {
	<-time.After(time.Duration(n)*fileEvery + fileEvery/2)
	synctest.Wait()
}

// said are the messages of the log since it was last asked.
func (w watched) said() (messages []string) {
	for _, line := range w.logs.TakeAll() {
		messages = append(messages, line.Message)
	}
	return messages
}

func (w watched) wantSaid(wants ...string) {
	w.Helper()
	said := w.said()
	ok := slices.EqualFunc(said, wants, strings.Contains)
	if !ok {
		w.Errorf("the log says %q; want %q", said, wants)
	}
}

const (
	toReload  = "caddy reload --force"
	toMend    = "cannot be read any more"
	allIsWell = "holds again what is in force"
)

func TestAChangedFileIsToldOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(w watched)
	}{
		{"one that stays as it is is not told of", func(w watched) {
			w.looks(5)
			w.wantSaid()
		}},
		{"a new value is told within seconds, and once", func(w watched) {
			write(w.T, w.path, "new")
			w.looks(3)
			w.wantSaid(toReload)
			w.looks(5)
			w.wantSaid()
		}},
		{"the next one is told again", func(w watched) {
			write(w.T, w.path, "new")
			w.looks(3)
			write(w.T, w.path, "newer")
			w.looks(3)
			w.wantSaid(toReload, toReload)
		}},
		{"one that is taken back needs no reload, and would when it came again", func(w watched) {
			write(w.T, w.path, "new")
			w.looks(3)
			write(w.T, w.path, "old")
			w.looks(3)
			w.wantSaid(toReload, allIsWell)
			write(w.T, w.path, "new")
			w.looks(3)
			w.wantSaid(toReload)
		}},
		{"a line break at the end changes nothing", func(w watched) {
			write(w.T, w.path, "old\n")
			w.looks(3)
			w.wantSaid()
		}},
		{"one that was touched and says the same changes nothing", func(w watched) {
			write(w.T, w.path, "old")
			w.looks(3)
			w.wantSaid()
		}},
		{"one that is half written is not told of", func(w watched) {
			w.looks(1)
			write(w.T, w.path, "n")
			w.looks(0)
			write(w.T, w.path, "ne")
			<-time.After(fileEvery)
			write(w.T, w.path, "new")
			w.looks(3)
			w.wantSaid(toReload)
		}},
		{"another file in its place, as Kubernetes has it, is a change", func(w watched) {
			other := w.path + ".new"
			write(w.T, other, "new")
			if err := os.Rename(other, w.path); err != nil {
				w.Fatal(err)
			}
			w.looks(3)
			w.wantSaid(toReload)
		}},
		{"one that has gone is told of, and that a reload would fail", func(w watched) {
			if err := os.Remove(w.path); err != nil {
				w.Fatal(err)
			}
			w.looks(3)
			w.wantSaid(toMend)
			write(w.T, w.path, "old")
			w.looks(3)
			w.wantSaid(allIsWell)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { watching(t, "store.password", "old", c.test) })
	}
}

// What is in the files is never in the log, nor where it can be had back from.
func TestTheLineOfAChangedFileTellsNoSecret(t *testing.T) {
	watching(t, "secrets.0", "canary-of-before", func(w watched) {
		write(w.T, w.path, "canary-of-after")
		w.looks(3)
		lines := w.logs.TakeAll()
		if len(lines) != 1 {
			w.Fatalf("the log says %+v", lines)
		}
		fields := lines[0].ContextMap()
		// To reload at once, which is all that other files need, would be a mistake.
		caution, reload := strings.Index(lines[0].Message, "First put that one into"), strings.Index(lines[0].Message, "caddy reload")
		if fields["file"] != w.path || caution < 0 || caution > reload || lines[0].Level != zap.WarnLevel {
			w.Errorf("its fields are %v", fields)
		}
		text, err := json.Marshal(fields)
		if err != nil || strings.Contains(string(text)+lines[0].Message, "canary") {
			w.Errorf("it tells the secret: %s, %v", text, err)
		}
	})
}

// A pipe is empty when it was read: what looks into it takes the value away
// from who needs it, and waits for a writer without end.
func TestAPipeIsNotLookedInto(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lookInto(path); got != (held{}) {
		t.Errorf("something was read: %v", got)
	}
}
