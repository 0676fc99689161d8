package embedded

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// linkKey sorts the links of one name behind one another.
func linkKey(name string, key sessionstore.Key) []byte { return key.AppendTo(hashOf(name)) }

// Link implements sessionstore.Links.
func (st *Store) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	at := linkKey(name, key)
	return st.write(ctx, func(tx *bbolt.Tx) error {
		now := st.now()
		ends := now.Add(max(life, minLife))
		if _, until, ok := links.get(tx, at, now); ok && until.After(ends) {
			return nil // linked for so long at least: never cut short
		}
		return links.put(tx, at, nil, ends)
	})
}

// Linked implements sessionstore.Links.
func (st *Store) Linked(ctx context.Context, name string) (keys []sessionstore.Key, err error) {
	prefix := hashOf(name)
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		now := st.now()
		c := tx.Bucket(links.values).Cursor()
		for k, entry := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, entry = c.Next() {
			if _, _, ok := alive(entry, now); !ok {
				continue // not yet swept
			}
			key, err := sessionstore.KeyFromBytes(k[len(prefix):])
			if err != nil {
				return sessionstore.ErrCorrupt // a session that goes unnamed would pass for ended
			}
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// IsLinked implements sessionstore.Links.
func (st *Store) IsLinked(ctx context.Context, name string, key sessionstore.Key) (linked bool, err error) {
	at := linkKey(name, key)
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		_, _, linked = links.get(tx, at, st.now())
		return nil
	})
	return linked && err == nil, err
}

// Unlink implements sessionstore.Links.
func (st *Store) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	return st.write(ctx, func(tx *bbolt.Tx) error {
		for _, key := range keys {
			if err := links.drop(tx, linkKey(name, key)); err != nil {
				return err
			}
		}
		return nil
	})
}
