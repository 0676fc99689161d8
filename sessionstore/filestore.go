package sessionstore

import (
	"context"
	"io"
)

// FileStore is a Store that lies in one file, which can be kept in order while the
// store is used. One at a time does so; others wait for that until their context
// ends.
type FileStore interface {
	Store

	// Backup writes a copy of the file as it is at one moment, and reports how many
	// bytes that were. Nobody waits for w, however slow it is, but for one more backup
	// than are taken at once.
	Backup(ctx context.Context, w io.Writer) (int64, error)

	// Check reads through a copy of the file as it is at one moment.
	Check(ctx context.Context) (FileReport, error)

	// Compact gives the disk back what the file has room for and does not use, and
	// reports its size in bytes before and after. Readers go on; writers wait until
	// it is done. When it fails the file is as it was.
	Compact(ctx context.Context) (before, after int64, err error)
}

// FileReport is what a check of a store's file has found.
type FileReport struct {
	// Bytes is the size of the file, and Unused how much of that compacting gives
	// back at least, about: 0 where that is little or nothing.
	Bytes  int64 `json:"bytes"`
	Unused int64 `json:"unused"`
	// Live and Ended are the sessions that can be read; those that have ended are
	// swept away later.
	Live  int `json:"live"`
	Ended int `json:"ended"`
	// OtherSecret are the sessions that none of the secrets opens, Damaged those that
	// are not as they were written, and Newer those of a later version of Sidegate.
	OtherSecret int `json:"otherSecret"`
	Damaged     int `json:"damaged"`
	Newer       int `json:"newer"`
	// Broken is what is wrong with the file itself, at most MaxBroken of it.
	Broken []string `json:"broken,omitempty"`
}

// MaxBroken is how much a FileReport tells of what is wrong with a file.
const MaxBroken = 10

// Sound reports whether nothing is wrong.
func (r FileReport) Sound() bool {
	return r.OtherSecret+r.Damaged+r.Newer == 0 && len(r.Broken) == 0
}

// Misfit reports whether file and secret do not belong together: there are sessions,
// and the secrets open none of them.
func (r FileReport) Misfit() bool { return r.OtherSecret > 0 && r.Live+r.Ended == 0 }
