package streams

import (
	"net/http"
	"time"
)

// past is a deadline that nothing meets.
var past = time.Unix(1, 0)

const (
	// cutAgain is when it is seen whether the stream has ended, at first and then half
	// as often each time.
	cutAgain = 50 * time.Millisecond
	// cutAgainLast is how often at least.
	cutAgainLast = time.Second
)

// cut ends the stream, and reports whether it was not ended before. It waits for
// nobody: a reader that is slow is cut off like any other. One that is over because its
// client has seen that it was hung up on counts.
func (s *Stream) cut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	hung := s.hung
	if s.hung = false; s.over {
		return hung
	}
	if s.ended.Swap(true) {
		return false
	}
	switch t := s.tunnel.Load(); {
	case t != nil:
		t.cut()
	case s.framed():
		go s.sayGoodbye()
	case s.to != nil:
		breakOff(s.request)
		s.expire(cutAgain)
	}
	return true
}

// expire puts both deadlines into the past, and does so again until the request is
// over: a write that begins at the same moment may put the deadline off. The one for
// writing alone would leave a quiet stream open in HTTP/1.1, the one for reading
// alone in HTTP/2, and both in HTTP/3. Called with mu held.
func (s *Stream) expire(again time.Duration) {
	_ = http.NewResponseController(s.to).SetReadDeadline(past) // what cannot be ended so is ended by the others
	s.writeUntil(past)
	if c := s.carried; c != nil && c.cancel != nil && !c.closed {
		c.cancel()
	}
	time.AfterFunc(again, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.over {
			s.expire(min(2*again, cutAgainLast))
		}
	})
}

// writeUntil sets the deadline for writing beneath what Caddy wraps the response in:
// its IdleTimeoutWriter sets one with each write, and may be told of another by
// nobody but who writes.
func (s *Stream) writeUntil(deadline time.Time) {
	_ = http.NewResponseController(Innermost(s.to)).SetWriteDeadline(deadline)
}

// Innermost is the server's own response, whose deadlines may be set while another
// goroutine writes.
func Innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}
