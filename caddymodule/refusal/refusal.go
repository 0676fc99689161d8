package refusal

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"example.com/sidegate/caddymodule/web"
)

// Refusal is an answer other than success: what the Error schema of the
// contract carries, and as a page what a person reads. nil refuses nothing.
// Those of the table are shared and never change; Saying and the like return
// copies.
type Refusal struct {
	Status  int
	Code    string // error: one word for programs
	Message string // for people; fixed texts, nothing that came in
	// RetryAfter is how long to wait, sent as Retry-After; 0: it says nothing.
	RetryAfter time.Duration
	// Challenge is WWW-Authenticate, for 401.
	Challenge string
	// Text is the key of what its page says to people, in their language. Empty:
	// the page of the status says as much, or only programs are told.
	Text string
	// own says that the Message is in the words of an operator.
	own bool
	// Page is what the login page says to it.
	Page web.Failure
	// Result is how an attempt to sign in that it ends is counted; see ResultOf.
	Result string
}

// Error makes a refusal an error, for Caddy's error routes.
func (r *Refusal) Error() string { return r.Message }

// OfRights reports whether it is for who is signed in and may not do what they ask for.
func (r *Refusal) OfRights() bool { return r == Role || r == AccountAdmin || r == Unmapped }

// WithStatus returns the refusal with another status.
func (r *Refusal) WithStatus(status int) *Refusal {
	changed := *r
	changed.Status = status
	return &changed
}

// Saying returns the refusal with another message, in the words of an operator, which
// pages say as they are; an empty one changes nothing.
func (r *Refusal) Saying(message string) *Refusal {
	if message == "" {
		return r
	}
	changed := *r
	changed.Message, changed.own = message, true
	return &changed
}

// Own is what the operator says of it; empty where the words are those of the table.
func (r *Refusal) Own() string {
	if r.own {
		return r.Message
	}
	return ""
}

// Detail is what its page says, in the language of the view. Empty: what the page of
// the status says.
func (r *Refusal) Detail(v web.View) string {
	switch {
	case r.own:
		return r.Message
	case r.Text == "":
		return ""
	}
	return v.Text(r.Text)
}

// After returns the refusal with the wait that Retry-After tells.
func (r *Refusal) After(wait time.Duration) *Refusal {
	changed := *r
	changed.RetryAfter = wait
	return &changed
}

// WriteJSON answers with the Error schema.
func (r *Refusal) WriteJSON(w http.ResponseWriter) {
	r.WriteHeaders(w)
	web.WriteJSON(w, r.Status, struct {
		Error   string `json:"error"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	}{r.Code, r.Status, r.Message})
}

// Write answers with a page where a person is looking, else with JSON. The look is
// that of the gateway.
func (r *Refusal) Write(w http.ResponseWriter, req *http.Request, look *web.Look) {
	if !web.IsNavigation(req) {
		r.WriteJSON(w)
		return
	}
	r.WriteHeaders(w)
	view := look.For(req)
	r.Problem(req, view).Write(w, view)
}

// Problem is its page, to which who knows more of the way on adds it.
func (r *Refusal) Problem(req *http.Request, view web.View) web.Problem {
	return web.Problem{Status: r.Status, Detail: r.Detail(view), RetryAfter: r.RetryAfter, Asked: req.Method == http.MethodGet || req.Method == http.MethodHead}
}

// WriteHeaders sets the headers that go with the refusal, for who writes its
// body otherwise.
func (r *Refusal) WriteHeaders(w http.ResponseWriter) {
	h := w.Header()
	if r.Challenge != "" {
		h.Set("WWW-Authenticate", r.Challenge)
	}
	if r.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
	h.Set("Vary", web.VaryOnCaller)
}

// BodyTime bounds how long the whole body of a request may take to come, by our
// own clock: the server sets the connection's deadline anew with each byte, so
// that somebody who sends one now and then would be waited for without end.
const BodyTime = 10 * time.Second

// CloseUnread ends the connection after an answer that came before the
// request's body was read: what follows on it could be read as a request of
// its own. The server reads on for a while, so that the answer is not lost to
// who still sends: for BodyTime at most, and as package unread has it. That is so in HTTP/1 alone: in HTTP/2
// and 3 a body has a stream of its own, and an answer that speaks of
// connections is malformed (RFC 9113 section 8.2.2, RFC 9114 section 4.2).
func CloseUnread(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
		// A writer that has no deadlines is none of a server: nobody reads on there.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(BodyTime))
	}
}
