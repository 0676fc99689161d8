package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// tokens are those that go with an answer that is a session. Without a ring they
// are off, and empty.
type tokens struct {
	ring   *token.Ring
	short  *token.Cache
	sites  *origin.Sites
	events lifecycle.Events
}

func newTokens(c Config) tokens {
	t := tokens{c.Ring, c.Tokens, c.Sites, c.Events}
	if c.TokensOff {
		t.ring, t.short = nil, nil
	}
	return t
}

// of returns the caller's token: a Bearer caller's own, else one that lives
// shortly and is good at the site where it is read. A script there can have read
// it (RFC 9700 section 2.3: a token is good where it is meant for).
func (t tokens) of(r *http.Request, c *caller.Caller) (string, error) {
	switch {
	case t.ring == nil:
		return "", nil
	case c.Token != "":
		return c.Token, nil
	}
	return t.short.Token(token.Site(t.sites.Of(r)), c.Session.Key, c.Session.User.ID, c.Session.ExpiresAt)
}

// lasting returns a token that lives as long as the session, and is good at every
// site: who asks for it has the password.
func (t tokens) lasting(s *sessionstore.Session) (string, error) {
	if t.ring == nil {
		return "", nil
	}
	return t.ring.MintSession(s.Key, s.User.ID, s.ExpiresAt)
}

// refuse answers that there is no token to give.
func (t tokens) refuse(w http.ResponseWriter, err error) {
	t.events.Happened(lifecycle.Event{Kind: NotSigned, Err: err})
	refusal.Unsigned.WriteJSON(w)
}
