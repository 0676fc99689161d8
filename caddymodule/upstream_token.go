package caddymodule

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/profile"
)

// upstreamCredentials are what an app gave out when somebody signed in through
// its own login, ready to be given back to it.
type upstreamCredentials struct {
	authorization string
	names         []string // of the cookies
	cookies       string   // as one line of a Cookie header
}

type upstreamCredentialsKey struct{}

// checkUpstreamToken makes sure that the login exists: credentials of an app
// must not go to another because of a slip of the pen.
func (s *SessionAuth) checkUpstreamToken(logins []LoginModule) error {
	if s.UpstreamToken == "" {
		return nil
	}
	for _, l := range logins {
		if _, ok := l.(*AppLogin); ok && l.Name() == s.UpstreamToken {
			return nil
		}
	}
	return fmt.Errorf("upstream_token %s: there is no `login app %s` in the sidegate options", s.UpstreamToken, s.UpstreamToken)
}

// passOn gives the app its own credentials back, and takes them out of the
// request again when it is to be answered by an error route: that may lead to
// another app.
func (s *SessionAuth) passOn(w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller, next caddyhttp.Handler) error {
	if s.UpstreamToken == "" || !c.MayPass() || c.Session.Method != s.UpstreamToken {
		return s.foreign.PassOn(w, r, v, next)
	}
	authorization, cookie := r.Header["Authorization"], r.Header["Cookie"]
	s.giveBack(r, c)
	err := s.foreign.PassOn(w, r, v, next)
	if err != nil {
		restore(r.Header, "Authorization", authorization)
		restore(r.Header, "Cookie", cookie)
	}
	return err
}

func restore(h http.Header, name string, values []string) {
	if values == nil {
		delete(h, name)
	} else {
		h[name] = values
	}
}

// giveBack puts the app's own token and cookies into the request of somebody
// who signed in through it. They take the place of what the client sent under
// the same names, so that the app sees the person whom the headers name.
func (s *SessionAuth) giveBack(r *http.Request, c *caller.Caller) {
	given := c.Entry.Derive(upstreamCredentialsKey{}, func() any { return newUpstreamCredentials(c.Session.Kept) }).(*upstreamCredentials)
	if given.authorization != "" {
		r.Header["Authorization"] = []string{given.authorization}
	}
	if given.cookies == "" {
		return
	}
	for _, name := range given.names {
		identity.RemoveCookie(r.Header, name, "")
	}
	// One line: several Cookie headers are not for HTTP/1.1 (RFC 6265 section 5.4).
	r.Header["Cookie"] = []string{strings.Join(append(r.Header["Cookie"], given.cookies), "; ")}
}

// newUpstreamCredentials reads what the login kept. What cannot be read, or
// cannot stand in a header, is left out: the app then asks the person itself.
func newUpstreamCredentials(kept string) *upstreamCredentials {
	given := new(upstreamCredentials)
	k, err := profile.DecodeKept(kept)
	if err != nil || k == nil {
		return given
	}
	if k.UpstreamToken != "" && !strings.ContainsFunc(k.UpstreamToken, notHeader) {
		given.authorization = "Bearer " + k.UpstreamToken
	}
	var pairs []string
	for _, pair := range k.UpstreamCookies {
		name, _, found := strings.Cut(pair, "=")
		if !found || strings.ContainsFunc(pair, notHeader) || strings.Contains(pair, ";") {
			continue
		}
		given.names, pairs = append(given.names, name), append(pairs, pair)
	}
	given.cookies = strings.Join(pairs, "; ")
	return given
}

func notHeader(c rune) bool { return c < ' ' || c == 0x7f }
