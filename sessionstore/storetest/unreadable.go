package storetest

import (
	"errors"
	"slices"
	"testing"

	"example.com/sidegate/sessionstore"
)

// spoilings are how a record comes to be one that nobody here can read.
var spoilings = []struct {
	name  string
	spoil func(record []byte) []byte
	cause error
}{
	{"of a former secret", func(r []byte) []byte { r[17] ^= 1; return r }, sessionstore.ErrUnknownKey},
	{"that is damaged", func(r []byte) []byte { r[len(r)-1] ^= 1; return r }, sessionstore.ErrCorrupt},
	{"that is cut short", func(r []byte) []byte { return r[:20] }, sessionstore.ErrCorrupt},
	{"of a newer version", func(r []byte) []byte { r[0]++; return r }, sessionstore.ErrFormat},
}

// To end a session nothing need be opened, and one that cannot be read hides
// none of the others.
func testUnreadable(t *testing.T, h Harness) {
	if h.Rewrite == nil {
		return // this store keeps sessions as they are: there is nothing to open
	}
	for _, c := range spoilings {
		each(t, h, "a record "+c.name+" is named and hides no other in the list", func(b *bench) {
			good, bad := b.create(ada, nil), b.create(ada, nil)
			b.create(grace, nil)
			b.rewrite(bad.Key, c.spoil)
			list, err := b.store.List(b.Context(), ada)
			if len(list) != 1 {
				b.Fatalf("the list has %d sessions, %v; want the one that can be read", len(list), err)
			}
			b.same(list[0], good)
			b.wants(err, c.cause)
			b.cannotRead(err, bad.Key)
		})
		each(t, h, "a record "+c.name+" ends with all others of its person", func(b *bench) {
			kept, bad, worse, other := b.create(ada, nil), b.create(ada, nil), b.create(ada, nil), b.create(grace, nil)
			b.rewrite(bad.Key, c.spoil)
			b.rewrite(worse.Key, c.spoil)
			b.revokesUser(ada, 2, kept.Key)
			b.gone(bad.Key)
			b.gone(worse.Key)
			b.holds(kept)
			b.holds(other)
			if n := len(b.list(ada)); n != 1 {
				b.Fatalf("the list has %d sessions; want 1", n)
			}
		})
		each(t, h, "a record "+c.name+" ends by its key alone", func(b *bench) {
			good, bad := b.create(ada, nil), b.create(ada, nil)
			b.rewrite(bad.Key, c.spoil)
			was, err := b.store.Revoke(b.Context(), bad.Key)
			b.must(err)
			if was != nil {
				b.Fatalf("it is said to have been %v", was)
			}
			b.gone(bad.Key)
			if list := b.list(ada); len(list) != 1 || list[0].Key != good.Key {
				b.Fatalf("the list has %d sessions; want the other one", len(list))
			}
		})
		each(t, h, "a record "+c.name+" can be spared when all others end", func(b *bench) {
			bad, good := b.create(ada, nil), b.create(ada, nil)
			b.rewrite(bad.Key, c.spoil)
			b.revokesUser(ada, 1, bad.Key)
			b.gone(good.Key)
			_, err := b.store.List(b.Context(), ada)
			b.cannotRead(err, bad.Key)
		})
	}
	each(t, h, "all causes are told, and every key, of many that cannot be read", func(b *bench) {
		const many = 600
		b.createMany(ada, many)
		var keys []sessionstore.Key
		for i, s := range b.list(ada) {
			if i%20 == 0 {
				b.rewrite(s.Key, spoilings[i/20%len(spoilings)].spoil)
				keys = append(keys, s.Key)
			}
		}
		list, err := b.store.List(b.Context(), ada)
		if len(list) != many-len(keys) {
			b.Fatalf("the list has %d sessions; want %d", len(list), many-len(keys))
		}
		for _, c := range spoilings {
			b.wants(err, c.cause)
		}
		b.cannotRead(err, keys...)
		b.revokesUser(ada, many)
	})
	each(t, h, "one that cannot be read has expired like any other", func(b *bench) {
		bad := b.create(ada, func(s *sessionstore.Session) { s.ExpiresAt = s.CreatedAt.Add(b.ticks(3)) })
		b.rewrite(bad.Key, spoilings[0].spoil)
		b.pass(3)
		b.eventually("nothing is left of it", func() bool {
			_, err := b.store.List(b.Context(), ada)
			return err == nil
		})
		b.revokesUser(ada, 0)
	})
}

// rewrite changes the record of a session behind the store's back.
func (b *bench) rewrite(key sessionstore.Key, edit func(record []byte) []byte) {
	b.Helper()
	b.Rewrite(b.T, b.store, key, edit)
}

// cannotRead requires that the error of a list names just those sessions.
func (b *bench) cannotRead(err error, want ...sessionstore.Key) {
	b.Helper()
	keys, ok := sessionstore.Unreadable(err)
	if !ok || !slices.Equal(sorted(keys), sorted(want)) {
		b.Fatalf("%v names %d sessions; want %d", err, len(keys), len(want))
	}
	if errors.Is(err, sessionstore.ErrNotFound) {
		b.Fatalf("%v says that there is none", err)
	}
}
