package embedded

import (
	"errors"
	"strings"
	"syscall"

	"example.com/sidegate/sessionstore"
)

// writing is why the session database at path could not be written.
type writing struct {
	error
	path string
}

// Error names the file that is there: one that was compacted keeps the name that it was
// made by.
func (e *writing) Error() string {
	return "writing session database: " + strings.ReplaceAll(e.error.Error(), e.path+compactSuffix, e.path)
}

func (e *writing) Unwrap() error { return e.error }

// full are what a system says of a disk, of a quota, and of a limit of the process.
var full = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// Refused implements sessionstore.Refusal for a disk that is full, and a file that has
// lost its place. Who is told to wait for the store waits in vain: what else it writes
// may find room.
func (e *writing) Refused() (what, remedy string, ok bool) {
	if lost, is := errors.AsType[*misplaced](e.error); is {
		return lost.Refused()
	}
	for _, of := range full {
		// bbolt tells of a file that does not grow in a text.
		if errors.Is(e.error, of) || strings.HasSuffix(e.error.Error(), ": "+of.Error()) {
			return e.Error(), "Make room on the disk of the session database " + e.path + ", or raise the quota that it is under", true
		}
	}
	return "", "", false
}

// Interface guard
var _ sessionstore.Refusal = (*writing)(nil)
