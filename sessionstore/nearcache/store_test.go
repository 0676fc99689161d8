package nearcache_test

import (
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// writes are the ways to change a session through the cache.
var writes = map[string]func(b *bench, s *sessionstore.Session) error{
	"Update": func(b *bench, s *sessionstore.Session) error {
		_, err := b.cache.Update(b.Context(), s)
		return err
	},
	"Touch": func(b *bench, s *sessionstore.Session) error {
		return b.cache.Touch(b.Context(), s, s.LastSeenAt.Add(time.Minute))
	},
	"Revoke": func(b *bench, s *sessionstore.Session) error { return storetest.End(b.Context(), b.cache, s.Key) },
	"RevokeUser": func(b *bench, s *sessionstore.Session) error {
		_, err := b.cache.RevokeUser(b.Context(), s.User.ID)
		return err
	},
}

func TestWrites(t *testing.T) {
	for name, write := range writes {
		t.Run(name+" forgets before it writes, however long that takes", func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s := b.cached(ada)
			asked := int64(0)
			b.store.writing = func() {
				before := b.store.asked.Load()
				b.lookup(s.Key)
				asked = b.store.asked.Load() - before
			}
			b.must(write(b, s))
			if asked != 1 {
				t.Fatalf("a reader during the write was answered from memory")
			}
		})
		t.Run(name+" forgets what a reader put back meanwhile", func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s := b.cached(ada)
			b.store.writing = func() { b.lookup(s.Key) }
			b.must(write(b, s))
			b.store.writing = nil
			want, wantErr := b.store.Store.Get(t.Context(), s.Key)
			got, err := b.cache.Get(t.Context(), s.Key)
			if got != want || !errors.Is(err, wantErr) {
				t.Fatalf("the cache answers %v, %v; the store %v, %v", got, err, want, wantErr)
			}
		})
		t.Run(name+" forgets even if it fails, for it may have been done", func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s := b.cached(ada)
			b.store.writing = func() { b.lookup(s.Key); b.store.down.Store(true) }
			if err := write(b, s); !errors.Is(err, errDown) {
				t.Fatalf("error is %v; want the store's", err)
			}
			b.fails(s.Key, errDown)
		})
	}
	t.Run("Create forgets that there was none, before and after", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.session(ada)
		b.fails(s.Key, sessionstore.ErrNotFound)
		b.store.writing = func() {
			b.asks(1, func() { b.fails(s.Key, sessionstore.ErrNotFound) })
		}
		b.must(storetest.Keep(t.Context(), b.cache, s))
		b.lookup(s.Key)
	})
	t.Run("Create forgets what has ended for the new session, and nothing else", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		idle := b.cached(ada, func(s *sessionstore.Session) { s.LastSeenAt = s.LastSeenAt.Add(-time.Minute) })
		kept, other := b.cached(ada), b.cached(grace)
		ended, err := b.cache.Create(t.Context(), b.session(ada), sessionstore.Limit{Sessions: 2})
		b.must(err)
		if len(ended) != 1 || ended[0].Key != idle.Key {
			t.Fatalf("ended are %v; want the one that was idle the longest", ended)
		}
		b.fails(idle.Key, sessionstore.ErrNotFound)
		b.holds(kept.Key)
		b.holds(other.Key)
	})
}

func TestRevokeUser(t *testing.T) {
	t.Run("all sessions of the person are forgotten, but neither the excepted nor anybody else's", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		var ended []sessionstore.Key
		for range 50 {
			ended = append(ended, b.cached(ada).Key)
		}
		kept, other := b.cached(ada), b.cached(grace)
		n, err := b.cache.RevokeUser(t.Context(), ada, kept.Key, other.Key)
		b.must(err)
		if n != len(ended) {
			t.Fatalf("RevokeUser ended %d sessions; want %d", n, len(ended))
		}
		for _, key := range ended {
			b.fails(key, sessionstore.ErrNotFound)
		}
		b.holds(kept.Key)
		b.holds(other.Key)
	})
	t.Run("a person of the same shard keeps what is held", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		twin := ada + 1
		for sessionstore.ShardOf(twin) != sessionstore.ShardOf(ada) {
			twin++
		}
		his := b.cached(twin)
		_, err := b.cache.RevokeUser(t.Context(), ada)
		b.must(err)
		b.holds(his.Key)
	})
}

func TestSweepWithoutASweeper(t *testing.T) {
	b := newBench(t, nearcache.Options{})
	cache := nearcache.New(struct{ sessionstore.Store }{b.store}, nearcache.Options{TTL: time.Second, Now: b.clock.Now})
	_, err := cache.Lookup(t.Context(), b.stored(ada).Key)
	b.must(err)
	b.clock.Advance(time.Second)
	n, err := cache.Sweep(t.Context())
	b.must(err)
	if n != 0 || cache.Stats().Entries != 0 {
		t.Fatalf("the sweep answers %d and leaves %d; want none", n, cache.Stats().Entries)
	}
}
