package endpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unique"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// writeSession answers with a UserSession.
func writeSession(w http.ResponseWriter, r *http.Request, c *caller.Caller, token string) {
	a, err := answerOf(c, token)
	if err != nil {
		refusal.Unwritten.WriteJSON(w)
		return
	}
	h, etag := w.Header(), a.etagWith(token)
	a.setHeaders(h, token, etag, caller.Remember(r).Room())
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads && matches(r.Header["If-None-Match"], etag) {
		h.Del("Content-Type")
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(http.StatusOK)
	body := bodies.Get().(*[]byte)
	*body = a.appendBody((*body)[:0], token)
	_, _ = w.Write(*body)
	if cap(*body) <= largestKept {
		bodies.Put(body) // an io.Writer keeps nothing of what it was given
	}
}

// bodies are buffers to put an answer together in, so that it is one write.
// largestKept is the most that one may hold to be used again.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const largestKept = 64 << 10

// sessionAnswer is a UserSession ready to be sent. It never changes.
type sessionAnswer struct {
	// head and lists are the JSON up to the value of its last member, which is
	// the token. Lists follow from roles: many sessions have the same, and
	// share them in memory.
	head, lists string
	// expires and idle are when the session ends, and when without activity.
	expires, idle string
	// etag is that of the answer with this token. Hardly any session is asked
	// for with another.
	token, etag string
	err         error
}

// sessionAnswerKey is where the answer is kept with its session.
type sessionAnswerKey struct{}

// answerOf returns what is ready of the caller's answer with that token.
func answerOf(c *caller.Caller, token string) (*sessionAnswer, error) {
	a := c.Derive(sessionAnswerKey{}, func() any { return newAnswer(c, token) }).(*sessionAnswer)
	return a, a.err
}

// The JSON ends with the lists and the token: listsBegin cannot be found in a
// string, where its quotes would be escaped.
const (
	listsBegin = `"flatRolesList":`
	tokenEnds  = `"}`
)

func newAnswer(c *caller.Caller, token string) *sessionAnswer {
	answered := *c.User
	answered.Token = ""
	text, err := json.Marshal(&answered)
	if err != nil {
		return &sessionAnswer{err: err}
	}
	text = bytes.TrimSuffix(text, []byte(tokenEnds))
	lists := max(bytes.Index(text, []byte(listsBegin)), 0)
	a := &sessionAnswer{
		head:    string(text[:lists]),
		lists:   unique.Make(string(text[lists:])).Value(),
		expires: c.Session.ExpiresAt.UTC().Format(time.RFC3339),
		idle:    c.Session.IdleExpiresAt().UTC().Format(time.RFC3339),
	}
	a.token, a.etag = token, a.newETag(token)
	a.pack()
	return a
}

// pack puts what is this session's own into one piece of memory: one answer is
// held for each session.
func (a *sessionAnswer) pack() {
	rest := a.head + a.expires + a.idle + a.etag
	for _, part := range []*string{&a.head, &a.expires, &a.idle, &a.etag} {
		*part, rest = rest[:len(*part)], rest[len(*part):]
	}
}

func (a *sessionAnswer) size(token string) int {
	return len(a.head) + len(a.lists) + len(token) + len(tokenEnds)
}

// appendBody writes the JSON. A token needs no escaping: those that are minted
// or found good are base64url and dots.
func (a *sessionAnswer) appendBody(b []byte, token string) []byte {
	b = slices.Grow(b, a.size(token))
	b = append(append(b, a.head...), a.lists...)
	return append(append(b, token...), tokenEnds...)
}

// etagWith is the ETag of the answer with that token: a hash of its body.
func (a *sessionAnswer) etagWith(token string) string {
	if token == a.token {
		return a.etag
	}
	return a.newETag(token)
}

func (a *sessionAnswer) newETag(token string) string {
	sum := sha256.Sum256(a.appendBody(nil, token))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// sessionHeaders are those of the answer, in the order in which setHeaders has
// their values; Content-Length may come on top of them.
var sessionHeaders = [caller.RoomValues - 1]string{
	"Content-Type", "X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Cache-Control", "Vary",
	"Etag", "X-Session-Expires-At", "X-Session-Idle-Expires-At",
}

// countedByServer is up to which size net/http finds out Content-Length by
// itself; one header less to be written for nearly all answers.
const countedByServer = 2048

// setHeaders assigns the headers in values of this answer's own: a later
// handler may write into them in place. They are written into room, if there
// is any.
func (a *sessionAnswer) setHeaders(h http.Header, token, etag string, room []string) {
	values := room[:0]
	values = append(values, "application/json", "nosniff", "same-origin", "private, no-store", web.VaryOnCaller,
		etag, a.expires, a.idle)
	for i, name := range sessionHeaders {
		h[name] = values[i : i+1 : i+1]
	}
	if size := a.size(token); size > countedByServer {
		h["Content-Length"] = []string{strconv.Itoa(size)}
	}
}

// matches reads If-None-Match (RFC 9110 section 13.1.2): weak comparison, and
// a list that may go on in further lines (section 5.3).
func matches(lines []string, etag string) bool {
	if len(lines) == 0 {
		return false
	}
	for candidate := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}
