package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

var errKept = errors.New("a session of this key is kept already: make a new secret for each sign-in")

// Store keeps sessions, attempts, leases, links, numbers and their owners in a
// DB. It implements sessionstore.Store, sessionstore.Sweeper, sessionstore.Notifier
// and sessionstore.Browser; without sweeps the file only grows, and by a number per
// name in any case.
//
// The context is asked before a transaction begins; one that has begun is
// finished, as it is bounded by the disk alone.
type Store struct {
	db     *DB
	sealer *sessionstore.Sealer
	now    func() time.Time
}

var (
	_ sessionstore.Store    = (*Store)(nil)
	_ sessionstore.Sweeper  = (*Store)(nil)
	_ sessionstore.Notifier = (*Store)(nil)
	_ sessionstore.Browser  = (*Store)(nil)
)

// New returns the store of sessions in db, sealed by sealer, that tells the
// time by now; nil means time.Now. It does not own db: close that yourself.
func New(db *DB, sealer *sessionstore.Sealer, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{db: db, sealer: sealer, now: now}
}

// Get implements sessionstore.Store.
func (st *Store) Get(ctx context.Context, key sessionstore.Key) (s *sessionstore.Session, err error) {
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		s, err = st.open(tx, key)
		return err
	})
	return s, err
}

// Create implements sessionstore.Store.
func (st *Store) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	held := s.Clone()
	held.Version = 1
	e := newEntry(held, st.sealer.Seal(held))
	before, err := st.endFarOver(ctx, held.Key, held.User.ID, limit)
	if err != nil {
		return before, err
	}
	err = st.change(ctx, func(tx *bbolt.Tx) (gone []sessionstore.Key, err error) {
		if tx.Bucket(sessionsBucket).Get(held.Key.AppendTo(nil)) != nil {
			return nil, errKept
		}
		if ended, err = st.makeRoom(tx, held.User.ID, limit); err != nil {
			return nil, err
		}
		return keysOf(ended), e.put(tx, held.Key)
	})
	if err != nil {
		return before, err
	}
	return append(before, ended...), nil
}

// Update implements sessionstore.Store.
func (st *Store) Update(ctx context.Context, s *sessionstore.Session) (next *sessionstore.Session, err error) {
	err = st.change(ctx, func(tx *bbolt.Tx) ([]sessionstore.Key, error) {
		// A shared transaction may run this twice: begin afresh each time.
		next = s.Clone()
		e, err := st.find(tx, s.Key)
		if err != nil {
			return nil, err
		}
		held, err := st.sealer.Open(s.Key, e.record)
		if err != nil {
			return nil, err
		}
		if held.Version != s.Version {
			return nil, sessionstore.ErrConflict
		}
		next.KeepLife(held)
		next.Version++
		return []sessionstore.Key{s.Key}, e.replace(tx, s.Key, newEntry(next, st.sealer.Seal(next)))
	})
	if err != nil {
		return nil, err
	}
	return next, nil
}

// Touch implements sessionstore.Store. It needs no sealing key.
func (st *Store) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	return st.write(ctx, func(tx *bbolt.Tx) error {
		e, err := st.find(tx, s.Key)
		if errors.Is(err, sessionstore.ErrNotFound) && st.takesLate(e, seen) {
			err = nil
		}
		if err != nil || seen.UnixMilli() <= sessionstore.RecordLastSeen(e.record).UnixMilli() {
			return err
		}
		// What bbolt hands out is its memory map, which is not to be written to.
		touched := e
		touched.record = bytes.Clone(e.record)
		sessionstore.SetRecordLastSeen(touched.record, seen)
		return e.replace(tx, s.Key, touched)
	})
}

// Revoke implements sessionstore.Store. It needs no sealing key. What is not
// there costs no write: anybody can make secrets up. It is told of all the same,
// for somebody may keep what has long been ended.
func (st *Store) Revoke(ctx context.Context, key sessionstore.Key) (s *sessionstore.Session, err error) {
	none := false
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		none = tx.Bucket(sessionsBucket).Get(key.AppendTo(nil)) == nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	if none {
		st.db.changes.Tell(key)
		return nil, nil
	}
	err = st.change(ctx, func(tx *bbolt.Tx) ([]sessionstore.Key, error) {
		s = st.read(tx, key)
		_, err := st.discard(tx, key)
		return []sessionstore.Key{key}, err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// takesLate reports whether activity puts the end off that was written late. It
// is of no session when e is no entry.
func (st *Store) takesLate(e entry, seen time.Time) bool {
	s := e.life()
	return st.db.pulse.outages.Load().TakesLate(&s, seen, st.now())
}

// find returns the entry of a session. One that has expired comes with
// ErrNotFound.
func (st *Store) find(tx *bbolt.Tx, key sessionstore.Key) (entry, error) {
	value := tx.Bucket(sessionsBucket).Get(key.AppendTo(nil))
	if value == nil {
		return entry{}, sessionstore.ErrNotFound
	}
	e, err := parseEntry(value)
	if err == nil && !st.live(e) {
		err = sessionstore.ErrNotFound
	}
	return e, err
}

// open returns a session that has not expired.
func (st *Store) open(tx *bbolt.Tx, key sessionstore.Key) (*sessionstore.Session, error) {
	e, err := st.find(tx, key)
	if err != nil {
		return nil, err
	}
	s, err := st.sealer.Open(key, e.record)
	if err != nil {
		return nil, err
	}
	// The sealed life decides; the one in the clear can be lengthened by
	// whoever can write to the file.
	if !st.db.pulse.outages.Load().Live(s, st.now()) {
		return nil, sessionstore.ErrNotFound
	}
	return s, nil
}

// discard removes the session, if it is there, and reports whether it had not
// expired. A damaged entry goes too, and counts: a session can be ended that
// cannot be read.
func (st *Store) discard(tx *bbolt.Tx, key sessionstore.Key) (had bool, err error) {
	value := tx.Bucket(sessionsBucket).Get(key.AppendTo(nil))
	if value == nil {
		return false, nil
	}
	e, damaged := parseEntry(value)
	had = damaged != nil || st.live(e)
	return had, e.remove(tx, key)
}

// discardOf is discard of a session of that person, whose place in their index
// goes in any case: a damaged entry may not say whose it was.
func (st *Store) discardOf(tx *bbolt.Tx, userID int64, key sessionstore.Key) (had bool, err error) {
	if had, err = st.discard(tx, key); err != nil {
		return had, err
	}
	return had, tx.Bucket(usersBucket).Delete(userIndexKey(userID, key))
}

// userKeys are the keys of all of the person's sessions, expired ones included.
func userKeys(tx *bbolt.Tx, userID int64) []sessionstore.Key {
	prefix := userPrefix(userID)
	keys, _ := keysFrom(tx.Bucket(usersBucket), prefix, nil, math.MaxInt)
	return keys
}

func (st *Store) view(ctx context.Context, read func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := st.db.view(read); err != nil {
		return fmt.Errorf("reading session database: %w", err)
	}
	return nil
}

// write runs change in a transaction that it may share with other writers. It
// may run more than once, when another of them fails, and so sets all that it
// answers each time.
func (st *Store) write(ctx context.Context, change func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var refused error
	err := st.db.write(ctx, (*bbolt.DB).Batch, func(tx *bbolt.Tx) error {
		refused = change(tx)
		return refused
	})
	if err != nil && refused == nil && ctx.Err() == nil {
		st.db.pulse.noteFailure(err, st.now())
	}
	if err != nil {
		return &writing{err, st.db.path}
	}
	return nil
}
