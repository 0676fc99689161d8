package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"example.com/sidegate/sessionstore"
)

const (
	// lockTimeout is how long Open waits for another process to let go of
	// the file: long enough for the old process of a quick restart.
	lockTimeout = time.Second
	// Writers that come within batchDelay of each other share one
	// transaction, and so one fsync: a crowd that signs in at once waits for
	// the disk a few times, not a thousand times.
	batchDelay = 2 * time.Millisecond
	batchSize  = 256
)

// ErrInUse says that another process has the database open.
var ErrInUse = errors.New("in use by another process: stop that process, give this gateway a file of its own, or let both share a redis store")

// ErrDamaged says that the file is no database or a broken one.
var ErrDamaged = errors.New("damaged or not a session database: move it away and restore a copy, or start without one, which signs everybody out")

// ErrForeign says that the file is a sound database of another program.
var ErrForeign = errors.New("it is another program's database, and not one of sessions; it is left as it is: " +
	"name a file that is the gateway's own (`store embedded <file>`), or put the one of sessions back in its place")

// DB is an open database file. It may be used concurrently, and by several
// Stores one after the other or at once: a reload of the configuration makes a
// new Store, with new sealing keys, on the same DB.
type DB struct {
	path    string // links resolved
	place   *place
	bolt    atomic.Pointer[bbolt.DB]
	turns   turns
	keeping chan struct{} // has one while somebody copies or compacts the file
	sent    chan struct{} // has one for each copy that is on its way
	closing sync.Mutex
	closed  bool
	pulse   pulse
	changes sessionstore.Changes // of any Store on it
}

// Open opens the database file, and makes it (mode 0600) and its folders (mode
// 0700) where there are none. It waits a second for a process that has the
// file open, and then answers ErrInUse. A file that cannot be read through
// gives ErrDamaged, and one of another program ErrForeign, as it was.
//
// Every write is on disk (fsync) when it is answered.
func Open(path string) (*DB, error) {
	path, err := Whole(path)
	if err != nil {
		return nil, err
	}
	db, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening session database %s: %w", path, explain(err))
	}
	return db, nil
}

func open(path string) (db *DB, err error) {
	// A file cut short faults when it is read, as the database is memory
	// mapped; it shall be an error here, not the end of the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%w (%v)", ErrDamaged, p)
		}
	}()
	b, file, err := openBolt(path)
	if err != nil {
		return nil, err
	}
	opened := &DB{keeping: make(chan struct{}, 1), sent: make(chan struct{}, maxSent)}
	opened.bolt.Store(b)
	if err := opened.begin(b, file, path); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return opened, nil
}

// begin looks at the file, and makes ready what is kept of it here.
func (db *DB) begin(b *bbolt.DB, file os.FileInfo, path string) (err error) {
	if err := whole(b, path); err != nil {
		return err
	}
	b.NoFreelistSync = false // ours from here on
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	if db.path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	if db.place, err = placeOf(file, path); err != nil {
		return err
	}
	if err := removeLeftovers(db.path); err != nil {
		return err
	}
	if err := prepare(b); err != nil {
		return err
	}
	return db.pulse.load(b)
}

// openBolt opens a database file that exists or may be made. Whoever had it before
// may have put another in its place while we waited for them: what is locked then is
// a file that nobody finds any more, and all that is written to it would be lost.
func openBolt(path string) (*bbolt.DB, os.FileInfo, error) {
	for {
		var file *os.File
		b, err := bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType,
			NoFreelistSync: true, // else opening writes to the file of a program that keeps no list in it
			OpenFile: func(name string, flag int, mode os.FileMode) (opened *os.File, err error) {
				opened, err = os.OpenFile(name, flag, mode)
				file = cmp.Or(file, opened)
				return opened, err
			},
		})
		if err != nil {
			return nil, nil, err
		}
		b.MaxBatchDelay, b.MaxBatchSize = batchDelay, batchSize
		locked, err := file.Stat()
		if err != nil {
			return nil, nil, errors.Join(err, b.Close())
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(locked, there) {
			return b, locked, nil
		}
		if err := b.Close(); err != nil {
			return nil, nil, err
		}
	}
}

// Close closes the file. Stores on it answer with errors from then on.
func (db *DB) Close() error {
	db.closing.Lock()
	defer db.closing.Unlock()
	db.closed = true
	return db.bolt.Load().Close()
}

// view reads in a transaction, unless the file has lost its place. Where it is compacted
// in between it begins on the new one.
func (db *DB) view(read func(*bbolt.Tx) error) error {
	if err := db.place.check(); err != nil {
		return err
	}
	for {
		b := db.bolt.Load()
		err := b.View(read)
		if !errors.Is(err, bolterrors.ErrDatabaseNotOpen) || b == db.bolt.Load() {
			return err
		}
	}
}

// write changes the file in a transaction that how begins. It waits for whoever has
// the file to themselves, until ctx ends. What it says is written is in the file that
// others find: one that has lost its place meanwhile cannot tell.
func (db *DB) write(ctx context.Context, how func(*bbolt.DB, func(*bbolt.Tx) error) error, change func(*bbolt.Tx) error) error {
	if err := db.turns.enter(ctx); err != nil {
		return err
	}
	defer db.turns.leave()
	if err := db.place.check(); err != nil {
		return err
	}
	if err := how(db.bolt.Load(), change); err != nil {
		return err
	}
	return db.place.check()
}

// whole refuses a file that is shorter than the pages it says it has, and one of
// another program. It must come before the first write, which would grow the file
// again and leave zeros where sessions were, and write into what is not ours.
func whole(b *bbolt.DB, path string) error {
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	return b.View(func(tx *bbolt.Tx) error {
		if file.Size() < tx.Size() {
			return fmt.Errorf("%w (%d bytes of %d are there)", ErrDamaged, file.Size(), tx.Size())
		}
		if first, _ := tx.Cursor().First(); first != nil && !ours(tx) {
			return ErrForeign
		}
		return nil
	})
}

// ours reports whether there are the buckets that every file of ours has had: others
// have sessions and users as well.
func ours(tx *bbolt.Tx) bool {
	for _, name := range [][]byte{sessionsBucket, endsBucket, attempts.index} {
		if tx.Bucket(name) == nil {
			return false
		}
	}
	return true
}

// prepare makes the buckets and reads all of them once, so that damage is
// found at the start and not during the night.
func prepare(b *bbolt.DB) error {
	err := b.Update(func(tx *bbolt.Tx) error {
		for _, name := range bucketNames {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.View(func(tx *bbolt.Tx) error {
		for _, name := range bucketNames {
			if err := tx.Bucket(name).ForEach(func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

// tooShort begins what bbolt says of a file that ends in its second page: an error of no
// kind.
const tooShort = "file size too small"

// explain gives an error of bbolt the words that an operator needs.
func explain(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrInvalidMapping),
		errors.Is(err, bolterrors.ErrIncompatibleValue),
		err != nil && strings.HasPrefix(err.Error(), tooShort):
		return fmt.Errorf("%w (%v)", ErrDamaged, err)
	}
	return err
}
