package endpoint

import (
	"net/http"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
)

const (
	// attemptCookie begins the names of the cookies of sign-ins under way, one
	// for each attempt, so that several tabs do not disturb each other. The
	// prefix keeps sibling hosts from planting one (login CSRF).
	attemptCookie         = "__Host-Http-sidegate-attempt-"
	insecureAttemptCookie = "sidegate-attempt-"
	// maxAttempts bounds the attempts of one browser: their cookies come with
	// every request, and a server refuses headers that are too large.
	maxAttempts = 4
	// stateInName is how much of the state tells attempts apart; the whole of
	// it is sealed in the cookie.
	stateInName = 16
)

// AttemptPrefix begins the names of attempt cookies on this site.
func (c *Cookie) AttemptPrefix() string {
	if c.Insecure {
		return insecureAttemptCookie
	}
	return attemptCookie
}

// attemptName is the name of an attempt's cookie; false when the state is none
// of ours.
func (c *Cookie) attemptName(state string) (string, bool) {
	if len(state) <= stateInName || strings.ContainsFunc(state, notBase64URL) {
		return "", false
	}
	return c.AttemptPrefix() + state[:stateInName], true
}

func notBase64URL(r rune) bool {
	return r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
}

// setAttempt gives the browser an attempt to remember, and lets it forget the
// oldest ones when they are many.
func (c *Cookie) setAttempt(w http.ResponseWriter, r *http.Request, a oidc.Attempt, sealed string, life time.Duration) {
	under := caller.Remember(r).CookieNames(func(name string) bool { return strings.HasPrefix(name, c.AttemptPrefix()) })
	for i := 0; i <= len(under)-maxAttempts; i++ {
		c.clearAttempt(w, under[i]) // browsers send the oldest first (RFC 6265 section 5.4)
	}
	name, _ := c.attemptName(a.State)
	http.SetCookie(w, c.attempt(name, sealed, int(life.Seconds())))
}

func (c *Cookie) clearAttempt(w http.ResponseWriter, name string) {
	http.SetCookie(w, c.attempt(name, "", -1))
}

// attempt is always Lax: the browser comes back from another site, and must
// send it along.
func (c *Cookie) attempt(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: !c.Insecure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
