package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func testListing(t *testing.T, h Harness) {
	each(t, h, "a person without sessions has an empty list, which is no error", func(b *bench) {
		if n := len(b.list(ada)); n != 0 {
			b.Fatalf("the list has %d sessions; want none", n)
		}
	})
	each(t, h, "the list has the person's sessions whole, the newest first", func(b *bench) {
		var want [5]*sessionstore.Session
		for _, age := range []int{2, 0, 4, 1, 3} {
			want[age] = b.create(ada, func(s *sessionstore.Session) {
				s.CreatedAt = s.CreatedAt.Add(-time.Duration(age) * time.Minute)
			})
		}
		b.create(grace, nil)
		list := b.list(ada)
		if len(list) != len(want) {
			b.Fatalf("the list has %d sessions; want %d", len(list), len(want))
		}
		for i := range want {
			b.same(list[i], want[i])
		}
	})
	each(t, h, "a revoked session leaves the list", func(b *bench) {
		s, rest := b.create(ada, nil), b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		if list := b.list(ada); len(list) != 1 || list[0].Key != rest.Key {
			b.Fatalf("the list has %d sessions; want the one that is left", len(list))
		}
	})
	each(t, h, "two people whose shards are the same are not mixed up", func(b *bench) {
		twin := shardTwin(ada)
		his, hers := b.create(twin, nil), b.create(ada, nil)
		for _, want := range []*sessionstore.Session{his, hers} {
			list := b.list(want.User.ID)
			if len(list) != 1 {
				b.Fatalf("the list has %d sessions; want 1", len(list))
			}
			b.same(list[0], want)
		}
		n, err := b.store.RevokeUser(b.Context(), twin)
		b.must(err)
		if n != 1 {
			b.Fatalf("RevokeUser ended %d sessions; want 1", n)
		}
		b.gone(his.Key)
		b.holds(hers)
	})
}

// shardTwin is another person whose sessions lie in the same shard.
func shardTwin(userID int64) int64 {
	twin := userID + 1
	for sessionstore.ShardOf(twin) != sessionstore.ShardOf(userID) {
		twin++
	}
	return twin
}

func testRevoking(t *testing.T, h Harness) {
	each(t, h, "a revoked session is gone", func(b *bench) {
		s := b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		b.gone(s.Key)
	})
	each(t, h, "whoever ends a session is told what it was, and nobody else is", func(b *bench) {
		s := b.create(ada, nil)
		was, err := b.store.Revoke(b.Context(), s.Key)
		b.must(err)
		b.same(was, s)
		for _, key := range []sessionstore.Key{s.Key, sessionstore.NewSecret(ada).Key()} {
			if was, err := b.store.Revoke(b.Context(), key); was != nil || err != nil {
				b.Fatalf("Revoke answers %v, %v of a session that is not there", was, err)
			}
		}
	})
	each(t, h, "of many who end a session at once exactly one is told what it was", func(b *bench) {
		for range 20 {
			s := b.create(ada, nil)
			var told atomic.Int32
			together(8, func(int) {
				was, err := b.store.Revoke(b.Context(), s.Key)
				if err != nil {
					b.Errorf("revoking: %v", err)
				}
				if was != nil {
					told.Add(1)
				}
			})
			if n := told.Load(); n != 1 {
				b.Fatalf("%d were told; want 1", n)
			}
		}
	})
	each(t, h, "to revoke twice, or what never was, is no error", func(b *bench) {
		s := b.create(ada, nil)
		for range 2 {
			b.must(End(b.Context(), b.store, s.Key))
		}
		b.must(End(b.Context(), b.store, sessionstore.NewSecret(ada).Key()))
	})
	each(t, h, "all sessions of a person end but those excepted", func(b *bench) {
		kept, other := b.create(ada, nil), b.create(grace, nil)
		first, second := b.create(ada, nil), b.create(ada, nil)
		b.revokesUser(ada, 2, kept.Key, other.Key, sessionstore.NewSecret(ada).Key())
		b.gone(first.Key)
		b.gone(second.Key)
		b.holds(kept)
		b.holds(other)
		if n := len(b.list(ada)); n != 1 {
			b.Fatalf("the list has %d sessions; want 1", n)
		}
		b.revokesUser(ada, 1)
		b.revokesUser(ada, 0)
		b.gone(kept.Key)
		b.holds(other)
	})
	each(t, h, "a person may sign in again after all was revoked", func(b *bench) {
		b.create(ada, nil)
		b.revokesUser(ada, 1)
		b.holds(b.create(ada, nil))
	})
	each(t, h, "twelve hundred sessions of one person are listed and revoked whole", func(b *bench) {
		const many = 1200
		kept := b.create(ada, nil)
		b.createMany(ada, many)
		if n := len(b.list(ada)); n != many+1 {
			b.Fatalf("the list has %d sessions; want %d", n, many+1)
		}
		b.revokesUser(ada, many, kept.Key)
		list := b.list(ada)
		if len(list) != 1 {
			b.Fatalf("the list has %d sessions; want 1", len(list))
		}
		b.same(list[0], kept)
	})
}

func (b *bench) revokesUser(userID int64, want int, except ...sessionstore.Key) {
	b.Helper()
	n, err := b.store.RevokeUser(b.Context(), userID, except...)
	b.must(err)
	if n != want {
		b.Fatalf("RevokeUser ended %d sessions; want %d", n, want)
	}
}
