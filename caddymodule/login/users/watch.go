package users

import (
	"context"
	"os"
	"time"
)

// Watch looks at the file at each interval until the context ends, and calls
// back for each change, each new error, and when that is mended. It acts on what has kept still for
// an interval: a file that is copied in place is half there for a while, and
// people must not be signed out because their lines are yet to come.
func (f *File) Watch(ctx context.Context, interval time.Duration, changed func(Change, error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	w := newWatcher(f)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if c, err := w.check(); err != nil || c.Any() || c.Mended {
			changed(c, err)
		}
	}
}

// watcher remembers its last look at a file.
type watcher struct {
	file *File
	last look
}

func newWatcher(f *File) *watcher { return &watcher{file: f, last: lookAt(f.path)} }

// check reads the file if two looks in a row found the same.
func (w *watcher) check() (Change, error) {
	now := lookAt(w.file.path)
	still := now.same(w.last)
	w.last = now
	if !still {
		return Change{}, nil
	}
	return w.file.reload(func() bool { return lookAt(w.file.path).same(now) })
}

// look is what a file looks like from outside.
type look struct {
	info os.FileInfo
	err  error
}

func lookAt(path string) look {
	info, err := os.Stat(path)
	return look{info, err}
}

// same reports whether two looks found one file untouched, or none at all.
func (l look) same(other look) bool {
	if l.err != nil || other.err != nil {
		return l.err != nil && other.err != nil
	}
	return same(l.info, other.info)
}
