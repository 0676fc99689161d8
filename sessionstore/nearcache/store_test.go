package nearcache_test

import (
	"errors"
	"testing"
	"testing/synctest"
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
		if name == "Touch" {
			continue // takes no right away: see TestTouch
		}
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

// A touch takes no right away. What is held is all that there is of somebody who
// is active while the store is away.
func TestTouch(t *testing.T) {
	touch := writes["Touch"]
	t.Run("a session is served while its activity is written", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		b.store.writing = func() { b.holds(s.Key) }
		b.must(touch(b, s))
	})
	t.Run("a touch that failed leaves what is held", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		b.store.down.Store(true)
		if err := touch(b, s); !errors.Is(err, errDown) {
			t.Fatalf("error is %v; want the store's", err)
		}
		b.holds(s.Key)
	})
	t.Run("once it is written the store is asked for the new end", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		b.must(touch(b, s))
		b.asks(1, func() {
			if got := b.lookup(s.Key).Session.LastSeenAt; !got.After(s.LastSeenAt) {
				t.Errorf("last seen is %v, as it was before", got)
			}
		})
	})
	t.Run("and what is held is good when it cannot be asked, to the end of its time", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second})
		s := b.cached(ada)
		b.must(touch(b, s))
		b.store.down.Store(true)
		b.clock.Advance(time.Second - 1)
		b.asks(1, func() { b.lookup(s.Key) })
		b.clock.Advance(1)
		b.fails(s.Key, errDown)
	})
	t.Run("a look-up that began before the touch is not remembered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s, release := b.stored(ada), b.stops()
			early := b.begins(t.Context(), s.Key)
			b.must(touch(b, s))
			release()
			b.must((<-early).err)
			b.asks(1, func() { b.lookup(s.Key) })
		})
	})
	t.Run("a session that is gone is forgotten, though its message was lost", func(t *testing.T) {
		b := newBench(t, nearcache.Options{Stale: time.Hour})
		s := b.cached(ada)
		b.revokeElsewhere(s.Key)
		if err := touch(b, s); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("error is %v; want ErrNotFound", err)
		}
		b.store.down.Store(true)
		b.fails(s.Key, errDown)
	})
	t.Run("a touch brings nothing back that was revoked meanwhile", func(t *testing.T) {
		b := newBench(t, nearcache.Options{Stale: time.Hour})
		s := b.cached(ada)
		b.store.writing = func() {
			b.store.writing = nil
			b.must(storetest.End(t.Context(), b.cache, s.Key))
		}
		if err := touch(b, s); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("error is %v; want ErrNotFound", err)
		}
		b.store.down.Store(true)
		b.fails(s.Key, errDown)
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
