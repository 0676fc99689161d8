package storetest

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// lives gives a session its life and idle timeout, in ticks; idle 0 is none.
func (b *bench) lives(life, idle int) func(*sessionstore.Session) {
	return func(s *sessionstore.Session) {
		s.ExpiresAt = s.CreatedAt.Add(b.ticks(life))
		s.IdleTimeout = b.ticks(idle)
	}
}

func testTouching(t *testing.T, h Harness) {
	each(t, h, "a touch moves last seen and leaves the version alone", func(b *bench) {
		s := b.create(ada, nil)
		s.LastSeenAt = s.LastSeenAt.Add(90 * time.Second)
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt))
		b.holds(s)
	})
	each(t, h, "a touch leaves what the caller holds alone", func(b *bench) {
		s := b.create(ada, nil)
		before := s.Clone()
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Minute)))
		b.same(s, before)
	})
	each(t, h, "a touch never moves last seen back", func(b *bench) {
		s := b.create(ada, nil)
		for _, earlier := range []time.Time{s.LastSeenAt.Add(-time.Minute), time.UnixMilli(0), {}} {
			b.must(b.store.Touch(b.Context(), s, earlier))
			b.holds(s)
		}
	})
	each(t, h, "a touch by someone who read an older version counts", func(b *bench) {
		s := b.create(ada, nil)
		_, err := b.store.Update(b.Context(), s)
		b.must(err)
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Minute)))
		s.LastSeenAt, s.Version = s.LastSeenAt.Add(time.Minute), 2
		b.holds(s)
	})
	each(t, h, "a touch of a session that never was is not found and makes none", func(b *bench) {
		s := b.session(ada)
		b.wants(b.store.Touch(b.Context(), s, s.LastSeenAt), sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
	each(t, h, "a touch does not bring a revoked session back", func(b *bench) {
		s := b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		b.wants(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Minute)), sessionstore.ErrNotFound)
		b.gone(s.Key)
		if n := len(b.list(ada)); n != 0 {
			b.Fatalf("the list has %d sessions; want none", n)
		}
	})
	each(t, h, "a touch does not bring an expired session back", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.pass(10)
		b.goes(s.Key)
		b.wants(b.store.Touch(b.Context(), s, b.clock.Now()), sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
}

func testExpiring(t *testing.T, h Harness) {
	each(t, h, "a session lives until it expires and not a moment longer", func(b *bench) {
		s := b.create(ada, b.lives(10, 0))
		b.pass(7)
		b.holds(s)
		b.pass(3)
		b.goes(s.Key)
	})
	each(t, h, "an idle session ends before its life does", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.pass(7)
		b.holds(s)
		b.pass(3)
		b.goes(s.Key)
	})
	each(t, h, "a touch puts the idle timeout off", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.pass(6)
		s.LastSeenAt = b.clock.Now()
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt))
		b.pass(6)
		b.holds(s)
		b.pass(4)
		b.goes(s.Key)
	})
	each(t, h, "no touch puts the end of life off", func(b *bench) {
		s := b.create(ada, b.lives(12, 10))
		b.pass(6)
		b.must(b.store.Touch(b.Context(), s, b.clock.Now()))
		b.pass(3)
		b.must(b.store.Touch(b.Context(), s, b.clock.Now()))
		b.pass(3)
		b.goes(s.Key)
	})
	each(t, h, "a session without an idle timeout ends only with its life", func(b *bench) {
		s := b.create(ada, b.lives(1000, 0))
		b.pass(12)
		b.holds(s)
	})
	each(t, h, "a session that has expired before it was created is never handed out", func(b *bench) {
		s := b.session(ada)
		s.ExpiresAt = b.clock.Now().Add(-time.Second)
		_ = Keep(b.Context(), b.store, s) // to refuse it and to drop it are both right
		b.gone(s.Key)
		if n := len(b.list(ada)); n != 0 {
			b.Fatalf("the list has %d sessions; want none", n)
		}
	})
	each(t, h, "an expired session leaves the list and is not counted when all are revoked", func(b *bench) {
		short, long := b.create(ada, b.lives(10, 0)), b.create(ada, nil)
		b.pass(10)
		b.goes(short.Key)
		if list := b.list(ada); len(list) != 1 || list[0].Key != long.Key {
			b.Fatalf("the list has %d sessions; want the one that lives", len(list))
		}
		n, err := b.store.RevokeUser(b.Context(), ada)
		b.must(err)
		if n != 1 {
			b.Fatalf("RevokeUser ended %d sessions; want 1", n)
		}
	})
	each(t, h, "a touched session stays in the list as long as it lives", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.pass(6)
		s.LastSeenAt = b.clock.Now()
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt))
		b.pass(6)
		list := b.list(ada)
		if len(list) != 1 {
			b.Fatalf("the list has %d sessions; want 1", len(list))
		}
		b.same(list[0], s)
	})
}

