package sessionscommand

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

func TestATableIsAligned(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	var out bytes.Buffer
	if err := writeTable(&out, []session{
		{ID: "AAAAAAAAAAAAAAAA", User: 1, Email: "a@example.com", Method: "users", CreatedAt: at, UserAgent: strings.Repeat("x", 400)},
		{ID: "BBBBBBBBBBBBBBBB", User: 123456, Email: "someone.longer@example.com", Method: "s\x1bo", CreatedAt: at},
	}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %q", lines)
	}
	for _, head := range []string{"USER", "EMAIL", "METHOD", "CREATED (UTC)"} {
		column := strings.Index(lines[0], head)
		for _, line := range lines[1:] {
			if before := []rune(line)[column-1]; before != ' ' || []rune(line)[column] == ' ' {
				t.Errorf("%s does not begin at %d in %q", head, column, line)
			}
		}
	}
	if !strings.Contains(lines[1], "2026-01-02 02:04:05") || strings.Contains(lines[1], strings.Repeat("x", 90)) || !strings.HasSuffix(lines[2], "-") {
		t.Errorf("got %q", lines)
	}
}

func TestTheEndOfAllIsConfirmed(t *testing.T) {
	cmd := revokeCommand()
	if err := cmd.Flags().Parse([]string{"--all"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		said string
		want bool
	}{
		{"y\n", true}, {"yes\n", true}, {" YES \n", true}, {"n\n", false}, {"\n", false}, {"", false}, {"yesterday\n", false}, {"no\ny\n", false},
		{strings.Repeat("y", 4000), false},
	} {
		var asked bytes.Buffer
		r := &run{fl: caddycmd.Flags{FlagSet: cmd.Flags()}, in: strings.NewReader(c.said), isTerminal: true, ask: &asked, api: &api{"127.0.0.1:2019"}}
		sure, err := r.sure()
		if sure != c.want || (err == nil) != c.want || !strings.Contains(asked.String(), "everybody") {
			t.Errorf("%q: %v, %v after %q", c.said, sure, err, asked.String())
		}
	}
	r := &run{fl: caddycmd.Flags{FlagSet: cmd.Flags()}, in: strings.NewReader("y\n"), ask: new(bytes.Buffer), api: new(api)}
	if err := revoke(r); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("without a terminal: %v", err)
	}
}

// What Caddy's own client makes of an answer is all that is known of it.
func TestAnAnswerOtherThanSuccessIsExplained(t *testing.T) {
	a := &api{"127.0.0.1:2019"}
	for said, want := range map[string]string{
		"caddy responded with error: HTTP 503: {\"error\":\"the store is away: ask again\"}\n": "the store is away: ask again",
		"caddy responded with error: HTTP 404: 404 page not found\n":                           "is no Caddy, or one that has no Sidegate built in",
		"caddy responded with error: HTTP 403: {\"error\":\"host not allowed: x\"}\n":          "see its access control",
		"caddy responded with error: HTTP 500: \x1b[2J":                                        "answers 500: \uFFFD[2J; see Caddy's log",
		"performing request: connection refused":                                               "is Caddy running",
	} {
		if got := a.explain(errors.New(said)); !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "HTTP ") {
			t.Errorf("%q is told as %q", said, got)
		}
	}
}
