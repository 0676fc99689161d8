package streams

import (
	"net/http"
	"strings"
)

// Answers says that the answer begins, with that status and those headers. Whether
// it will take long can be told of some by then.
func (s *Stream) Answers(status int, h http.Header) {
	if s.watch == nil {
		return
	}
	switch {
	case status == http.StatusSwitchingProtocols:
		s.upgrade(func(c *carried) { c.protocol = h.Get("Upgrade") })
	case s.carried != nil && s.carried.tunnels && status/100 == 2: // RFC 8441, section 5; RFC 9220, section 3
		s.upgrade(func(c *carried) { c.frames = new(frames) })
	case lasts(h):
		s.become(lasting)
	case s.asked.Method != http.MethodHead && len(h["Content-Length"]) == 0 && hasBody(status):
		s.open()
	default:
		s.flowed()
	}
}

// upgrade says that the request is no exchange of two messages any more.
func (s *Stream) upgrade(to func(*carried)) {
	s.mu.Lock() // it may be known already, and be cut
	to(s.apart())
	s.mu.Unlock()
	s.become(upgraded)
}

// lasts reports whether the answer is one that goes on until one side has enough.
func lasts(h http.Header) bool {
	types := h["Content-Type"]
	if len(types) != 1 {
		return false
	}
	t := types[0]
	return begins(t, "text/event-stream") || begins(t, "application/grpc")
}

// begins reports whether a media type is that one, or one of its kind such as
// application/grpc+proto.
func begins(t, of string) bool {
	return len(t) >= len(of) && strings.EqualFold(t[:len(of)], of) && (len(t) == len(of) || strings.IndexByte("; +-\t", t[len(of)]) >= 0)
}

// hasBody reports whether answers of that status have one (RFC 9110, section 6.4.1).
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
