package nearcache_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// endsIn gives a session that much life.
func endsIn(d time.Duration) func(*sessionstore.Session) {
	return func(s *sessionstore.Session) { s.ExpiresAt = s.CreatedAt.Add(d) }
}

// idlesIn gives a session that idle timeout.
func idlesIn(d time.Duration) func(*sessionstore.Session) {
	return func(s *sessionstore.Session) { s.IdleTimeout = d }
}

func TestFreshness(t *testing.T) {
	t.Run("a session is served from memory until its TTL has passed", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		b.clock.Advance(nearcache.DefaultTTL - 1)
		b.holds(s.Key)
		b.clock.Advance(1)
		b.asks(1, func() { b.lookup(s.Key) })
		b.holds(s.Key)
	})
	t.Run("a revocation elsewhere is seen after the TTL even if no message comes", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second})
		s := b.cached(ada)
		b.revokeElsewhere(s.Key)
		b.clock.Advance(time.Second)
		b.fails(s.Key, sessionstore.ErrNotFound)
	})
	t.Run("age counts from when the store was asked, not from when it answered", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second})
		b.store.after = func(context.Context, sessionstore.Key) { b.clock.Advance(600 * time.Millisecond) }
		s := b.cached(ada)
		b.store.after = nil
		b.clock.Advance(400 * time.Millisecond)
		b.asks(1, func() { b.lookup(s.Key) })
	})
	t.Run("a session is not served past its end, however long the TTL", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Hour})
		s := b.cached(ada, endsIn(time.Minute))
		b.clock.Advance(time.Minute - 1)
		b.holds(s.Key)
		b.clock.Advance(1)
		b.fails(s.Key, sessionstore.ErrNotFound)
	})
	t.Run("a session is not served past its idle end without asking", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Hour})
		s := b.cached(ada, idlesIn(time.Minute))
		b.must(b.store.Store.Touch(t.Context(), s, b.clock.Now().Add(30*time.Second)))
		b.clock.Advance(time.Minute)
		b.asks(1, func() { b.lookup(s.Key) })
		b.clock.Advance(30 * time.Second)
		b.fails(s.Key, sessionstore.ErrNotFound)
	})
	t.Run("a session that has ended only by the local clock is the store's to judge each time", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada, endsIn(time.Minute))
		b.clock.Advance(nearcache.DefaultTTL)
		// The store answers, and then the clock jumps past the end.
		b.store.after = func(context.Context, sessionstore.Key) { b.clock.Advance(time.Hour) }
		b.asks(1, func() { b.lookup(s.Key) })
		if n := b.cache.Stats().Entries; n != 0 {
			t.Fatalf("%d sessions are held", n)
		}
		b.asks(1, func() { b.fails(s.Key, sessionstore.ErrNotFound) })
	})
	t.Run("a clock that was set back makes nothing live longer", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		b.clock.Advance(-time.Hour)
		b.asks(1, func() { b.lookup(s.Key) })
	})
	t.Run("a hit asks nothing of its context, but Get keeps the store's contract", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.cached(ada)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.cache.Lookup(ctx, s.Key); err != nil {
			t.Fatalf("Lookup answers %v", err)
		}
		if _, err := b.cache.Get(ctx, s.Key); err == nil {
			t.Fatal("Get answers one who has gone")
		}
	})
	t.Run("what was only read is never written back", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second, Entries: 1})
		b.store.writing = func() { t.Error("the store was written to") }
		for range 3 {
			for range 3 {
				b.cached(ada)
			}
			b.clock.Advance(time.Minute)
			_, err := b.cache.Sweep(t.Context())
			b.must(err)
			b.cache.Clear()
		}
	})
}

func TestUnknown(t *testing.T) {
	guess := sessionstore.NewSecret(ada).Key()
	t.Run("there is none is remembered for a moment", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		b.asks(1, func() { b.fails(guess, sessionstore.ErrNotFound) })
		b.clock.Advance(nearcache.DefaultUnknown - 1)
		b.asks(0, func() { b.fails(guess, sessionstore.ErrNotFound) })
		b.clock.Advance(1)
		b.asks(1, func() { b.fails(guess, sessionstore.ErrNotFound) })
	})
	t.Run("it is not remembered when that is turned off", func(t *testing.T) {
		b := newBench(t, nearcache.Options{Unknown: -1})
		b.asks(2, func() {
			b.fails(guess, sessionstore.ErrNotFound)
			b.fails(guess, sessionstore.ErrNotFound)
		})
	})
	t.Run("a session that was created is found at once", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.session(ada)
		b.fails(s.Key, sessionstore.ErrNotFound)
		b.must(storetest.Keep(t.Context(), b.cache, s))
		b.lookup(s.Key)
	})
	t.Run("the store hears whether a key is a guess", func(t *testing.T) {
		b := newBench(t, nearcache.Options{Unknown: -1})
		var guessed []bool
		b.store.before = func(ctx context.Context, _ sessionstore.Key) { guessed = append(guessed, sessionstore.IsGuess(ctx)) }
		for _, ctx := range []context.Context{t.Context(), sessionstore.Guess(t.Context())} {
			_, _ = b.cache.Lookup(ctx, guess)
		}
		if !slices.Equal(guessed, []bool{false, true}) {
			t.Errorf("it heard %v", guessed)
		}
	})
	t.Run("a flood of guesses evicts no session and is bounded itself", func(t *testing.T) {
		b := newBench(t, nearcache.Options{Entries: 10})
		var keys []sessionstore.Key
		for range 10 {
			keys = append(keys, b.cached(ada).Key)
		}
		guesses := make([]sessionstore.Key, 30_000)
		guess := func() {
			for _, key := range guesses {
				_, _ = b.cache.Lookup(t.Context(), key)
			}
		}
		for i := range guesses {
			guesses[i] = sessionstore.NewSecret(grace).Key()
		}
		guess()
		for _, key := range keys {
			b.holds(key)
		}
		b.asks(0, func() { b.fails(guesses[len(guesses)-1], sessionstore.ErrNotFound) })
		before := b.store.asked.Load()
		guess()
		if asked := b.store.asked.Load() - before; asked < int64(len(guesses)-256*64) {
			t.Fatalf("of %d guesses that came again %d were asked for: too many are remembered", len(guesses), asked)
		}
	})
}

