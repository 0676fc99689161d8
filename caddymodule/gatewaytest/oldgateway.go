package gatewaytest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Kinds of gateways that people come from.
const (
	OAuth2Proxy = "oauth2-proxy"
	Authelia    = "authelia"
)

// OldGateway is another gateway, which people have signed in at: it answers as one
// of its kind does when it is asked whose a cookie is.
type OldGateway struct {
	*httptest.Server
	kind string

	mu     sync.Mutex
	asked  []*http.Request
	people map[string]string // email addresses by the values of cookies
	answer http.HandlerFunc  // in the place of its own
}

// NewOldGateway runs one until the test ends.
func NewOldGateway(t testing.TB, kind string) *OldGateway {
	t.Helper()
	o := &OldGateway{kind: kind, people: make(map[string]string)}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

// CookieName is that of its cookie.
func (o *OldGateway) CookieName() string {
	if o.kind == Authelia {
		return "authelia_session"
	}
	return "_oauth2_proxy"
}

// Verify is the address where it is asked.
func (o *OldGateway) Verify() string {
	if o.kind == Authelia {
		return o.URL + "/api/authz/auth-request"
	}
	return o.URL + "/oauth2/auth"
}

// Login is a line of the sidegate block that takes its people over, with these lines
// in its block.
func (o *OldGateway) Login(name string, lines ...string) string {
	return fmt.Sprintf("login adopt %s %s {\ncookie %s\nuntil 2099-12-31\n%s\n}\n", name, o.Verify(), o.CookieName(), strings.Join(lines, "\n"))
}

// SignIn is a cookie, name=value, of somebody who has signed in there.
func (o *OldGateway) SignIn(email string) (cookie string) {
	return o.Knows(email, rand.Text()+"=|1|"+o.kind)
}

// Knows is the cookie of that value, which is somebody's who has signed in there.
func (o *OldGateway) Knows(email, value string) (cookie string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.people[value] = email
	return o.CookieName() + "=" + value
}

// Answers has it answer in another way; nil: in its own.
func (o *OldGateway) Answers(answer http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

// Asked are the requests that it has had.
func (o *OldGateway) Asked() []*http.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*http.Request(nil), o.asked...)
}

func (o *OldGateway) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, r.Clone(r.Context()))
	answer, email := o.answer, ""
	if c, err := r.Cookie(o.CookieName()); err == nil {
		email = o.people[c.Value]
	}
	o.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case o.kind == Authelia && (r.Header.Get("X-Original-Url") == "" || r.Header.Get("X-Original-Method") == ""):
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
	case email == "":
		http.Error(w, "401 Unauthorized", http.StatusUnauthorized)
	default:
		o.admit(w, email)
	}
}

// admit says who somebody is, as gateways of its kind do.
func (o *OldGateway) admit(w http.ResponseWriter, email string) {
	name, _, _ := strings.Cut(email, "@")
	h := w.Header()
	if o.kind == Authelia {
		h["Remote-User"], h["Remote-Email"], h["Remote-Name"], h["Remote-Groups"] = []string{name}, []string{email}, []string{"The " + name}, []string{"admins,staff"}
		fmt.Fprint(w, "200 OK")
		return
	}
	h["X-Auth-Request-User"], h["X-Auth-Request-Email"] = []string{"sub-of-" + name}, []string{email}
	h["X-Auth-Request-Preferred-Username"], h["X-Auth-Request-Groups"] = []string{name}, []string{"admins,staff"}
	h["Set-Cookie"] = []string{o.CookieName() + "=refreshed"}
	w.WriteHeader(http.StatusAccepted)
}
