package unread

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

// stream is an upload over HTTP/2: what it has, and then nothing for good.
type stream struct {
	*httptest.ResponseRecorder
	has      int
	deadline time.Time
}

func (s *stream) SetReadDeadline(until time.Time) error {
	s.deadline = until
	return nil
}

func (s *stream) Read(p []byte) (int, error) {
	n := min(len(p), s.has)
	if s.has -= n; n > 0 {
		return n, nil
	}
	<-time.After(time.Until(s.deadline))
	return 0, errors.New("the deadline is over")
}

func (s *stream) Close() error { return nil }

func overHTTP2(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ProtoMajor, r.ContentLength = 2, -1
	return r
}

// A stream that is open both ways sends nothing, and waits for the answer's end.
func TestASilentStreamIsReadForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, begun := &stream{ResponseRecorder: httptest.NewRecorder(), has: 1 << 20}, time.Now()
		New().read(s, overHTTP2(s), s)
		if took := time.Since(begun); took != Silence || s.has > 0 {
			t.Errorf("%v, and %d bytes are left", took, s.has)
		}
	})
}

// RFC 9113 section 8.1: a server that has answered asks who still sends to stop,
// which some clients take for a failure.
func TestAnAnswerOverHTTP2IsOutBeforeTheBodyIsRead(t *testing.T) {
	body := &looking{left: 1 << 20}
	r, w := overHTTP2(body), httptest.NewRecorder()
	body.at = w
	answering, done := New().Answer(&deadlines{w}, r)
	refusal.CloseUnread(answering, r)
	refusal.Anonymous.WriteJSON(answering)
	done()
	switch {
	case !w.Flushed || body.sent != w.Body.String() || body.sent == "":
		t.Errorf("it had sent %q when the body was read", body.sent)
	case body.left > 0:
		t.Errorf("%d bytes of the body are left", body.left)
	case w.Header().Get("Connection") != "" || strings.Contains(w.Header().Get("Cache-Control"), "no-transform"):
		t.Errorf("it has the headers %v", w.Header())
	}
}

// An endpoint that has read the whole body answers as ever.
func TestAnAnswerOverHTTP2BehindTheBodyIsNotHeld(t *testing.T) {
	r, w := overHTTP2(strings.NewReader("{}")), httptest.NewRecorder()
	answering, done := New().Answer(w, r)
	_, _ = io.ReadAll(r.Body)
	if _, err := io.WriteString(answering, "done"); err != nil || w.Body.String() != "done" {
		t.Errorf("it has sent %q, %v", w.Body, err)
	}
	if done(); w.Flushed {
		t.Error("it is flushed")
	}
}

// looking is a body that sees what was sent when it is read first.
type looking struct {
	left int
	at   *httptest.ResponseRecorder
	sent string
}

func (l *looking) Read(p []byte) (int, error) {
	if l.sent == "" && l.at.Flushed {
		l.sent = l.at.Body.String()
	}
	n := min(len(p), l.left)
	if l.left -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// deadlines is a response of a server.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error { return nil }
