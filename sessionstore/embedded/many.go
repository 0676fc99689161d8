package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// pageSize is how many sessions one transaction reads or ends at most: whoever signs
// in meanwhile waits for so many at most, and a reader does not keep the file from
// growing, which waits for all who read.
const pageSize = 500

// userPrefix begins the places of a person's sessions in their index.
func userPrefix(userID int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(userID)) }

// keysFrom reads a page of the session keys that stand behind the prefix in the
// bucket, from the place on, or from the first one when that is nil. It answers the
// place at which the next page begins; nil when this is the last.
func keysFrom(bucket *bbolt.Bucket, prefix, from []byte, size int) (keys []sessionstore.Key, next []byte) {
	if from == nil {
		from = prefix
	}
	c := bucket.Cursor()
	seen := 0
	for k, _ := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if seen == size {
			return keys, bytes.Clone(k)
		}
		seen++
		if key, err := sessionstore.KeyFromBytes(k[len(prefix):]); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// pages reads the keys of a bucket page by page, each in a transaction of its own.
func (st *Store) pages(ctx context.Context, bucket, prefix []byte, page func(*bbolt.Tx, []sessionstore.Key) error, handOver func() error) error {
	var from []byte
	for {
		var next []byte
		err := st.view(ctx, func(tx *bbolt.Tx) error {
			var keys []sessionstore.Key
			keys, next = keysFrom(tx.Bucket(bucket), prefix, from, pageSize)
			return page(tx, keys)
		})
		if err == nil {
			err = handOver()
		}
		if err != nil || next == nil {
			return err
		}
		from = next
	}
}

// nothing is handed over.
func nothing() error { return nil }

// List implements sessionstore.Store. It reads pages, each in a transaction of its
// own, so that it is of no one moment: those that begin or end meanwhile may be on
// it.
func (st *Store) List(ctx context.Context, userID int64) (list []*sessionstore.Session, err error) {
	var unreadable sessionstore.UnreadableError
	err = st.WalkUser(ctx, userID, func(page []sessionstore.Found) error {
		for _, found := range page {
			switch {
			case found.Ended:
			case found.Err != nil:
				unreadable.Add(found.Key, found.Err)
			default:
				list = append(list, found.Session)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *sessionstore.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return list, unreadable.OrNil()
}

// RevokeUser implements sessionstore.Store, in pages, each in a transaction of its
// own: when it is cut short the number says how many have ended, and asking again
// ends the rest. It needs no sealing key.
func (st *Store) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (ended int, err error) {
	var from []byte
	for {
		var next []byte
		went := 0
		err := st.change(ctx, func(tx *bbolt.Tx) (gone []sessionstore.Key, err error) {
			var keys []sessionstore.Key
			keys, next = keysFrom(tx.Bucket(usersBucket), userPrefix(userID), from, pageSize)
			keys = slices.DeleteFunc(keys, func(key sessionstore.Key) bool { return slices.Contains(except, key) })
			went, err = endAll(keys, func(key sessionstore.Key) (bool, error) { return st.discardOf(tx, userID, key) })
			return keys, err
		})
		if err != nil {
			return ended, err
		}
		if ended += went; next == nil {
			return ended, nil
		}
		from = next
	}
}

// endAll ends sessions, and reports how many had not expired.
func endAll(keys []sessionstore.Key, end func(sessionstore.Key) (had bool, err error)) (ended int, err error) {
	for _, key := range keys {
		had, err := end(key)
		if err != nil {
			return 0, err
		}
		if had {
			ended++
		}
	}
	return ended, nil
}

// WalkUser implements sessionstore.Browser.
func (st *Store) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	return st.walk(ctx, usersBucket, userPrefix(userID), page)
}

// WalkAll implements sessionstore.Browser.
func (st *Store) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	return st.walk(ctx, sessionsBucket, nil, page)
}

func (st *Store) walk(ctx context.Context, bucket, prefix []byte, page func([]sessionstore.Found) error) error {
	var found []sessionstore.Found
	return st.pages(ctx, bucket, prefix, func(tx *bbolt.Tx, keys []sessionstore.Key) error {
		found = nil // whoever is given a page may keep it
		for _, key := range keys {
			if f, ok := st.look(tx, key); ok {
				found = append(found, f)
			}
		}
		return nil
	}, func() error {
		if len(found) == 0 {
			return nil
		}
		return page(found)
	})
}

// look opens a session for a Browser. False: its life is over, or a damaged entry has
// left this place in an index. It ends when either life says so, the sealed one or the
// one in the clear, which is all there is of one that cannot be read: see open.
func (st *Store) look(tx *bbolt.Tx, key sessionstore.Key) (f sessionstore.Found, ok bool) {
	value := tx.Bucket(sessionsBucket).Get(key.AppendTo(nil))
	if value == nil {
		return f, false
	}
	e, err := parseEntry(value)
	if err != nil {
		return sessionstore.Found{Key: key, Err: err}, true
	}
	life := e.life()
	lives := []*sessionstore.Session{&life}
	f.Key = key
	if f.Session, f.Err = st.sealer.Open(key, e.record); f.Err == nil {
		lives = append(lives, f.Session)
	}
	now, outages := st.now(), st.db.pulse.outages.Load()
	for _, s := range lives {
		if !now.Before(s.ExpiresAt) {
			return sessionstore.Found{}, false
		}
		f.Ended = f.Ended || !outages.Live(s, now)
	}
	return f, true
}

// FindID implements sessionstore.Browser. It looks at the keys alone.
func (st *Store) FindID(ctx context.Context, id string) (found sessionstore.Found, ok bool, err error) {
	begins, malformed := sessionstore.ParseID(id)
	if malformed != nil {
		return found, false, ctx.Err()
	}
	err = st.pages(ctx, sessionsBucket, nil, func(tx *bbolt.Tx, keys []sessionstore.Key) error {
		for _, key := range keys {
			if bytes.HasPrefix(key.Hash[:], begins) {
				if found, ok = st.look(tx, key); ok {
					return nil
				}
			}
		}
		return nil
	}, func() error {
		if ok {
			return errFound
		}
		return nil
	})
	if ok {
		return found, true, nil
	}
	return sessionstore.Found{}, false, err
}

// errFound ends a look-up early, and reaches nobody.
var errFound = errors.New("found")

// Count implements sessionstore.Browser. It opens nothing: what lies in the clear
// says when a session ends.
func (st *Store) Count(ctx context.Context) (live int, err error) {
	err = st.pages(ctx, sessionsBucket, nil, func(tx *bbolt.Tx, keys []sessionstore.Key) error {
		live += len(st.idle(tx, keys))
		return nil
	}, nothing)
	return live, err
}

// RevokeFound implements sessionstore.Browser. It needs no sealing key, and each page
// is one transaction. As with Revoke, what is not there costs no write, and is told
// of all the same.
func (st *Store) RevokeFound(ctx context.Context, found ...sessionstore.Found) (ended int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for page := range slices.Chunk(sessionstore.KeysOf(found), pageSize) {
		went, err := st.revokePage(ctx, page)
		if err != nil {
			return ended, err
		}
		ended += went
	}
	return ended, nil
}

func (st *Store) revokePage(ctx context.Context, keys []sessionstore.Key) (ended int, err error) {
	some := false
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		some = slices.ContainsFunc(keys, func(key sessionstore.Key) bool {
			return tx.Bucket(sessionsBucket).Get(key.AppendTo(nil)) != nil
		})
		return nil
	})
	if err != nil {
		return 0, err
	}
	if !some {
		st.db.changes.Tell(keys...)
		return 0, nil
	}
	err = st.change(ctx, func(tx *bbolt.Tx) ([]sessionstore.Key, error) {
		ended, err = endAll(keys, func(key sessionstore.Key) (bool, error) { return st.discard(tx, key) })
		return keys, err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}