func TestCannotTell(t *testing.T) {
	t.Run("cannot tell is never remembered", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s := b.stored(ada)
		b.store.down.Store(true)
		b.asks(2, func() {
			b.fails(s.Key, errDown)
			b.fails(s.Key, errDown)
		})
		b.store.down.Store(false)
		b.lookup(s.Key)
	})
	t.Run("without the opt-in nothing stale is served", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second})
		s := b.cached(ada)
		b.store.down.Store(true)
		b.holds(s.Key)
		b.clock.Advance(time.Second)
		b.fails(s.Key, errDown)
	})
}

func TestStale(t *testing.T) {
	stale := nearcache.Options{TTL: time.Second, Stale: time.Minute}
	t.Run("a stale session is served while the store cannot tell, and no longer than allowed", func(t *testing.T) {
		b := newBench(t, stale)
		s := b.cached(ada)
		b.store.down.Store(true)
		b.clock.Advance(time.Minute + time.Second - 1)
		b.asks(1, func() { b.lookup(s.Key) })
		if got := b.cache.Stats().Stale; got != 1 {
			t.Fatalf("%d stale sessions counted; want 1", got)
		}
		b.clock.Advance(1)
		b.fails(s.Key, errDown)
	})
	t.Run("who would rather not know than be told what is doubted is told neither what is stale nor what may have been missed", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Hour, Stale: time.Minute})
		s := b.cached(ada)
		b.store.down.Store(true)
		if _, err := b.cache.LookupSure(t.Context(), s.Key); err != nil {
			t.Fatalf("of a session that nobody doubts: %v", err)
		}
		b.cache.Missed()
		b.lookup(s.Key)
		if _, err := b.cache.LookupSure(t.Context(), s.Key); !errors.Is(err, errDown) {
			t.Fatalf("while the store is away: %v; want %v", err, errDown)
		}
		b.store.down.Store(false)
		if _, err := b.cache.LookupSure(t.Context(), s.Key); err != nil {
			t.Fatalf("once the store is back: %v", err)
		}
	})
	t.Run("a stale session is never served against there is none, then or later", func(t *testing.T) {
		b := newBench(t, stale)
		s := b.cached(ada)
		b.revokeElsewhere(s.Key)
		b.clock.Advance(2 * time.Second)
		b.fails(s.Key, sessionstore.ErrNotFound)
		b.store.down.Store(true)
		b.clock.Advance(2 * time.Second)
		b.fails(s.Key, errDown)
	})
	t.Run("a stale session is never served past its own end", func(t *testing.T) {
		b := newBench(t, stale)
		absolute, idle := b.cached(ada, endsIn(10*time.Second)), b.cached(ada, idlesIn(10*time.Second))
		b.store.down.Store(true)
		b.clock.Advance(10 * time.Second)
		b.fails(absolute.Key, errDown)
		b.fails(idle.Key, errDown)
	})
	// Nobody who is active goes idle while the store is away.
	t.Run("activity puts the idle end of a stale session off, though it cannot be written", func(t *testing.T) {
		b := newBench(t, stale)
		s := b.cached(ada, idlesIn(10*time.Second))
		activity := sessionstore.NewActivity(b.cache, b.clock.Now)
		b.store.down.Store(true)
		for range 60 {
			b.clock.Advance(time.Second)
			b.lookup(s.Key).Note(activity, b.clock.Now())
			if err := activity.Flush(t.Context()); err != nil && !errors.Is(err, errDown) {
				t.Fatal(err)
			}
		}
		b.clock.Advance(time.Second) // Stale is over
		b.fails(s.Key, errDown)
	})
	t.Run("activity does not put the end of a stale session's life off", func(t *testing.T) {
		b := newBench(t, stale)
		s := b.cached(ada, idlesIn(10*time.Second), endsIn(15*time.Second))
		activity := sessionstore.NewActivity(b.cache, b.clock.Now)
		b.store.down.Store(true)
		for range 14 {
			b.clock.Advance(time.Second)
			b.lookup(s.Key).Note(activity, b.clock.Now())
		}
		b.clock.Advance(time.Second)
		b.fails(s.Key, errDown)
	})
	t.Run("a session that was revoked here is never served stale", func(t *testing.T) {
		b := newBench(t, stale)
		s, all := b.cached(ada), b.cached(grace)
		b.must(storetest.End(t.Context(), b.cache, s.Key))
		_, err := b.cache.RevokeUser(t.Context(), grace)
		b.must(err)
		b.store.down.Store(true)
		b.fails(s.Key, errDown)
		b.fails(all.Key, errDown)
	})
	t.Run("a stale session is served as it is vouched for by now", func(t *testing.T) {
		opts, now := stale, func(s *sessionstore.Session) (*sessionstore.Session, error) { return s, nil }
		opts.Vouch = func(s *sessionstore.Session) (*sessionstore.Session, error) { return now(s) }
		b := newBench(t, opts)
		s := b.cached(ada)
		b.store.down.Store(true)
		b.clock.Advance(2 * time.Second)
		b.lookup(s.Key)
		now = func(s *sessionstore.Session) (*sessionstore.Session, error) {
			view := *s
			view.Name, view.View = "by another name", &sessionstore.View{Of: s}
			return &view, nil
		}
		if e, err := b.cache.Lookup(t.Context(), s.Key); err != nil || e.Session.Name != "by another name" {
			t.Fatalf("served is %+v, %v", e, err)
		}
		for _, refused := range []error{sessionstore.ErrNotFound, sessionstore.ErrNotHere} {
			now = func(*sessionstore.Session) (*sessionstore.Session, error) { return nil, refused }
			b.fails(s.Key, refused)
		}
	})
	t.Run("one who has gone is not answered with a stale session", func(t *testing.T) {
		b := newBench(t, stale)
		s := b.cached(ada)
		b.clock.Advance(2 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.cache.Lookup(ctx, s.Key); err == nil {
			t.Fatal("a stale session was served")
		}
	})
}

