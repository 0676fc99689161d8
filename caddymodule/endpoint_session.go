package caddymodule

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/sessionstore"
)

// getSession answers GET /auth/session: always JSON, never a redirect.
// Reading is not activity; the session lives no longer for it.
func getSession(g *gateway, w http.ResponseWriter, r *http.Request) {
	c := g.caller(r)
	if !c.mayPass() {
		g.refuseCaller(w, r, c)
		return
	}
	token, err := g.tokenFor(c)
	if err != nil {
		g.refuseSigning(w, err)
		return
	}
	writeSession(w, r, c.session, c.user, token)
}

// tokenFor returns the token that goes with the answer: a Bearer caller's own,
// else one that lives shortly.
func (g *gateway) tokenFor(c *caller) (string, error) {
	if c.token != "" {
		return c.token, nil
	}
	return g.tokens.Token(c.session.Key, c.session.User.ID, c.session.ExpiresAt)
}

// refuseCaller answers a caller who is not signed in, in JSON. On these
// endpoints a store that cannot be asked is 500 where the contract says so.
func (g *gateway) refuseCaller(w http.ResponseWriter, r *http.Request, c *caller) {
	why := c.refusal
	if c.standing == cannotTell && r.URL.Path == g.app.BasePath+"/session" {
		why = why.as(http.StatusInternalServerError)
	}
	if c.staleCookie {
		g.app.Cookie.clear(w)
	}
	closeUnread(w, r)
	why.writeJSON(w)
}

func (g *gateway) refuseSigning(w http.ResponseWriter, err error) {
	g.app.logger.Error("a session token could not be signed", zap.Error(err))
	refusal{status: http.StatusInternalServerError, code: "internal", message: "The session token could not be signed."}.writeJSON(w)
}

// writeSession answers with a UserSession.
func writeSession(w http.ResponseWriter, r *http.Request, s *sessionstore.Session, u *sessionstore.UserSession, token string) {
	answered := *u
	answered.Token = token
	body, err := json.Marshal(&answered)
	if err != nil {
		refusal{status: http.StatusInternalServerError, code: "internal", message: "The session could not be written."}.writeJSON(w)
		return
	}
	h := w.Header()
	h.Set("Vary", varyOnCaller)
	h.Set("X-Session-Expires-At", s.ExpiresAt.UTC().Format(time.RFC3339))
	h.Set("X-Session-Idle-Expires-At", s.IdleExpiresAt().UTC().Format(time.RFC3339))
	etag := etagOf(body)
	h.Set("ETag", etag)
	if methodOf(r) == http.MethodGet && matches(r.Header["If-None-Match"], etag) {
		h.Set("Cache-Control", "private, no-store")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeBody(w, http.StatusOK, "application/json", body)
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// matches reads If-None-Match (RFC 9110 section 13.1.2): weak comparison, and
// a list that may go on in further lines (section 5.3).
func matches(lines []string, etag string) bool {
	for candidate := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}
