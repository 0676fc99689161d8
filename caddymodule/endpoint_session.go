package caddymodule

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
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
	writeSession(w, r, c, token)
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
	if c.standing == cannotTell {
		why = g.app.unavailable(r)
	}
	if c.staleCookie {
		g.app.Cookie.clear(w)
	}
	closeUnread(w, r)
	why.writeJSON(w)
}

// unavailable is the refusal when the store cannot be asked: 500 for the
// session itself, as its contract says, and 503 for all else.
func (a *App) unavailable(r *http.Request) refusal {
	if r.URL.Path == a.BasePath+"/session" {
		return refuseUnavailable.as(http.StatusInternalServerError)
	}
	return refuseUnavailable
}

func (g *gateway) refuseSigning(w http.ResponseWriter, err error) {
	g.app.logger.Error("a session token could not be signed", zap.Error(err))
	refusal{status: http.StatusInternalServerError, code: "internal", message: "The session token could not be signed."}.writeJSON(w)
}

// writeSession answers with a UserSession.
func writeSession(w http.ResponseWriter, r *http.Request, c *caller, token string) {
	a, err := c.answer(token)
	if err != nil {
		refusal{status: http.StatusInternalServerError, code: "internal", message: "The session could not be written."}.writeJSON(w)
		return
	}
	h := w.Header()
	a.headers.set(h)
	if methodOf(r) == http.MethodGet && matches(r.Header["If-None-Match"], a.etag) {
		h.Del("Content-Type")
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.body)
}

// sessionAnswer is a UserSession ready to be sent. It never changes.
type sessionAnswer struct {
	token   string
	body    []byte
	etag    string
	headers headerLines
	err     error
}

// sessionAnswerKey is where the answer is kept with its session.
type sessionAnswerKey struct{}

// answer returns the answer with that token in it: the kept one while the
// token is the same.
func (c *caller) answer(token string) (*sessionAnswer, error) {
	a := c.derive(sessionAnswerKey{}, func() any { return c.newAnswer(token) }).(*sessionAnswer)
	if a.token != token {
		a = c.newAnswer(token)
	}
	return a, a.err
}

func (c *caller) newAnswer(token string) *sessionAnswer {
	answered := *c.user
	answered.Token = token
	a := &sessionAnswer{token: token}
	if a.body, a.err = json.Marshal(&answered); a.err != nil {
		return a
	}
	a.etag = etagOf(a.body)
	a.headers = headerLines{
		{"Content-Type", "application/json"},
		{"Content-Length", strconv.Itoa(len(a.body))},
		{"X-Content-Type-Options", "nosniff"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cache-Control", "private, no-store"},
		{"Vary", varyOnCaller},
		{"Etag", a.etag},
		{"X-Session-Expires-At", c.session.ExpiresAt.UTC().Format(time.RFC3339)},
		{"X-Session-Idle-Expires-At", c.session.IdleExpiresAt().UTC().Format(time.RFC3339)},
	}
	return a
}

// headerLines are canonical names with their values.
type headerLines [][2]string

// set assigns the headers in values of this answer's own: a later handler may
// write into them in place.
func (l headerLines) set(h http.Header) {
	values := make([]string, len(l))
	for i := range l {
		values[i] = l[i][1]
		h[l[i][0]] = values[i : i+1 : i+1]
	}
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
