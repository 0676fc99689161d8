package embedded

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// sweepSize bounds a transaction of the sweep, so that those who sign in
// meanwhile wait for a few hundred removals at most.
const sweepSize = 500

// momentSize is the length of the time in front of an index key.
const momentSize = 8

// Sweep implements sessionstore.Sweeper. It reads only what has expired, in
// transactions of bounded size, and stops between them when ctx ends; it then
// reports how many sessions went so far.
func (st *Store) Sweep(ctx context.Context) (int, error) {
	now := st.now()
	removed, err := st.sweepSessions(ctx, now)
	if err != nil {
		return removed, err
	}
	for _, en := range []ending{attempts, leases, links} {
		if _, err := st.sweepAll(ctx, now, en.index, en.dropEnded(now)); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// sweepSessions removes the sessions that need not be kept any longer. Those
// that have ended idle are, for a while: they are read at each sweep, and left.
func (st *Store) sweepSessions(ctx context.Context, now time.Time) (removed int, err error) {
	var from []byte
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		var due [][]byte
		err := st.db.view(func(tx *bbolt.Tx) error {
			due, from = st.sweepable(tx, from, now)
			return nil
		})
		if err == nil && len(due) > 0 {
			went := 0
			err = st.db.write(ctx, (*bbolt.DB).Update, func(tx *bbolt.Tx) (err error) { went, err = st.sweepAway(tx, due, now); return err })
			removed += went
		}
		if err != nil {
			return removed, fmt.Errorf("sweeping session database: %w", err)
		}
		if from == nil {
			return removed, nil
		}
	}
}

// sweepable looks at a page of sessions from there on, and returns the places of
// those that can go, and where to go on; nil when there are no more.
func (st *Store) sweepable(tx *bbolt.Tx, from []byte, now time.Time) (due [][]byte, next []byte) {
	limit := appendMoment(nil, now)
	c := tx.Bucket(endsBucket).Cursor()
	looked := 0
	for k, _ := c.Seek(from); len(k) >= momentSize && bytes.Compare(k[:momentSize], limit) <= 0; k, _ = c.Next() {
		if looked == sweepSize {
			return due, bytes.Clone(k)
		}
		looked++
		if st.canGo(tx, k, now) {
			due = append(due, bytes.Clone(k))
		}
	}
	return due, nil
}

// canGo reports whether the session of that place need not be kept. One that
// cannot be read goes at its time, and a place that damage has left behind too.
func (st *Store) canGo(tx *bbolt.Tx, place []byte, now time.Time) bool {
	value := tx.Bucket(sessionsBucket).Get(place[momentSize:])
	e, err := parseEntry(value)
	if value == nil || err != nil {
		return true
	}
	s := e.life()
	return st.db.pulse.outages.Load().Swept(&s, now)
}

// sweepAway removes sessions by their places, but not those that were seen
// since, and reports how many went.
func (st *Store) sweepAway(tx *bbolt.Tx, places [][]byte, now time.Time) (removed int, err error) {
	for _, place := range places {
		if !st.canGo(tx, place, now) {
			continue
		}
		if key, err := sessionstore.KeyFromBytes(place[momentSize:]); err == nil {
			if _, err := st.discard(tx, key); err != nil {
				return 0, err
			}
		}
		// What was removed took its place along; this is for one left behind.
		if err := tx.Bucket(endsBucket).Delete(place); err != nil {
			return 0, err
		}
		removed++
	}
	return removed, nil
}

// sweepAll removes all that the index says has ended by then.
func (st *Store) sweepAll(ctx context.Context, now time.Time, index []byte, remove func(tx *bbolt.Tx, rest []byte) error) (int, error) {
	removed := 0
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		due := 0
		err := st.db.write(ctx, (*bbolt.DB).Update, func(tx *bbolt.Tx) error {
			ended := endedBefore(tx.Bucket(index), now)
			due = len(ended)
			for _, k := range ended {
				if err := remove(tx, k[momentSize:]); err != nil {
					return err
				}
				// What was removed took its place along; a place that was
				// left behind by damage goes here, or the sweep had no end.
				if err := tx.Bucket(index).Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("sweeping session database: %w", err)
		}
		removed += due
		if due < sweepSize {
			return removed, nil
		}
	}
}

// endedBefore returns the first places of the index that are due.
func endedBefore(index *bbolt.Bucket, now time.Time) [][]byte {
	// A session has ended at its very last moment, so that counts as due.
	limit := appendMoment(nil, now)
	var due [][]byte
	c := index.Cursor()
	for k, _ := c.First(); len(k) >= momentSize && len(due) < sweepSize; k, _ = c.Next() {
		if bytes.Compare(k[:momentSize], limit) > 0 {
			break
		}
		due = append(due, bytes.Clone(k))
	}
	return due
}
