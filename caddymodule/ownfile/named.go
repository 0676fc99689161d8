package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Named is a file that an option names.
type Named struct {
	// Path is where it is: what the option says, its placeholders replaced.
	Path string

	written string // what the option says, where that has placeholders
}

// NamedBy is the file that an option names which is written so, and says that when
// its placeholders are replaced. What is the content of a file instead is refused, and
// so is one in the working folder that others may have put there. No error of it, nor
// of Err, repeats what a placeholder stands for: that may be a key.
func NamedBy(written, resolved string) (Named, error) {
	n := Named{Path: resolved}
	if strings.Contains(written, "{") {
		n.written = written
	}
	if err := NoContent(resolved); err != nil {
		if n.written != "" && !isContent(n.written) {
			err = fmt.Errorf("%s: %w", n.written, err)
		}
		return Named{}, err
	}
	if err := Foreign(resolved); err != nil {
		if n.written != "" {
			return Named{}, fmt.Errorf("%s: %w", n.written, errForeign)
		}
		return Named{}, err
	}
	return n, nil
}

// Read reads the whole file.
func (n Named) Read() ([]byte, error) {
	text, err := os.ReadFile(n.Path)
	return text, n.Err(err)
}

// Err is an error of opening or reading the file as it may be told, with what to do
// where the file may not be read.
func (n Named) Err(err error) error {
	failed, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	if errors.Is(err, syscall.EISDIR) {
		failed = &fs.PathError{Op: failed.Op, Path: n.Path, Err: FolderInstead(n.Path)}
		err = failed
	}
	missing := errors.Is(err, fs.ErrNotExist)
	name := n.told(missing)
	switch {
	case name == n.Path && missing && IsGivenFromOutside(n.Path):
		return fmt.Errorf("%w: %s", err, Outside(n.Path))
	case name == n.Path:
		return Readable(err)
	}
	err = &fs.PathError{Op: failed.Op, Path: name, Err: failed.Err}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: let the user that the gateway runs as (uid %d) read it and enter its folder", err, os.Getuid())
	}
	return err
}

// String is how the file is told of where there is one.
func (n Named) String() string { return n.told(false) }

// IsHidden reports whether a file that is not there goes without its name.
func (n Named) IsHidden() bool { return n.told(true) != n.Path }

// told is how an error names the file. One that is missing and has no ending may be
// a password in the place of a name.
func (n Named) told(missing bool) string {
	if n.written != "" {
		return n.written
	}
	if ending := len(filepath.Ext(n.Path)); missing && (ending < 2 || ending > longestEnding) {
		return "a file whose name has no ending, and is not repeated, in " + nearestFolder(n.Path)
	}
	return n.Path
}

// longestEnding is that of the names of files, with the dot.
const longestEnding = 8

// nearestFolder is the folder of the file, or the nearest above that is there.
func nearestFolder(path string) string {
	folder := filepath.Dir(path)
	for isMissing(folder) && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
	}
	return folder
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}

// NoContent refuses what is no name of a file but what is in one: a key, say. It
// does not repeat it.
func NoContent(name string) error {
	if isContent(name) {
		return errContent
	}
	return nil
}

var errContent = errors.New("this is the content of a file: name the file, without `{file.}`")

// How long the name of a file, and a path, can be on the systems we know.
const (
	longestName = 255
	longestPath = 4096
)

func isContent(name string) bool {
	if strings.Contains(name, "-----BEGIN") || strings.ContainsAny(name, "\n\r\x00") || len(name) >= longestPath {
		return true
	}
	for part := range strings.SplitSeq(name, string(filepath.Separator)) {
		if len(part) > longestName {
			return true
		}
	}
	return false
}

// Readable tells who may not read a file; other errors stay as they are.
func Readable(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	what := "the file"
	if denied, ok := errors.AsType[*fs.PathError](err); ok {
		what = Described(denied.Path)
	}
	return fmt.Errorf("%w: let the user that the gateway runs as (uid %d) read %s and enter its folder", err, os.Getuid(), what)
}
