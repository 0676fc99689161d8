package streams

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// errCut is what a proxy gets of a connection that was cut.
var errCut = errors.New("the session that opened this connection has ended")

const (
	// frameTime is how long a frame that is under way may take to its end.
	frameTime = 100 * time.Millisecond
	// goodbyeTime is how long the client may take to read that it is closed.
	goodbyeTime = time.Second
)

// Hijack gives the connection of an upgrade away, as one that can be cut and that
// is seen through for what its client sends. It is w's otherwise.
func (s *Stream) Hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil || s.watch == nil || s.kind.Load() != upgraded {
		return conn, rw, err
	}
	t := &tunnel{Conn: conn, stream: s}
	if strings.EqualFold(s.carried.protocol, "websocket") {
		t.in, t.out = new(frames), new(frames)
	}
	if n := rw.Reader.Buffered(); n > 0 { // whoever takes over reads this from there
		early, _ := rw.Reader.Peek(n)
		t.received(early)
	}
	rw.Writer.Reset(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended.Load() {
		t.cut()
	}
	s.tunnel.Store(t)
	return t, rw, nil
}

// tunnel is a connection that was taken over. Caddy closes the other side of it
// when this one is closed.
type tunnel struct {
	net.Conn
	stream  *Stream
	in, out *frames // nil where it is no websocket

	reading, writing sync.Mutex
	gone             atomic.Bool // it was cut
}

// Read takes what the client sends. Nothing of it reaches an app once the tunnel
// is cut.
func (t *tunnel) Read(p []byte) (int, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
	if t.gone.Load() {
		return 0, errCut
	}
	n, err := t.Conn.Read(p)
	if t.gone.Load() {
		return 0, errCut
	}
	t.received(p[:n])
	return n, err
}

// received notes that the person is active: by what they send, and not by the
// pings of a browser that nobody sits at.
func (t *tunnel) received(p []byte) {
	if len(p) > 0 && (t.in == nil || t.in.follow(p)) {
		t.stream.flowed()
	}
}

// Write sends what the app sends. Once the tunnel is cut a frame that is under way
// is written to its end, and nothing behind it.
func (t *tunnel) Write(p []byte) (int, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	if !t.gone.Load() {
		return t.send(p)
	}
	written := 0
	for t.out != nil && len(p) > 0 && t.out.rest() > 0 {
		n, err := t.send(p[:min(uint64(len(p)), t.out.rest())])
		written += n
		if p = p[n:]; err != nil {
			return written, err
		}
	}
	if len(p) == 0 {
		return written, nil
	}
	return written, errCut
}

// send writes through. Called with writing held.
func (t *tunnel) send(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	if t.out != nil {
		t.out.follow(p[:n])
	}
	return n, err
}

// CloseWrite passes on that the app has said all that it will say.
func (t *tunnel) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close leaves a tunnel that was cut to who has cut it.
func (t *tunnel) Close() error {
	if t.gone.Load() {
		return nil
	}
	return t.Conn.Close()
}

// cut ends the tunnel. It waits for nobody.
func (t *tunnel) cut() {
	if t.gone.Swap(true) {
		return
	}
	_ = t.SetReadDeadline(past) // who reads stops
	if t.out == nil {
		_ = t.Conn.Close()
		return
	}
	_ = t.SetWriteDeadline(time.Now().Add(frameTime))
	go t.sayGoodbye()
}

// sayGoodbye closes a websocket as the protocol has it, where a frame may begin;
// else both sides just see it closed. Closing at once would make the kernel throw
// away what the client has yet to read.
func (t *tunnel) sayGoodbye() {
	defer t.Conn.Close()
	if !t.endOfFrame() {
		return
	}
	_ = t.SetWriteDeadline(time.Now().Add(goodbyeTime))
	_, err := t.Conn.Write(goodbye)
	t.writing.Unlock()
	if err != nil || t.CloseWrite() != nil {
		return
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	_ = t.SetReadDeadline(time.Now().Add(goodbyeTime))
	_, _ = io.Copy(io.Discard, t.Conn)
}

// endOfFrame waits, for frameTime, until a frame may begin, and then keeps others
// from writing.
func (t *tunnel) endOfFrame() bool {
	const look = frameTime / 20
	for until := time.Now().Add(frameTime); ; time.Sleep(look) {
		t.writing.Lock()
		if t.out.between() {
			return true
		}
		t.writing.Unlock()
		if time.Now().After(until) {
			return false
		}
	}
}
