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
	removed, err := st.sweepAll(ctx, now, endsBucket, func(tx *bbolt.Tx, rest []byte) error {
		key, err := sessionstore.KeyFromBytes(rest)
		if err != nil {
			return nil // a damaged place: nothing to remove but itself
		}
		_, err = st.discard(tx, key)
		return err
	})
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

// sweepAll removes all that the index says has ended by then.
func (st *Store) sweepAll(ctx context.Context, now time.Time, index []byte, remove func(tx *bbolt.Tx, rest []byte) error) (int, error) {
	removed := 0
	for {
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		due := 0
		err := st.db.bolt.Update(func(tx *bbolt.Tx) error {
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
