package unread

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

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

// What a client sees that sends all of its body: an answer, and its end without a
// reset (RFC 9113 section 8.1), which is a race at the client else.
func TestAStreamOfHTTP2EndsWithoutAReset(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, done := New().Answer(w, r)
		defer done()
		refusal.CloseUnread(w, r)
		refusal.Anonymous.WriteJSON(w)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{NextProtos: []string{"h2"}, RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	frames := http2.NewFramer(conn, conn)
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "example.com"}, {":path", "/"}} {
		_ = fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	_ = frames.WriteSettings()
	_ = frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true})
	sent := false
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame:
			t.Fatalf("the stream is reset (%v)", frame.ErrCode)
		case *http2.DataFrame:
			if frame.StreamEnded() {
				if !sent { // a reset is next
					t.Error("the stream ends while we send")
				}
				return
			}
			if !sent { // it has answered, and we go on
				_ = frames.WriteData(1, true, []byte("the rest"))
				sent = true
			}
		}
	}
}
