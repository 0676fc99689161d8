package faults_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// otherHash is another hash, as cheap as the first, and of the same password.
const otherHash = "$argon2id$v=19$m=64,t=1,p=1$YW5vdGhlci1zYWx0LTEyMw$tas1ENRnuYzhwvOqFGRBLVMMbPRxz7d2We9iWXKcVa4"

// leaver is somebody whom one change of the users file has no longer vouched
// for.
type leaver struct {
	why           string
	id            int
	before, after string // the entry; empty: none
}

func (l leaver) email() string { return fmt.Sprintf("leaver-%d@example.com", l.id) }

// leavers are one of each kind.
var leavers = []leaver{
	{"was disabled", 11, userEntry(11, "leaver-11", gatewaytest.PasswordHash, ""), userEntry(11, "leaver-11", gatewaytest.PasswordHash, "disabled: true")},
	{"was removed", 12, userEntry(12, "leaver-12", gatewaytest.PasswordHash, ""), ""},
	{"has another password", 13, userEntry(13, "leaver-13", gatewaytest.PasswordHash, ""), userEntry(13, "leaver-13", otherHash, "")},
	{"gave the number to somebody else", 14, userEntry(14, "leaver-14", gatewaytest.PasswordHash, ""), userEntry(14, "heir", gatewaytest.PasswordHash, "")},
}

func userEntry(id int, name, hash, more string) string {
	return fmt.Sprintf("  - id: %d\n    email: %s@example.com\n    password: %s\n    %s\n", id, name, hash, more)
}

// usersBefore and usersAfter are the users file with the leavers, before and
// after the change. Grace, who stays, has another role after it.
func usersBefore() string {
	text := gatewaytest.UsersFile
	for _, l := range leavers {
		text += l.before
	}
	return text
}

func usersAfter() string {
	text := strings.Replace(gatewaytest.UsersFile, "roles: [viewer]", "roles: [editor]", 1)
	for _, l := range leavers {
		text += l.after
	}
	return text
}

// changeUsers writes the users file of a gateway, and waits until it has read it.
func changeUsers(t *testing.T, p *gatewaytest.Process, text string) {
	t.Helper()
	const said = "the users file has changed"
	before := strings.Count(p.Log.String(), said)
	gatewaytest.WriteFile(t, p.Users, text)
	gatewaytest.Await(t, "the gateway has read the users file", func() bool { return strings.Count(p.Log.String(), said) > before }, p.Log.String)
}

// directory is asked about everybody who signs in; about the leavers it answers
// when it is let go.
type directory struct {
	*httptest.Server
	pause time.Duration // before each answer
	asked atomic.Int64
	gate  chan struct{}
}

func newDirectory(t *testing.T) *directory {
	t.Helper()
	d := &directory{gate: make(chan struct{})}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		if strings.HasPrefix(r.URL.Query().Get("e"), "leaver-") {
			gatewaytest.Hold(r, d.gate)
		}
		<-time.After(d.pause)
		fmt.Fprintf(w, `{"email":%q}`, r.URL.Query().Get("e"))
	}))
	t.Cleanup(d.Close)
	return d
}

// said is how often it was asked, for a test that waits for it.
func (d *directory) said() string {
	return fmt.Sprintf("a directory that was asked %d times", d.asked.Load())
}

// options are the directory in a configuration.
func (d *directory) options() string {
	return "directory http crm " + d.URL + "/by?e={identity.email} {\nretries 0\ntimeout 1m\n}\n"
}

// program signs in by JSON, in a goroutine too.
func program(c *gatewaytest.Client, email string) (gatewaytest.Answer, error) {
	return c.Try(c.T.Context(), http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, gatewaytest.Password),
		"Content-Type", gatewaytest.AsJSON)
}

// wantUntouched checks that an answer says 401 and leaves the cookie alone: it
// may be good elsewhere, or again.
func wantUntouched(t *testing.T, a gatewaytest.Answer) {
	t.Helper()
	a.Want(t, http.StatusUnauthorized).WantHeader(t, "Set-Cookie", "")
}
