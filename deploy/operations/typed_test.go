package operations_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// operator types what the document says, at a gateway that runs.
type operator struct {
	*gatewaytest.Process
	t testing.TB
}

// types runs a command of ours, or asks what curl would, and is what is said.
func (o operator) types(line string) string {
	o.t.Helper()
	line, _, _ = strings.Cut(line, " | ")
	words := strings.Fields(line)
	if words[0] == "curl" {
		return o.asks(strings.ReplaceAll(words[len(words)-1], "localhost:2019", o.Site.Admin))
	}
	said, code := gatewaytest.RunCaddy(o.t, o.Dir, o.here(words[1:])...)
	if code != 0 {
		o.t.Errorf("%s ended with %d and said:\n%s", line, code, said)
	}
	return said
}

// here are the words with what is of this machine.
func (o operator) here(words []string) []string {
	for i, word := range words {
		words[i] = strings.NewReplacer("/etc/caddy/Caddyfile", o.ConfigFile(), "/var/backups", filepath.Join(o.Dir, "backups")).Replace(word)
	}
	if slices.Contains(words, "--config") {
		return append(words, "--adapter", "caddyfile")
	}
	return append(words, "--address", o.Site.Admin)
}

func (o operator) asks(address string) string {
	o.t.Helper()
	answer, err := http.Get("http://" + address)
	must(o.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	must(o.t, err)
	if answer.StatusCode != http.StatusOK {
		o.t.Errorf("%s is answered with %s", address, answer.Status)
	}
	return string(text)
}

// typed are the document's lines that ask a gateway that runs, without those that
// have a placeholder.
func typed(t *testing.T) (lines []string) {
	t.Helper()
	for _, line := range code(readFile(t, "deploy/OPERATIONS.md")) {
		ours := strings.HasPrefix(line, "caddy sidegate-sessions ") || strings.HasPrefix(line, "caddy sidegate-store ") || strings.HasPrefix(line, "curl -s localhost:2019/")
		if ours && !strings.Contains(line, "<") && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// What would fail at night fails here first. The person of the document has never
// signed in, and is ended all the same.
func TestWhatTheDocumentHasTypedWorks(t *testing.T) {
	t.Parallel()
	o := operator{gatewaytest.StartProcess(t, gatewaytest.Site{Global: "metrics"}), t}
	o.WithCookie(t, gatewaytest.Ada)
	lines := typed(t)
	if len(lines) < 11 {
		t.Errorf("only %q are typed", lines)
	}
	for _, line := range lines {
		said := o.types(line)
		if strings.Contains(line, "/metrics") && !strings.Contains(said, "caddy_sidegate_store_up") {
			t.Error("there is nothing of ours among the metrics")
		}
		if strings.HasSuffix(line, "/ready") && !strings.Contains(said, "ready") {
			t.Errorf("it is not ready: %s", said)
		}
	}
}

// The steps of "A secret has leaked": what the former secret sealed is nobody's, and
// nobody meets the button for long.
func TestNothingIsLeftOfASecretThatHasLeaked(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(secret string) gatewaytest.Site{
		"in a file": func() func(string) gatewaytest.Site {
			file := filepath.Join(t.TempDir(), "sessions.db")
			return func(secret string) gatewaytest.Site {
				return gatewaytest.Site{Options: fmt.Sprintf("store embedded %s\nsecret %q", file, secret)}
			}
		}(),
		"in Redis": func() func(string) gatewaytest.Site {
			srv := redistest.Start(t)
			return func(secret string) gatewaytest.Site { return gatewaytest.Site{}.OnRedis(srv, secret) }
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := operator{gatewaytest.StartProcess(t, of(gatewaytest.FormerSecret)), t}
			c := o.Client(t)
			u := c.SignIn(gatewaytest.Ada)
			o.Site.Options = of(gatewaytest.PresentSecret).Options
			o.Reload()
			c.WantCannotTell(t)
			o.With(t, "", u.Token).Get("/auth/session").Want(t, http.StatusUnauthorized)
			o.types("caddy sidegate-sessions revoke --email " + gatewaytest.Ada)
			c.WantCannotTell(t) // whose it is, nobody can tell
			o.types("caddy sidegate-sessions revoke --all --yes")
			gatewaytest.Await(t, "the session is over", func() bool { return c.Get("/auth/session").StatusCode == http.StatusUnauthorized })
		})
	}
}
