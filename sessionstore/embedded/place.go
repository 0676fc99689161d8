package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"example.com/sidegate/sessionstore"
)

// place is where others find the file that is open: the next to start, and whoever
// copies, restores or compacts it.
type place struct {
	names []string // the one that it is opened by, and that without links where it is another

	mu   sync.RWMutex // a compaction has it while the file takes the name of the one before
	open os.FileInfo
}

// Whole is the name without links among the folders, which it makes (mode 0700) where
// there are none: of a file by several names it is one. The file itself may be a link.
func Whole(path string) (string, error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of session database: %w", err)
	}
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", fmt.Errorf("finding the folder of session database: %w", err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// placeOf is that of an open file by its Whole name. Where links among its folders lead
// later is the next start's business; where the file is a link itself, that must lead to
// it on.
func placeOf(open os.FileInfo, path string) (*place, error) {
	whole, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	p := &place{names: []string{path}, open: open}
	if whole != path {
		p.names = append(p.names, whole)
	}
	return p, nil
}

// check is an error when others find another file there than the open one, or none. What
// is written to that is lost at the next start, and with it who has signed out. Nor is
// anything read from it: another gateway may have the file that is there, and who
// signs out at that would be in here.
func (p *place) check() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.checkLocked()
}

func (p *place) checkLocked() error {
	for _, name := range p.names {
		there, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(p.open, there):
			return &misplaced{name}
		case err != nil:
			return fmt.Errorf("whether the file is in its place cannot be told: %w", err)
		}
	}
	return nil
}

// take renames the new file to that name, unless somebody has put another there, which
// is not ours to write over.
func (p *place) take(from, name string, next os.FileInfo) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.checkLocked(); err != nil {
		return err
	}
	if err := os.Rename(from, name); err != nil {
		return err
	}
	p.open = next
	return nil
}

// misplaced says that the open file no longer has its name.
type misplaced struct{ name string }

func (e *misplaced) Error() string {
	return e.name + ": another file is in its place, or none: stop the gateway, then put the right one back"
}

// Refused implements sessionstore.Refusal: who waits for the store waits in vain.
func (e *misplaced) Refused() (what, remedy string, ok bool) {
	return e.Error(), "Stop the gateway, then put the right file back at " + e.name, true
}

// Interface guard
var _ sessionstore.Refusal = (*misplaced)(nil)
