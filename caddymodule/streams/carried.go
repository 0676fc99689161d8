package streams

import (
	"net/http"
	"sync"
	"time"
)

// carried is what few streams need: it is a websocket within a stream of HTTP/2 or
// HTTP/3, an upgrade in HTTP/1, or any request of HTTP/3.
type carried struct {
	protocol string // that the connection is upgraded to
	tunnels  bool   // it was asked for by an extended CONNECT
	cancel   func() // ends a request of HTTP/3, and throws away what was written
	closed   bool   // the websocket was, by a frame that is on its way
	writing  sync.Mutex
	frames   *frames // nil where it is none
}

// framed reports whether the answer is a websocket's frames.
func (s *Stream) framed() bool { return s.carried != nil && s.carried.frames != nil }

// Write writes a part of the answer to w, unless the stream was cut.
func (s *Stream) Write(w http.ResponseWriter, p []byte) (int, error) {
	if s.watch == nil {
		return w.Write(p)
	}
	if !s.framed() {
		if s.flowed(); s.ended.Load() {
			return 0, errCut
		}
		return w.Write(p)
	}
	s.carried.writing.Lock()
	defer s.carried.writing.Unlock()
	if s.ended.Load() {
		return 0, errCut
	}
	n, err := w.Write(p)
	s.carried.frames.follow(p[:n])
	return n, err
}

// Flush sends on what was written to w.
func (s *Stream) Flush(w http.ResponseWriter) error {
	if s.framed() {
		s.carried.writing.Lock()
		defer s.carried.writing.Unlock()
	}
	return http.NewResponseController(w).Flush()
}

// sayGoodbye closes a websocket of HTTP/2 or HTTP/3 where a frame may begin, and
// the stream that carries it in any case.
func (s *Stream) sayGoodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.keepFromWriting()
	defer s.carried.writing.Unlock()
	if s.carried.frames.between() {
		rc := http.NewResponseController(s.to)
		_ = rc.SetWriteDeadline(time.Now().Add(frameTime))
		if _, err := s.to.Write(goodbye); err == nil {
			s.carried.closed = rc.Flush() == nil
		}
	}
	s.expire(cutAgain)
}

// keepFromWriting takes the lock of who writes. Who waits for a slow reader to take a
// frame holds on to it until the deadline.
func (s *Stream) keepFromWriting() {
	const look = frameTime / 20
	for until := time.Now().Add(frameTime); !s.carried.writing.TryLock(); time.Sleep(look) {
		s.writeUntil(until)
	}
}
