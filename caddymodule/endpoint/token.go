package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// tokens are those that go with an answer that is a session.
type tokens struct {
	ring   *token.Ring
	short  *token.Cache
	events lifecycle.Events
}

func newTokens(c Config) tokens { return tokens{c.Ring, c.Tokens, c.Events} }

// of returns the caller's token: a Bearer caller's own, else one that lives
// shortly.
func (t tokens) of(c *caller.Caller) (string, error) {
	if c.Token != "" {
		return c.Token, nil
	}
	return t.short.Token(c.Session.Key, c.Session.User.ID, c.Session.ExpiresAt)
}

// lasting returns a token that lives as long as the session.
func (t tokens) lasting(s *sessionstore.Session) (string, error) {
	return t.ring.MintSession(s.Key, s.User.ID, s.ExpiresAt)
}

// refuse answers that there is no token to give.
func (t tokens) refuse(w http.ResponseWriter, err error) {
	t.events.Happened(lifecycle.Event{Kind: NotSigned, Err: err})
	refusal.Unsigned.WriteJSON(w)
}
