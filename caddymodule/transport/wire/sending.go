package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"golang.org/x/net/http/httpguts"
)

const (
	// smallBody is up to what length a body is read and sent by the caller.
	smallBody = 8 << 10
	// direct is how much of a request the caller writes itself. It fits in what
	// a kernel takes off us for an app that answers before it reads: nobody
	// waits for it to read with its answer unread.
	direct = 24 << 10
)

// target is where an app is.
type target struct{ network, address string }

// sending is a request on its way, over one connection or two.
type sending struct {
	req    *http.Request // as it was given
	out    *http.Request // as it is written; req where that is the same
	trace  *httptrace.ClientTrace
	to     target
	head   *head  // all of a request that is nothing else
	body   []byte // a small body, once it was read
	whole  bool   // whether body is the body
	looked bool   // whether the connection was looked at since
	split  bool   // whether a goroutine of its own writes it
	expect bool   // whether the body waits for a 100
	begun  bool   // whether the body is somebody else's to close
}

// prepare refuses what http.Transport refuses, and decides who writes.
func (t *Transport) prepare(s *sending) (err error) {
	req, size := s.req, 0
	if err := check(req); err != nil {
		return err
	}
	s.out, s.trace = req, httptrace.ContextClientTrace(req.Context())
	if !t.NoKeepAlive && isBare(req, s.trace) {
		s.head, size, err = newHead(req)
	} else {
		size, err = checkHeaders(req)
	}
	if err != nil {
		return err
	}
	if t.Target != nil {
		s.to.network, s.to.address = t.Target(req)
	} else {
		s.to = target{"tcp", Address(req.URL)}
	}
	length := outgoingLength(req)
	s.expect = length != 0 && req.ProtoAtLeast(1, 1) && hasToken(req.Header.Get("Expect"), "100-continue")
	s.split = s.expect || length < 0 || length > smallBody || size > direct || length > 0 && isIncremental(req)
	if t.NoKeepAlive && !req.Close && !hasToken(req.Header.Get("Connection"), "close") && !asksToSwitch(req.Header) {
		out := *req
		out.Close = true
		s.out = &out
	}
	return nil
}

func check(req *http.Request) error {
	switch {
	case req.URL == nil:
		return errors.New("http: nil Request.URL")
	case req.Header == nil:
		return errors.New("http: nil Request.Header")
	case req.URL.Scheme != "http":
		return fmt.Errorf("transport sidegate speaks plain HTTP/1.1, not %q: use `transport http`", req.URL.Scheme)
	case req.Method != "" && !httpguts.ValidHeaderFieldName(req.Method):
		return fmt.Errorf("net/http: invalid method %q", req.Method)
	case req.URL.Host == "":
		return errors.New("http: no Host in request URL")
	}
	return nil
}

// checkHeaders returns roughly how large the request is without its body.
func checkHeaders(req *http.Request) (size int, err error) {
	size, err = checkHeader(req.Header, "header")
	if err == nil {
		_, err = checkHeader(req.Trailer, "trailer")
	}
	return size + addressSize(req), err
}

// addressSize is roughly that of the first line.
func addressSize(req *http.Request) int { return len(req.URL.Path) + len(req.URL.RawQuery) }

func checkHeader(header http.Header, what string) (size int, err error) {
	for name, values := range header {
		length, err := checkField(name, values, what)
		if err != nil {
			return 0, err
		}
		size += length
	}
	return size, nil
}

// checkField names no value: it may be secret.
func checkField(name string, values []string, what string) (size int, err error) {
	if !httpguts.ValidHeaderFieldName(name) {
		return 0, fmt.Errorf("net/http: invalid %s field name %q", what, name)
	}
	for _, value := range values {
		if !httpguts.ValidHeaderFieldValue(value) {
			return 0, fmt.Errorf("net/http: invalid %s field value for %q", what, name)
		}
		size += len(name) + len(value) + 4
	}
	return size, nil
}

