package embedded

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/bbolt"
)

// minLife keeps a lease or a link of no length one all the same, as times are
// kept to the millisecond.
const minLife = time.Millisecond

// Hold implements sessionstore.Leases. As with Take, a refusal is answered by a
// read: of many that ask at once, all but one leave the disk alone.
func (st *Store) Hold(ctx context.Context, name, holder string, life time.Duration) (held bool, err error) {
	key, mine := hashOf(name), hashOf(holder)
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		held = mayHold(tx, key, mine, st.now())
		return nil
	})
	if err != nil || !held {
		return false, err
	}
	err = st.write(ctx, func(tx *bbolt.Tx) error {
		now := st.now()
		if held = mayHold(tx, key, mine, now); !held {
			return nil
		}
		ends := now.Add(max(life, minLife))
		if _, until, ok := leases.get(tx, key, now); ok && until.After(ends) {
			return nil // prolonged, and never cut short
		}
		return leases.put(tx, key, mine, ends)
	})
	return held && err == nil, err
}

// mayHold reports whether the lease is nobody's or mine.
func mayHold(tx *bbolt.Tx, key, mine []byte, now time.Time) bool {
	holder, _, taken := leases.get(tx, key, now)
	return !taken || bytes.Equal(holder, mine)
}

// Release implements sessionstore.Leases.
func (st *Store) Release(ctx context.Context, name, holder string) error {
	key, mine := hashOf(name), hashOf(holder)
	return st.write(ctx, func(tx *bbolt.Tx) error {
		if !mayHold(tx, key, mine, st.now()) {
			return nil
		}
		return leases.drop(tx, key)
	})
}
