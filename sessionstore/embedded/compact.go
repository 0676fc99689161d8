package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// compactBytes is how much one transaction writes to the new file.
const compactBytes = 1 << 20

// Compact writes all that is in the file to a new one and puts that in its place: see
// sessionstore.FileStore. Those who write wait meanwhile, for as long as their context
// lets them; then the file is one of the two at any moment, whole and on disk, and
// its lock is ours all the while. A reader ends on the file that it has begun on.
func (db *DB) Compact(ctx context.Context) (before, after int64, err error) {
	done, err := db.keep(ctx)
	defer done()
	if err == nil {
		before, after, err = db.compact(ctx)
	}
	if err != nil {
		return before, before, fmt.Errorf("compacting session database: %w", err)
	}
	return before, after, nil
}

func (db *DB) compact(ctx context.Context) (before, after int64, err error) {
	if err := db.place.check(); err != nil {
		return 0, 0, err
	}
	if before, err = sizeOf(db.path); err != nil {
		return 0, 0, err
	}
	if err := db.turns.takeAlone(ctx); err != nil {
		return before, 0, err
	}
	defer db.turns.giveBack()
	former := db.bolt.Load()
	next, file, err := db.written(ctx, former)
	if err != nil {
		return before, 0, errors.Join(err, removeLeftovers(db.path))
	}
	if err := db.replace(next, file); err != nil {
		return before, 0, errors.Join(err, next.Close(), removeLeftovers(db.path))
	}
	// There is no way back: the new one is what others find.
	err = errors.Join(syncFolder(filepath.Dir(db.path)), former.Close()) // waits for those who read it
	if after, sizeErr := sizeOf(db.path); sizeErr == nil {
		return before, after, err
	}
	return before, 0, err
}

// growsBy is bbolt's: the size from on which a file grows by as much, and not to twice
// what it was.
const growsBy = 16 << 20

// givenBack is what compacting a file at least gives back in which so much is kept: it
// promises nothing of what the new file grows for again.
func givenBack(size, kept int64) int64 {
	page := int64(os.Getpagesize())
	need := kept + kept/4 + 12*page // pages that are not full, and those of buckets and of bbolt itself
	after := 16 * page
	for after < need && after < growsBy {
		after *= 2
	}
	if after < need {
		after = need + growsBy
	}
	return max(0, size-after)
}

// replace puts the new file in the place of the present one, unless that was closed or has
// lost its place.
func (db *DB) replace(next *bbolt.DB, file os.FileInfo) error {
	db.closing.Lock()
	defer db.closing.Unlock()
	if db.closed {
		return bolterrors.ErrDatabaseNotOpen
	}
	if err := db.place.take(db.path+compactSuffix, db.path, file); err != nil {
		return err
	}
	db.bolt.Store(next)
	return nil
}

// written is a new file beside the present one with all that is in that. It is open,
// and on disk.
func (db *DB) written(ctx context.Context, former *bbolt.DB) (next *bbolt.DB, file os.FileInfo, err error) {
	path := db.path + compactSuffix
	if err := makeLike(path, db.path); err != nil {
		return nil, nil, err
	}
	if next, file, err = openBolt(path); err != nil {
		return nil, nil, err
	}
	next.NoFreelistSync = false
	// It is on disk before it is of any use, and not after each transaction.
	next.NoSync = true
	err = former.View(func(tx *bbolt.Tx) error { return fill(ctx, next, tx) })
	next.NoSync = false
	if err = errors.Join(err, next.Sync()); err != nil {
		return nil, nil, errors.Join(err, next.Close())
	}
	return next, file, nil
}

// makeLike makes an empty file that nobody else has made, for the owner of another.
func makeLike(path, other string) error {
	there, err := os.Stat(other)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(giveTo(file, there), file.Close())
}

// fill writes every bucket to the new file, in transactions of bounded size.
func fill(ctx context.Context, next *bbolt.DB, from *bbolt.Tx) error {
	f := &filling{next: next}
	err := from.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
		if err := f.begin(name, bucket.Sequence()); err != nil {
			return err
		}
		return bucket.ForEach(func(k, v []byte) error {
			if v == nil {
				return fmt.Errorf("%w (a bucket within another)", ErrDamaged)
			}
			return f.put(ctx, name, k, v)
		})
	})
	return errors.Join(err, f.end(err == nil))
}

// filling is the transaction that a new file is written in.
type filling struct {
	next  *bbolt.DB
	tx    *bbolt.Tx
	into  *bbolt.Bucket
	bytes int
}

func (f *filling) begin(name []byte, sequence uint64) (err error) {
	if f.tx == nil {
		if f.tx, err = f.next.Begin(true); err != nil {
			return err
		}
	}
	if f.into, err = f.tx.CreateBucketIfNotExists(name); err != nil {
		return err
	}
	f.into.FillPercent = 0.9 // they come in order, and few between them later
	return f.into.SetSequence(sequence)
}

func (f *filling) put(ctx context.Context, name, k, v []byte) error {
	if f.bytes += len(k) + len(v); f.bytes > compactBytes {
		sequence := f.into.Sequence()
		if err := errors.Join(ctx.Err(), f.end(ctx.Err() == nil)); err != nil {
			return err
		}
		if err := f.begin(name, sequence); err != nil {
			return err
		}
	}
	return f.into.Put(k, v)
}

func (f *filling) end(keep bool) error {
	tx := f.tx
	f.tx, f.bytes = nil, 0
	switch {
	case tx == nil:
		return nil
	case keep:
		return tx.Commit()
	}
	return tx.Rollback()
}

// syncFolder has it on disk which files the folder has.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