func TestRoom(t *testing.T) {
	t.Run("no more sessions are held than there is room for, and the newest stays", func(t *testing.T) {
		for _, room := range []int{1, 10, 1000} {
			b := newBench(t, nearcache.Options{Entries: room})
			for range room + 500 {
				b.clock.Advance(time.Millisecond)
				b.holds(b.cached(ada).Key)
			}
			if s := b.cache.Stats(); s.Entries != room || s.Evicted != 500 {
				t.Fatalf("%d sessions are held and %d were evicted; want %d and 500", s.Entries, s.Evicted, room)
			}
		}
	})
	t.Run("the oldest are the first to go", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Hour, Entries: 2000})
		var keys []sessionstore.Key
		for range 3000 {
			b.clock.Advance(time.Millisecond)
			keys = append(keys, b.cached(ada).Key)
		}
		// A sample of five among eight: chance may take a few of the newer half.
		b.store.down.Store(true)
		kept := 0
		for _, key := range keys[2000:] {
			if _, err := b.cache.Lookup(t.Context(), key); err == nil {
				kept++
			}
		}
		if kept < 900 {
			t.Fatalf("of the newest 1000 sessions %d are held", kept)
		}
	})
	t.Run("a sweep gives back what can no longer be served", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second, Stale: time.Minute})
		short, long := b.cached(ada, endsIn(10*time.Second)), b.cached(ada)
		b.clock.Advance(10 * time.Second)
		n, err := b.cache.Sweep(t.Context())
		b.must(err)
		if n != 1 {
			t.Fatalf("the sweep answers %d; want what the store has swept, 1", n)
		}
		if s := b.cache.Stats(); s.Entries != 1 {
			t.Fatalf("%d sessions are held; want 1", s.Entries)
		}
		b.fails(short.Key, sessionstore.ErrNotFound)
		b.store.down.Store(true)
		b.lookup(long.Key)
	})
}

func TestStats(t *testing.T) {
	b := newBench(t, nearcache.Options{Entries: 2})
	s := b.cached(ada)
	b.lookup(s.Key)
	b.lookup(s.Key)
	guess := sessionstore.NewSecret(ada).Key()
	b.fails(guess, sessionstore.ErrNotFound)
	b.fails(guess, sessionstore.ErrNotFound)
	b.cached(grace)
	b.cached(grace)
	want := nearcache.Stats{Hits: 2, Unknown: 1, Misses: 4, Evicted: 1, Entries: 2}
	if got := b.cache.Stats(); got != want {
		t.Fatalf("the cache has counted %+v; want %+v", got, want)
	}
	b.cache.Clear()
	if got := b.cache.Stats().Entries; got != 0 {
		t.Fatalf("%d sessions are held after Clear", got)
	}
}
