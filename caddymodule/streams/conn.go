package streams

import (
	"context"
	"net"
	"net/http"
)

// connKey is where the context of a request has the connection that it came by.
type connKey struct{}

// KeepConn has requests that come by a connection know it: see
// http.Server.ConnContext.
func KeepConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// halfCloser is a connection that can be closed for one direction.
type halfCloser interface{ CloseWrite() error }

// connOf is the connection of a request of HTTP/1.1; nil where it cannot be closed by
// half, in later versions, where it is that of other requests too, and in HTTP/1.0,
// where an answer would look whole.
func connOf(r *http.Request) halfCloser {
	if r == nil || r.ProtoMajor != 1 || r.ProtoMinor == 0 {
		return nil
	}
	half, _ := netConnOf(r).(halfCloser)
	return half
}

func netConnOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn() // TLS would wait for who is just writing
	}
	return c
}

// breakOff has a client of HTTP/1.0 see that an answer is not whole: there it ends with
// its connection, and so has to end with an error of that (RFC 9112, section 8).
func breakOff(r *http.Request) {
	if r == nil || r.ProtoMajor != 1 || r.ProtoMinor != 0 {
		return
	}
	if c, ok := netConnOf(r).(interface{ SetLinger(int) error }); ok {
		_ = c.SetLinger(0)
	}
}

// hangUp has the client see at once that nothing more comes. What the deadlines
// bring about takes some goroutines one after the other, and they stand in line
// behind those of all other streams that end.
func (s *Stream) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.ended.Load() || s.kind.Load() == upgraded {
		return
	}
	if c := connOf(s.request); c != nil {
		s.hung = c.CloseWrite() == nil
	}
}
