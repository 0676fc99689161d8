package nearcache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

type headersKey struct{}

// unsealing is a store that opens a session's record each time it is asked.
type unsealing struct {
	sessionstore.Store
	tb     testing.TB
	sealer *sessionstore.Sealer
	made   *sessionstore.Session
	count  int64
}

// next makes a session to be asked for, and returns its key.
func (u *unsealing) next() sessionstore.Key {
	u.count++
	u.made = largeSession(u.tb, u.sealer, u.count)
	return u.made.Key
}

func (u *unsealing) Get(context.Context, sessionstore.Key) (*sessionstore.Session, error) {
	s := u.made
	u.made = nil
	return s, nil
}

func TestDerive(t *testing.T) {
	t.Run("a value is made once and then shared", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		e := b.lookup(b.stored(ada).Key)
		made := 0
		for range 3 {
			got := e.Derive(headersKey{}, func() any { made++; return e.Session.User.Email })
			if got != "person-1@example.com" {
				t.Fatalf("the value is %v", got)
			}
		}
		if made != 1 {
			t.Fatalf("the value was made %d times; want once", made)
		}
	})
	t.Run("values of different keys are kept apart", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		e := b.lookup(b.stored(ada).Key)
		for range 2 {
			for i := range 16 {
				if got := e.Derive(i, func() any { return -i }); got != -i {
					t.Fatalf("the value of %d is %v", i, got)
				}
			}
		}
	})
	t.Run("what was derived dies with its entry", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Second})
		s := b.stored(ada)
		b.lookup(s.Key).Derive(headersKey{}, func() any { return "old" })
		b.clock.Advance(time.Second)
		if got := b.lookup(s.Key).Derive(headersKey{}, func() any { return "new" }); got != "new" {
			t.Fatalf("the value is %v; want a new one", got)
		}
	})
	t.Run("no more than 16 values are kept, and the next is made each time", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		e := b.lookup(b.stored(ada).Key)
		made := 0
		for range 3 {
			for i := range 17 {
				if got := e.Derive(i, func() any { made++; return i }); got != i {
					t.Fatalf("the value of %d is %v", i, got)
				}
			}
		}
		if made != 16+3 {
			t.Fatalf("values were made %d times; want %d", made, 16+3)
		}
	})
	t.Run("callers who are the first at the same time all get the same", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		e := b.lookup(b.stored(ada).Key)
		synctest.Test(t, func(t *testing.T) {
			start, got := make(chan struct{}), make([]any, 16)
			for i := range got {
				go func() { got[i] = e.Derive(headersKey{}, func() any { <-start; return new(int) }) }()
			}
			synctest.Wait()
			close(start)
			synctest.Wait()
			for _, v := range got {
				if v != got[0] {
					t.Fatal("two callers got different values")
				}
			}
		})
	})
}

func TestNoAllocation(t *testing.T) {
	b := newBench(t, nearcache.Options{})
	s := b.cached(ada, func(s *sessionstore.Session) { s.IdleTimeout = time.Hour })
	e, now := b.lookup(s.Key), b.clock.Now()
	activity := sessionstore.NewActivity(b.cache, b.clock.Now)
	unknown := sessionstore.NewSecret(ada).Key()
	b.fails(unknown, sessionstore.ErrNotFound)
	for _, c := range []struct {
		name string
		call func()
	}{
		{"a hit", func() { b.lookup(s.Key) }},
		{"a remembered guess", func() { _, _ = b.cache.Lookup(t.Context(), unknown) }},
		{"a derived value that is there", func() { e.Derive(headersKey{}, func() any { return e.Session.User.Email }) }},
		{"activity that was noted", func() { e.Note(activity, now) }},
	} {
		t.Run(c.name+" allocates nothing", func(t *testing.T) {
			c.call()
			if n := testing.AllocsPerRun(1000, c.call); n != 0 {
				t.Fatalf("it allocates %v times", n)
			}
		})
	}
}

// counting counts the touches that reach the store.
type counting struct {
	sessionstore.Store
	touches int
}

func (c *counting) Touch(context.Context, *sessionstore.Session, time.Time) error {
	c.touches++
	return nil
}

func TestNote(t *testing.T) {
	const idle = 10*time.Minute + time.Nanosecond
	setup := func(t *testing.T, idle time.Duration) (*bench, *nearcache.Entry, func() int, func()) {
		b := newBench(t, nearcache.Options{TTL: time.Hour})
		e := b.lookup(b.stored(ada, func(s *sessionstore.Session) { s.IdleTimeout = idle }).Key)
		store := &counting{Store: b.store}
		activity := sessionstore.NewActivity(store, b.clock.Now)
		flushed := func() int {
			b.must(activity.Flush(t.Context()))
			return store.touches
		}
		return b, e, flushed, func() { e.Note(activity, b.clock.Now()) }
	}
	t.Run("activity is noted once per tenth of the idle timeout", func(t *testing.T) {
		b, e, flushed, note := setup(t, idle)
		note()
		if n := flushed(); n != 0 {
			t.Fatalf("%d touches before a tenth has passed", n)
		}
		// The clock goes to 7m30s; the session's own LastSeenAt stays where it was.
		for range 90 {
			b.clock.Advance(5 * time.Second)
			note()
			flushed()
		}
		if n := flushed(); n != 7 {
			t.Fatalf("%d touches in seven and a half tenths; want 7", n)
		}
		if !e.Session.LastSeenAt.Equal(e.Session.CreatedAt) {
			t.Fatal("the shared session was changed")
		}
	})
	t.Run("activity of a session that a clock ahead of ours has seen is noted as often", func(t *testing.T) {
		b, _, flushed, note := setup(t, idle)
		b.clock.Advance(-time.Hour)
		for range 36 { // three minutes
			note()
			flushed()
			b.clock.Advance(5 * time.Second)
		}
		if n := flushed(); n != 3 {
			t.Fatalf("%d touches in three tenths; want 3", n)
		}
	})
	t.Run("of many at the same time one notes it for all", func(t *testing.T) {
		b, _, flushed, note := setup(t, idle)
		b.clock.Advance(2 * time.Minute)
		synctest.Test(t, func(*testing.T) {
			for range 16 {
				go note()
			}
			synctest.Wait()
		})
		if n := flushed(); n != 1 {
			t.Fatalf("%d touches; want 1", n)
		}
	})
	t.Run("a session that does not idle is never noted", func(t *testing.T) {
		b, _, flushed, note := setup(t, 0)
		b.clock.Advance(11 * time.Hour)
		note()
		if n := flushed(); n != 0 {
			t.Fatalf("%d touches; want none", n)
		}
	})
	t.Run("a touched session is read anew, with its new end", func(t *testing.T) {
		b := newBench(t, nearcache.Options{TTL: time.Hour})
		s := b.cached(ada, func(s *sessionstore.Session) { s.IdleTimeout = 10 * time.Minute })
		activity := sessionstore.NewActivity(b.cache, b.clock.Now)
		b.clock.Advance(9 * time.Minute)
		b.lookup(s.Key).Note(activity, b.clock.Now())
		b.must(activity.Flush(t.Context()))
		b.clock.Advance(9 * time.Minute)
		b.lookup(s.Key)
	})
}
