package starting

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// socket says what to do where a socket cannot be made in its folder. One in no
// folder, whose name begins with @, can always be.
func socket(name string) error {
	name, _, _ = strings.Cut(name, "|")
	if name == "" || strings.HasPrefix(name, "@") {
		return nil
	}
	folder := filepath.Dir(name)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("make the folder %s, and let the user that this runs as (uid %d) write to it: the socket %s cannot be made without", folder, os.Geteuid(), name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("let the user that this runs as (uid %d) enter the folders above %s: the socket %s cannot be made: %w", os.Geteuid(), folder, name, err)
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return fmt.Errorf("%s is no folder: name another one for the socket %s", folder, name)
	case err != nil:
		return nil // Caddy says what is wrong
	}
	return unmade(name, folder)
}

// unmade says what to do where the folder is there. A socket that is there is left
// alone: Caddy puts its own in the place of it, which who listens on it must not lose.
func unmade(name, folder string) error {
	there, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = tried(func() (any, error) { return net.Listen("unix", name) }) //nolint:noctx // nothing is waited for
		return unwritable(name, folder, err)
	}
	if err != nil {
		return unwritable(name, folder, err) // who may not look into it may not write to it either
	}
	if there.IsDir() {
		return fmt.Errorf("%s is a folder: name a file in it for the socket", name)
	}
	if os.Getenv(ShareVariable) == "" && answers(name) {
		return fmt.Errorf("another program answers at the socket %s, which would be left without it: stop that one, or have it read the configuration by `caddy reload`, "+
			"or name another place for the socket; where both are meant, set %s=1", name, ShareVariable)
	}
	if err := mayWrite(folder); err != nil {
		return unwritable(name, folder, err)
	}
	if kept(folder, there) {
		return fmt.Errorf("%s is another user's, and its folder lets nobody else take it away: take it away as that user or as root, or name another place for the socket", name)
	}
	return nil
}

// answers reports whether somebody listens on a socket.
func answers(name string) bool {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", name)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func unwritable(name, folder string, err error) error {
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("name another folder than %s, which can only be read, for the socket %s: %w", folder, name, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("let the user that this runs as (uid %d) enter and write to the folder %s, or name another one: the socket %s cannot be made: %w", os.Geteuid(), folder, name, err)
	}
	return nil
}
