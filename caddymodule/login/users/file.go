package users

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"example.com/sidegate/caddymodule/ownfile"
)

// File is a users file that is read anew when it changes. It is a Source, and
// safe for concurrent use.
type File struct {
	path   string
	roles  RoleCheck
	people atomic.Pointer[People]

	mu   sync.Mutex
	seen reading // the last that could be made, good or broken
	good [sha256.Size]byte
	err  error // why the file is not what is in use
}

// reading is what a look at the file found.
type reading struct {
	info os.FileInfo
	sum  [sha256.Size]byte
	// settled says that a second reading found the same. Only then is an
	// unchanged stat trusted: an editor may write twice within one tick of the
	// file system's clock.
	settled bool
}

// OpenFile reads the file once. Its error says that there is nobody to sign
// in: a gateway does not start with it.
// Roles refuses what people of the file may not have, then and later; nil refuses
// nothing.
func OpenFile(path string, roles RoleCheck) (*File, error) {
	f := &File{path: path, roles: roles}
	data, info, err := f.read()
	if err != nil {
		return nil, err
	}
	people, err := parse(data, roles)
	if err != nil {
		return nil, ofFile(path, err)
	}
	f.people.Store(people)
	f.good = sha256.Sum256(data)
	f.seen = reading{info: info, sum: f.good}
	return f, nil
}

// ofFile puts the file before each line of an error that joins several.
func ofFile(place string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s: %w", place, err)
	}
	var each []error
	for _, one := range joined.Unwrap() {
		each = append(each, fmt.Errorf("%s: %w", place, one))
	}
	return errors.Join(each...)
}

// People returns those of the last good reading, without waiting.
func (f *File) People() *People { return f.people.Load() }

// reload reads the file again if it changed, and takes what it has read, or
// failed to read, only if it still holds afterwards. A file that is broken or
// gone leaves the last good people in use; its error is returned once for each
// content.
func (f *File) reload(holds func() bool) (Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if info, err := os.Stat(f.path); err == nil && f.seen.settled && same(info, f.seen.info) {
		return Change{}, nil
	}
	data, info, err := f.read()
	if !holds() {
		return Change{}, nil
	}
	if err != nil {
		f.seen = reading{}
		return Change{}, f.fail(err)
	}
	sum := sha256.Sum256(data)
	again := f.seen.info != nil && sum == f.seen.sum
	f.seen = reading{info: info, sum: sum, settled: again}
	if again {
		return Change{}, nil
	}
	if sum == f.good {
		return Change{Mended: f.mend()}, nil
	}
	return f.adopt(data, sum)
}

func (f *File) adopt(data []byte, sum [sha256.Size]byte) (Change, error) {
	people, err := parse(data, f.roles)
	if err != nil {
		f.err = ofFile(f.path+": the people read before stay in use", err)
		return Change{}, f.err
	}
	f.good = sum
	change := Diff(f.people.Swap(people), people)
	change.Mended = f.mend()
	return change, nil
}

// mend forgets the error, and reports whether there was one.
func (f *File) mend() (was bool) {
	was, f.err = f.err != nil, nil
	return was
}

// fail keeps the error and returns it unless it was the last one already.
func (f *File) fail(err error) error {
	err = fmt.Errorf("the people read before stay in use: %w", err)
	if f.err != nil && f.err.Error() == err.Error() {
		return nil
	}
	f.err = err
	return err
}

// read reads the whole file, as far as it may be large.
func (f *File) read() ([]byte, os.FileInfo, error) {
	// Looked at first: to open a named pipe would wait for a writer.
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading users file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("reading users file: %w", ownfile.Instead(f.path, info))
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading users file: %w", err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, nil, fmt.Errorf("reading users file: %w", err)
	}
	// One byte more than allowed, so that Parse sees that it is too large.
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("reading users file: %w", err)
	}
	return data, info, nil
}

// same reports whether nobody has touched or replaced the file between two
// looks at it. Symbolic links are followed, so a ConfigMap's swap is seen.
func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
