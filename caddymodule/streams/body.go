package streams

import (
	"context"
	"io"
	"net/http"
)

// Request has the request's body seen through for whether it flows, and returns the
// request as it is passed on: a quiet answer of HTTP/3 is ended by no deadline, so
// that there it can be cancelled.
func (s *Stream) Request(r *http.Request) *http.Request {
	s.request = r
	switch {
	case r.Method == http.MethodConnect:
		s.apart().tunnels = true
		r.Body = &framedBody{r.Body, s, frames{}}
	case r.Body != nil && r.Body != http.NoBody:
		s.upload = body{r.Body, s}
		r.Body = &s.upload
	}
	if r.ProtoMajor < 3 && r.Proto != protoWebsocket {
		return r
	}
	ctx, cancel := context.WithCancel(r.Context())
	s.apart().cancel = cancel
	return r.WithContext(ctx)
}

// protoWebsocket is the Proto of an extended CONNECT in HTTP/3.
const protoWebsocket = "websocket"

// apart is room for what few streams need.
func (s *Stream) apart() *carried {
	if s.carried == nil {
		s.carried = new(carried)
	}
	return s.carried
}

// body is what a client sends.
type body struct {
	io.ReadCloser
	stream *Stream
}

// Read says that bytes flow. Nothing of them reaches an app once the stream is cut.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.stream.flowed()
	}
	if b.stream.ended.Load() {
		return 0, errCut
	}
	return n, err
}

// framedBody is what the client sends of a websocket in HTTP/2 or HTTP/3, which comes
// by an extended CONNECT (RFC 8441, RFC 9220). No other CONNECT comes so far.
type framedBody struct {
	io.ReadCloser
	stream *Stream
	frames frames
}

// Read notes that the person is active, by data and not by pings.
func (b *framedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.frames.follow(p[:n]) {
		b.stream.flowed()
	}
	if b.stream.ended.Load() {
		return 0, errCut
	}
	return n, err
}
