//go:build unix

package wire

import (
	"errors"
	"syscall"
)

// look peeks at a socket without waiting, as a goroutine that reads it all the
// time would be what this package is without.
type look struct {
	raw    syscall.RawConn
	peek   func(fd uintptr) bool
	silent bool
	buffer [1]byte
}

func (l *look) prepare(c syscall.Conn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return // it is never used again
	}
	l.raw = raw
	l.peek = func(fd uintptr) bool {
		for {
			// Sockets of Go do not block: an open one with nothing to say is EAGAIN,
			// a closed one has 0 bytes.
			_, _, err := syscall.Recvfrom(int(fd), l.buffer[:], syscall.MSG_PEEK)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			l.silent = errors.Is(err, syscall.EAGAIN)
			return true
		}
	}
}

// sees reports whether there is a socket to look at.
func (l *look) sees() bool { return l.raw != nil }

// quiet reports whether the socket is open and has nothing to read.
func (l *look) quiet() bool {
	if l.raw == nil {
		return false
	}
	l.silent = false
	return l.raw.Read(l.peek) == nil && l.silent
}
