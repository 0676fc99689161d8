package caddymodule

import (
	"errors"
	"net/http"

	"example.com/sidegate/sessionstore"
)

// postRefresh answers POST /auth/refresh: the session is built anew from its
// sources, and counts as active. The work goes on when the client goes away.
func postRefresh(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	rebuilt, err := g.refresher.wait(r.Context(), c.session)
	if err == nil {
		rebuilt, err = g.slide(r, rebuilt)
	}
	g.answerChanged(w, r, c.with(rebuilt, visitOf(r).accounts), err)
}

// slide notes activity at once and returns the session with its new idle end.
func (g *gateway) slide(r *http.Request, s *sessionstore.Session) (*sessionstore.Session, error) {
	now := g.app.now().UTC()
	if err := g.store.Touch(r.Context(), s, now); err != nil {
		if errors.Is(err, sessionstore.ErrNotFound) {
			err = errEnded
		}
		return nil, err
	}
	slid := *s
	slid.LastSeenAt = now
	return &slid, nil
}

// putPrimaryAccount answers PUT /auth/session/primary-account: the person
// acts for that account until they choose another.
func putPrimaryAccount(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	var chosen struct {
		AccountID string `json:"accountId"`
	}
	if mediaType(r) != mediaJSON {
		closeUnread(w, r)
		refuseMedia.saying("Send application/json.").writeJSON(w)
		return
	}
	if why := readJSON(r, &chosen); why.status != 0 {
		closeUnread(w, r)
		why.writeJSON(w)
		return
	}
	if _, ok := c.session.User.Account(chosen.AccountID); !ok {
		refuseAccount.writeJSON(w)
		return
	}
	changed, err := g.change(r.Context(), c.session, func(s *sessionstore.Session) {
		s.ChosenAccount = chosen.AccountID
		keepChoice(s)
	})
	g.answerChanged(w, r, c.with(changed, nil), err)
}

// answerChanged answers with the session as it is now. A session that was
// refused its rebuild by trouble is still there: 503, and nobody signed out.
func (g *gateway) answerChanged(w http.ResponseWriter, r *http.Request, c *caller, err error) {
	switch {
	case errors.Is(err, errEnded):
		if c.token == "" {
			g.app.Cookie.clear(w)
		}
		refuseGone.writeJSON(w)
		return
	case err != nil:
		g.reportStore(r.Context(), "a session could not be changed", err)
		refuseUnavailable.writeJSON(w)
		return
	case !c.mayPass(): // the account of this request is theirs no longer
		g.refuseCaller(w, r, c)
		return
	}
	token, err := g.tokenFor(c)
	if err != nil {
		g.refuseSigning(w, err)
		return
	}
	writeSession(w, r, c, token)
}
