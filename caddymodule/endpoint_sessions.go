package caddymodule

import (
	"net/http"
	"strings"
	"time"

	"example.com/sidegate/sessionstore"
)

// device is one of a person's sessions, as they may see it.
type device struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Method     string    `json:"method"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Address    string    `json:"address"`
	UserAgent  string    `json:"userAgent"`
}

// listSessions answers GET /auth/sessions: one's own devices.
func listSessions(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	sessions, err := g.store.List(r.Context(), c.session.User.ID)
	if err != nil {
		g.reportStore(r.Context(), "sessions could not be listed", err)
		refuseUnavailable.writeJSON(w)
		return
	}
	devices := make([]device, len(sessions))
	for i, s := range sessions {
		devices[i] = deviceOf(s, s.Key == c.session.Key)
	}
	w.Header().Set("Vary", varyOnCaller)
	writeJSON(w, http.StatusOK, map[string][]device{"sessions": devices})
}

func deviceOf(s *sessionstore.Session, current bool) device {
	return device{
		ID:         s.Key.ID(),
		Current:    current,
		Method:     s.Method,
		CreatedAt:  s.CreatedAt,
		LastSeenAt: s.LastSeenAt,
		ExpiresAt:  s.IdleExpiresAt(),
		Address:    s.Address,
		UserAgent:  s.UserAgent,
	}
}

// deleteSession answers DELETE /auth/sessions/{id}: signs one device out.
func deleteSession(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	key, found, err := g.ownSession(r, c)
	switch {
	case err != nil:
		g.refuseEnding(w, r, err)
		return
	case !found:
		refuseNoSession.writeJSON(w)
		return
	}
	if err := g.end(r.Context(), key); err != nil {
		g.refuseEnding(w, r, err)
		return
	}
	if key == c.session.Key && c.token == "" {
		g.app.Cookie.clear(w)
	}
	g.app.metrics.signOuts.Inc()
	w.WriteHeader(http.StatusNoContent)
}

// ownSession finds the session that the path names, among the caller's own.
func (g *gateway) ownSession(r *http.Request, c *caller) (sessionstore.Key, bool, error) {
	id := strings.TrimPrefix(r.URL.Path, g.app.BasePath+"/sessions/")
	if id == c.session.Key.ID() {
		return c.session.Key, true, nil
	}
	sessions, err := g.store.List(r.Context(), c.session.User.ID)
	for _, s := range sessions {
		if s.Key.ID() == id {
			return s.Key, true, err
		}
	}
	return sessionstore.Key{}, false, err
}

// deleteOtherSessions answers DELETE /auth/sessions: signs every other device out.
func deleteOtherSessions(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	if _, err := g.store.RevokeUser(r.Context(), c.session.User.ID, c.session.Key); err != nil {
		g.refuseEnding(w, r, err)
		return
	}
	g.app.metrics.signOuts.Inc()
	w.WriteHeader(http.StatusNoContent)
}

func (g *gateway) refuseEnding(w http.ResponseWriter, r *http.Request, err error) {
	g.reportStore(r.Context(), "a session could not be ended", err)
	refuseUnavailable.saying("The session could not be ended. Try again shortly.").writeJSON(w)
}