// graceOver lets the time pass for which a store that is swept keeps sessions
// that have ended idle. Others forget them by themselves.
func (b *bench) graceOver() {
	if _, ok := b.store.(sessionstore.Sweeper); ok {
		b.advance(sessionstore.Grace)
	}
}

func testSweeping(t *testing.T, h Harness) {
	sweep := func(b *bench, want int) {
		b.Helper()
		sw, ok := b.store.(sessionstore.Sweeper)
		if !ok {
			return // this store drops what has expired by itself
		}
		n, err := sw.Sweep(b.Context())
		b.must(err)
		if n != want {
			b.Fatalf("the sweep removed %d sessions; want %d", n, want)
		}
	}
	each(t, h, "a sweep removes what has expired, once, and nothing else", func(b *bench) {
		b.create(ada, b.lives(10, 0))
		b.create(grace, b.lives(1000, 10))
		long := b.create(ada, nil)
		sweep(b, 0)
		b.pass(11)
		sweep(b, 1)
		sweep(b, 0)
		b.graceOver()
		sweep(b, 1)
		sweep(b, 0)
		b.holds(long)
		if n := len(b.list(ada)); n != 1 {
			b.Fatalf("the list has %d sessions; want 1", n)
		}
	})
	each(t, h, "a sweep spares a session that was touched", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.pass(6)
		s.LastSeenAt = b.clock.Now()
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt))
		b.pass(6)
		sweep(b, 0)
		b.holds(s)
		b.pass(5)
		b.graceOver()
		sweep(b, 1)
	})
	each(t, h, "a sweep does not count what was revoked", func(b *bench) {
		s := b.create(ada, b.lives(10, 0))
		b.must(End(b.Context(), b.store, s.Key))
		b.pass(11)
		sweep(b, 0)
	})
	each(t, h, "a sweep keeps the attempts whose window is open", func(b *bench) {
		for bucket, window := range map[string]int{"short": 10, "long": 1000} {
			_, err := b.store.Take(b.Context(), bucket, 9, b.ticks(window))
			b.must(err)
		}
		b.pass(11)
		sweep(b, 0)
		b.takes("long", 9, b.ticks(1000), 2)
		b.takes("short", 9, b.ticks(10), 1)
	})
	each(t, h, "a sweep keeps leases and links that have not ended, and every number", func(b *bench) {
		keys, n := b.keys(2), b.number("subject")
		b.mayHold("short", "one", b.ticks(10), true)
		b.mayHold("long", "one", b.ticks(1000), true)
		b.link("sub", b.ticks(10), keys[0])
		b.link("sub", b.ticks(1000), keys[1])
		b.pass(11)
		sweep(b, 0)
		b.comesFree("short")
		b.mayHold("long", "two", time.Hour, false)
		b.linksBecome("sub", keys[1])
		if again := b.number("subject"); again != n {
			b.Fatalf("the number is %d; it was %d", again, n)
		}
	})
	each(t, h, "a sweep removes thousands", func(b *bench) {
		sessions := 2500
		if _, ok := b.store.(sessionstore.Sweeper); !ok {
			sessions = 1
		}
		b.createMany(ada, sessions)
		if b.Advance == nil {
			b.advance(12 * time.Hour)
			sweep(b, sessions)
		}
	})
}
