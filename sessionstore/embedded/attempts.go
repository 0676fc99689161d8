package embedded

import (
	"context"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// minWindow keeps a refusal recognisable, which is told by a wait above zero,
// when times are kept to the millisecond.
const minWindow = time.Millisecond

// tally is what the file holds of one bucket of attempts.
type tally struct {
	count uint64
	ends  time.Time
}

// Take implements sessionstore.Attempts.
func (st *Store) Take(ctx context.Context, name string, limit int, window time.Duration) (taken sessionstore.Taken, err error) {
	key, window := hashOf(name), max(window, minWindow)
	// A refusal changes nothing, so it is answered by a read: a flood of
	// attempts does not keep the disk busy.
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		taken = readTally(tx, key, st.now()).refuse(limit, window, st.now())
		return nil
	})
	if err != nil || taken.Wait > 0 {
		return taken, err
	}
	err = st.write(ctx, func(tx *bbolt.Tx) error {
		now := st.now()
		t := readTally(tx, key, now)
		if taken = t.refuse(limit, window, now); taken.Wait > 0 {
			return nil
		}
		if t.count == 0 {
			t.ends = now.Add(window)
		}
		t.count++
		taken = sessionstore.Taken{Count: int(t.count)}
		return t.put(tx, key)
	})
	return taken, err
}

// Return implements sessionstore.Attempts.
func (st *Store) Return(ctx context.Context, name string) error {
	key := hashOf(name)
	return st.write(ctx, func(tx *bbolt.Tx) error {
		t := readTally(tx, key, st.now())
		if t.count <= 1 {
			return attempts.drop(tx, key) // an empty bucket has no window
		}
		t.count--
		return t.put(tx, key)
	})
}

// Forget implements sessionstore.Attempts.
func (st *Store) Forget(ctx context.Context, name string) error {
	key := hashOf(name)
	return st.write(ctx, func(tx *bbolt.Tx) error { return attempts.drop(tx, key) })
}

// refuse answers the attempt that is one too many; a Wait of zero says that it
// is not.
func (t tally) refuse(limit int, window time.Duration, now time.Time) sessionstore.Taken {
	switch {
	case limit <= 0 && t.count == 0:
		return sessionstore.Taken{Wait: window}
	case limit <= 0 || t.count >= uint64(limit):
		return sessionstore.Taken{Count: int(t.count), Wait: t.ends.Sub(now)}
	}
	return sessionstore.Taken{}
}

// readTally returns the bucket if its window is open, else an empty one.
func readTally(tx *bbolt.Tx, key []byte, now time.Time) tally {
	value, ends, ok := attempts.get(tx, key, now)
	if !ok || len(value) != 8 {
		return tally{}
	}
	return tally{count: binary.BigEndian.Uint64(value), ends: ends}
}

func (t tally) put(tx *bbolt.Tx, key []byte) error {
	return attempts.put(tx, key, binary.BigEndian.AppendUint64(nil, t.count), t.ends)
}
