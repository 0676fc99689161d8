package wire_test

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// silent reports whether nothing has come on a connection, nor its end.
func silent(t testing.TB, c net.Conn) (is bool) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	var b [1]byte
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		is = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return is && err == nil
}
