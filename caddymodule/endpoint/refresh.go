package endpoint

import (
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
)

// refresh is POST /auth/refresh: the session is built anew from its sources,
// and counts as active. The work goes on when the client goes away.
type refresh struct {
	session
	sessions *lifecycle.Sessions
}

func refreshRoute(c Config) Route {
	f := refresh{newSession(c), c.Sessions}
	return Route{Path: "/refresh", Answers: map[string]http.HandlerFunc{http.MethodPost: f.post}}
}

func (f refresh) post(w http.ResponseWriter, r *http.Request) {
	c := f.signedIn(w, r)
	if c == nil {
		return
	}
	rebuilt, err := f.sessions.Refresh(r.Context(), c.Session)
	if err == nil {
		rebuilt, err = f.sessions.Slide(r.Context(), rebuilt)
	}
	f.writeChanged(w, r, c.With(rebuilt, caller.Remember(r).Accounts), err)
}
