package caller

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/streams"
)

// answer is the response as an app behind us writes it: what is the gateway's
// own cannot be overwritten in it. It is a part of what is remembered of the
// request, so that it costs no allocation of its own.
type answer struct {
	caddyhttp.ResponseWriterWrapper
	ours    *Credentials
	had     identity.Answered
	begun   bool // the headers are on their way
	told    bool // the app was told who is signed in
	own     bool // it is the gateway's
	headers int  // how many there were then: more are trailers
	taker   Taker
	stream  *streams.Stream
	kept
}

// Taker takes cookies of an app's own out of its answer.
type Taker interface {
	// Takes reports whether the Set-Cookie line stays here. It is asked once of
	// each line that an app has added, and never of cookies of ours.
	Takes(line string) bool
	// Taken says that these were all that the app has said so far.
	Taken()
}

// TakeCookies has cookies taken out of what answers from now on, until it is
// told of another taker, or nil. It returns the one before.
func (v *Remembered) TakeCookies(t Taker) (before Taker) {
	before, v.answer.taker = v.answer.taker, t
	return before
}

// Guard is the response for what comes behind a handler of ours. It is wrapped
// once a request: first is false for a handler that stands behind another one.
// Who is first calls Unguard when the rest of the chain has returned.
func (v *Remembered) Guard(w http.ResponseWriter, ours *Credentials) (guarded http.ResponseWriter, first bool) {
	if v.answer.ours != nil {
		return w, false
	}
	v.answer.kept.release(w.Header())
	v.answer = answer{ours: ours, had: identity.NoteAnswer(w.Header()), told: v.Injected, taker: v.answer.taker, stream: v.stillOpen(), kept: v.answer.kept}
	v.answer.ResponseWriter = w
	return &v.answer, true
}

// Unguard ends what Guard began: error routes are given the response as it was.
func (v *Remembered) Unguard() {
	if a := &v.answer; a.begun && len(a.Header()) > a.headers {
		a.stripOurs(nil) // no browser takes cookies from trailers (RFC 9110 section 6.5.1)
	}
	v.answer.ours = nil
}

// Told says that the app is told who is signed in.
func (v *Remembered) Told() { v.Injected, v.answer.told = true, true }

// OwnHeaders says that what was set so far is the gateway's own.
func (v *Remembered) OwnHeaders() {
	if v.answer.ours != nil {
		v.answer.had = identity.NoteAnswer(v.answer.Header())
	}
}

// OwnAnswer says that all of the answer is the gateway's own.
func (v *Remembered) OwnAnswer() {
	if v.answer.ours != nil {
		v.answer.begun, v.answer.headers, v.answer.own = true, maxHeaders, true
		v.answer.stream.Leave()
	}
}

// unwatched stands for the stream where the answer is the gateway's own, which sees to
// its end itself. That it flows is nobody's activity.
var unwatched streams.Stream

// through is what the answer is written through.
func (a *answer) through() *streams.Stream {
	if a.own {
		return &unwatched
	}
	return a.stream
}

// maxHeaders is more than any answer has.
const maxHeaders = 1 << 30

func (a *answer) strip() {
	if a.taker == nil {
		a.stripOurs(nil)
		return
	}
	a.stripOurs(a.taker.Takes)
	a.taker.Taken()
}

func (a *answer) stripOurs(stays func(line string) bool) {
	if a.had.Strip(a.Header(), a.ours.Cookie, a.ours.Attempts, stays) && a.ours.Overwritten != nil {
		a.ours.Overwritten()
	}
}

// begin strips, and bounds what caches keep, before the headers are sent.
func (a *answer) begin(status int) {
	if !a.begun {
		a.strip()
		a.kept.bound(a.Header())
		a.begun, a.headers = true, len(a.Header())
		a.stream.Answers(status, a.Header())
	}
}

// WriteHeader strips what is sent, hints that come before the answer (1xx)
// included.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.begun:
	case status < http.StatusOK && status != http.StatusSwitchingProtocols:
		a.strip()
	default:
		if a.told && status/100 == 3 && a.ours.leadsBack(a.Header()) {
			a.ours.LedBack()
		}
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

// leadsBack reports whether an answer leads to our own login page. Who is signed
// in reads there that they are, and gets no further.
func (c *Credentials) leadsBack(h http.Header) bool {
	rest, ours := strings.CutPrefix(h.Get("Location"), c.Login)
	return c.LedBack != nil && ours && (rest == "" || rest[0] == '?' || rest[0] == '/')
}

func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.through().Write(a.ResponseWriter, p)
}

// ReadFrom keeps the server's own way to send a file.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.begin(http.StatusOK)
	return a.through().ReadFrom(a.ResponseWriter, r)
}

// Hijack gives the connection away, as one that ends with its session.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return a.through().Hijack(a.ResponseWriter)
}

// FlushError sends the headers where they were not yet.
func (a *answer) FlushError() error {
	a.begin(http.StatusOK)
	return a.through().Flush(a.ResponseWriter)
}

// Flush is FlushError for who asks for an http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// Interface guards
var (
	_ http.ResponseWriter = (*answer)(nil)
	_ http.Flusher        = (*answer)(nil)
	_ http.Hijacker       = (*answer)(nil)
	_ http.Pusher         = (*answer)(nil)
	_ io.ReaderFrom       = (*answer)(nil)
)