// readSmall reads a body that the caller writes. It is read once there is a
// connection: one that cannot be had leaves the body for the next app.
func (s *sending) readSmall() error {
	length := outgoingLength(s.req)
	if s.split || s.whole || length == 0 {
		return nil
	}
	buffer := make([]byte, length+1) // one more, to see that there is no more
	n, err, closed := readUpTo(s.req.Body, buffer)
	switch {
	case err != nil:
		return &BodyError{err}
	case int64(n) != length:
		return fmt.Errorf("http: ContentLength=%d with Body length %d", length, n)
	case closed != nil:
		return closed
	}
	s.body, s.whole = buffer[:n], true
	return nil
}

// readUpTo fills the buffer, unless the body ends before, and closes the body whatever
// comes of it. Unlike io.ReadFull it tells that from one that says itself that it is not
// whole.
func readUpTo(body io.ReadCloser, buffer []byte) (n int, err, closed error) {
	defer func() { closed = body.Close() }()
	for n < len(buffer) && err == nil {
		var more int
		more, err = body.Read(buffer[n:])
		n += more
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err, nil
}

// BodyError is of a request whose body could not be read to its end: who sends it has
// failed, and not the app, which was not told of it or has lost its connection.
type BodyError struct{ Err error }

// Error implements error.
func (e *BodyError) Error() string { return "reading the body of the request: " + e.Err.Error() }

// Unwrap gives what reading it has said.
func (e *BodyError) Unwrap() error { return e.Err }

// write writes the whole request.
func (s *sending) write(c *conn) error {
	if s.head != nil {
		_, err := c.Write(s.head.text)
		return err
	}
	if err := s.message().Write(c.out); err != nil {
		return err
	}
	return c.out.Flush()
}

// message is the request to write, which has its own body where the caller has
// read it: net/http then puts it behind the header in one write.
func (s *sending) message() *http.Request {
	if !s.whole {
		return s.out
	}
	out := *s.out
	out.Body = io.NopCloser(bytes.NewReader(s.body))
	return &out
}

// again reports whether the request may be sent over a new connection when a
// kept one has failed it, by net/http's rules, and makes it ready.
func (s *sending) again(f *failure) bool {
	replayable := s.whole || outgoingLength(s.req) == 0 || s.req.GetBody != nil
	if f.unsent && !replayable || !f.unsent && !isReplayable(s.req) {
		return false
	}
	if s.whole || outgoingLength(s.req) == 0 {
		return true
	}
	body, err := s.req.GetBody()
	if err != nil {
		return false
	}
	s.begun = false
	req, out := *s.req, *s.out
	req.Body, out.Body = body, body
	s.req, s.out = &req, &out
	return true
}

// close closes the body of a request that was never begun. It is not tried twice: it
// may panic.
func (s *sending) close() {
	if !s.begun {
		s.begun = true
		closeBody(s.req)
	}
}

// closeAll is close where there was a panic already.
func (s *sending) closeAll() {
	defer func() { _ = recover() }()
	s.close()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the request has failed already
	}
}

// outgoingLength is that of net/http: -1 is unknown.
func outgoingLength(req *http.Request) int64 {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return 0
	case req.ContentLength != 0:
		return req.ContentLength
	}
	return -1
}

// isIncremental reports whether who sends the body has it passed on as it comes
// (draft-ietf-httpbis-incremental, in the one way that senders write it).
func isIncremental(req *http.Request) bool { return req.Header.Get("Incremental") == "?1" }

// isReplayable is that of net/http: whether it does no harm twice.
func isReplayable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return len(req.Header["Idempotency-Key"]) > 0 || len(req.Header["X-Idempotency-Key"]) > 0
}

func asksToSwitch(header http.Header) bool {
	return header.Get("Upgrade") != "" && httpguts.HeaderValuesContainsToken(header["Connection"], "Upgrade")
}

func hasToken(value, token string) bool {
	return value != "" && httpguts.HeaderValuesContainsToken([]string{value}, token)
}

// Address is the host and port of a URL, with 80 for none.
func Address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	host := u.Hostname()
	if ascii, err := httpguts.PunycodeHostPort(host); err == nil {
		host = ascii
	}
	return net.JoinHostPort(host, port)
}
