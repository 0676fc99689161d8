package endpoint

import (
	"errors"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
)

// sessionPath is where browsers ask who is signed in.
const sessionPath = "/session"

// session is GET /auth/session, and how others answer with a session.
type session struct {
	desk
	tokens
	sessions *lifecycle.Sessions
	now      func() time.Time
}

func newSession(c Config) session { return session{newDesk(c), newTokens(c), c.Sessions, c.Now} }

func sessionRoute(c Config) Route {
	return Route{Path: sessionPath, Answers: map[string]http.HandlerFunc{http.MethodGet: newSession(c).get}}
}

// get is always answered with JSON, never a redirect. Reading is not activity;
// the session lives no longer for it. But who reads it is to hear what holds.
func (s session) get(w http.ResponseWriter, r *http.Request) {
	if c := s.signedIn(w, r); c != nil {
		s.sessions.RefreshIfDue(c.Session, s.now())
		s.write(w, r, c)
	}
}

// write answers with the caller's session.
func (s session) write(w http.ResponseWriter, r *http.Request, c *caller.Caller) {
	token, err := s.tokens.of(r, c)
	if err != nil {
		s.tokens.refuse(w, err)
		return
	}
	writeSession(w, r, c, token)
}

// writeChanged answers with the session as it is now. A session that was
// refused its change by trouble is still there: 503, and nobody signed out.
func (s session) writeChanged(w http.ResponseWriter, r *http.Request, c *caller.Caller, err error) {
	switch {
	case errors.Is(err, lifecycle.ErrEnded):
		if c.Token == "" {
			s.address.Cookie.ClearOf(w, r, cookiesOf(c, s.sessions))
		}
		refusal.Gone.WriteJSON(w)
	case errors.Is(err, lifecycle.ErrUnmapped):
		refusal.SourceUnmapped.WriteJSON(w)
	case err != nil:
		s.events.Trouble(r.Context(), "a session could not be changed", err)
		NotChanged(err).WriteJSON(w)
	case !c.MayPass(): // the account of this request is theirs no longer
		s.desk.refuse(w, r, c)
	default:
		s.write(w, r, c)
	}
}

// NotChanged says whose trouble it was that a session could not be changed: the
// store's, or that of a source, when sessions can be looked up as ever.
func NotChanged(err error) *refusal.Refusal {
	if _, ofSource := errors.AsType[lifecycle.SourceFault](err); ofSource {
		return refusal.Source
	}
	return refusal.Unavailable
}
