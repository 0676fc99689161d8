package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

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

// maxSent bounds the copies that are on their way to who takes them at once, as each
// has the room of a file on the disk.
const maxSent = 4

// copied makes a copy of the file beside it, as it is at one moment, and takes it
// away when use returns: while it has its name nobody else makes one.
func (db *DB) copied(ctx context.Context, use func(*os.File) error) error {
	file, err := db.newCopy()
	if err != nil {
		return err
	}
	defer func() { _, _ = file.Close(), os.Remove(file.Name()) }()
	if err := db.copyTo(ctx, file); err != nil {
		return err
	}
	return use(file)
}

func (db *DB) newCopy() (*os.File, error) {
	if err := db.place.check(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(db.path+copySuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making a copy beside the file: %w", err)
	}
	return file, nil
}

// copyTo is as fast as the disk: for a reader that takes its time a file cannot grow,
// and those who write would wait, and then those who read.
func (db *DB) copyTo(ctx context.Context, file *os.File) error {
	err := db.view(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(&untilDone{ctx, file})
		return err
	})
	if err != nil {
		return fmt.Errorf("making a copy beside the file, for which there must be as much room there as it has bytes: %w", err)
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
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
	select {
	case db.sent <- struct{}{}:
		defer func() { <-db.sent }()
		n, err = db.backup(ctx, w)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return n, fmt.Errorf("copying session database: %w", err)
	}
	return n, nil
}

// backup keeps the file only while it copies it: whoever takes the copy may be slow, or
// take nothing at all, and nobody waits for them. From its first byte the copy has no
// name, so that it is gone with who reads it, however that ends; where an open file
// keeps its name it has that, and its turn, to the end.
func (db *DB) backup(ctx context.Context, w io.Writer) (n int64, err error) {
	done, err := db.keep(ctx)
	release := sync.OnceFunc(done)
	defer release()
	if err != nil {
		return 0, err
	}
	file, err := db.newCopy()
	if err != nil {
		return 0, err
	}
	unnamed := os.Remove(file.Name()) == nil
	defer func() {
		if _ = file.Close(); !unnamed {
			_ = os.Remove(file.Name())
		}
	}()
	if err := db.copyTo(ctx, file); err != nil {
		return 0, err
	}
	if unnamed {
		release()
	}
	return io.Copy(&untilDone{ctx, w}, file)
}
