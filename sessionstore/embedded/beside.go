package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// What lies beside the file for a while. A crash leaves it there, and the next to
// open the file takes it away.
const (
	copySuffix    = ".copy"
	compactSuffix = ".compact"
)

func removeLeftovers(path string) error {
	for _, suffix := range []string{copySuffix, compactSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("taking away what was left beside it: %w", err)
		}
	}
	return nil
}

// keep has the file's keeping for one alone; done gives it back.
func (db *DB) keep(ctx context.Context) (done func(), err error) {
	select {
	case db.keeping <- struct{}{}:
		return func() { <-db.keeping }, ctx.Err()
	case <-ctx.Done():
		return func() {}, ctx.Err()
	}
}

// copied makes a copy of the file beside it, as it is at one moment, and takes it
// away when use returns. It is written as fast as the disk does: for a reader that
// takes its time a file cannot grow, and those who write would wait, and then those
// who read.
func (db *DB) copied(ctx context.Context, use func(*os.File) error) error {
	file, err := os.OpenFile(db.path+copySuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("making a copy beside the file: %w", err)
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }()
	err = db.view(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(&untilDone{ctx, file})
		return err
	})
	if err != nil {
		return fmt.Errorf("making a copy beside the file, for which there must be as much room there as it has bytes: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return use(file)
}

// untilDone writes until its context ends.
type untilDone struct {
	ctx context.Context
	io.Writer
}

// Write implements io.Writer.
func (u *untilDone) Write(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Writer.Write(b)
}

// Backup writes a copy of the file as it is at one moment: see
// sessionstore.FileStore. What it writes is sealed like the file, and worth nothing
// without the secret.
func (db *DB) Backup(ctx context.Context, w io.Writer) (n int64, err error) {
	done, err := db.keep(ctx)
	defer done()
	if err == nil {
		err = db.copied(ctx, func(file *os.File) error {
			n, err = io.Copy(&untilDone{ctx, w}, file)
			return err
		})
	}
	if err != nil {
		return n, fmt.Errorf("copying session database: %w", err)
	}
	return n, nil
}
