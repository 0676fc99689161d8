package wire

import (
	"bufio"
	"errors"
	"fmt"
	"net"
)

// switched is the body of a 101: both directions of the connection, and first
// what came right behind the header.
type switched struct {
	net.Conn
	first *bufio.Reader // until it is empty
}

func newSwitched(c *conn) *switched {
	s := &switched{Conn: c.net}
	if c.in.Buffered() > 0 {
		s.first = c.in
	}
	return s
}

func (s *switched) Read(p []byte) (int, error) {
	if s.first == nil {
		return s.Conn.Read(p)
	}
	n, err := s.first.Read(p[:min(len(p), s.first.Buffered())])
	if s.first.Buffered() == 0 {
		s.first = nil
	}
	return n, err
}

// CloseWrite ends the direction to the app alone.
func (s *switched) CloseWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("CloseWrite: %w", errors.ErrUnsupported)
	}
	return half.CloseWrite()
}
