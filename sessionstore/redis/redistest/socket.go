package redistest

import (
	"os"
	"path/filepath"
)

// UnixSocket makes the server listen on a unix socket too, which its URL then
// names.
func UnixSocket() Option {
	return func(s *Server) {
		// Not in the test's own folder, whose name may be longer than a
		// socket's path can be.
		dir, err := os.MkdirTemp("", "redistest")
		if err != nil {
			s.t.Fatalf("making a folder for a socket: %v", err)
		}
		s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
		s.socket = filepath.Join(dir, "redis.sock")
		s.args = append(s.args, "--unixsocket", s.socket)
	}
}
