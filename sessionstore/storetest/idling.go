package storetest

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// Activity is written behind the requests, and later when the store is away:
// what counts is when somebody was seen, not when that was written.
func testLateActivity(t *testing.T, h Harness) {
	// late is a session that has ended idle, and a moment before that.
	late := func(b *bench, life int) (s *sessionstore.Session, seen time.Time) {
		s = b.create(ada, b.lives(life, 10))
		b.pass(4)
		seen = b.clock.Now()
		b.pass(7)
		b.goes(s.Key)
		return s, seen
	}
	each(t, h, "who was seen before the idle end stays, though it is written after it", func(b *bench) {
		s, seen := late(b, 1000)
		b.must(b.store.Touch(b.Context(), s, seen))
		s.LastSeenAt = seen
		b.holds(s)
		if n := len(b.list(ada)); n != 1 {
			b.Fatalf("the list has %d sessions; want the one that lives", n)
		}
		n, err := b.store.RevokeUser(b.Context(), ada)
		b.must(err)
		if n != 1 {
			b.Fatalf("RevokeUser ended %d sessions; want 1", n)
		}
		b.gone(s.Key)
	})
	each(t, h, "activity before the last that is known puts nothing off", func(b *bench) {
		s, _ := late(b, 1000)
		b.wants(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(-time.Second)), sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
	each(t, h, "late activity does not bring a session back whose life is over", func(b *bench) {
		s, seen := late(b, 12)
		b.pass(4)
		b.wants(b.store.Touch(b.Context(), s, seen), sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
	each(t, h, "late activity does not bring a revoked session back", func(b *bench) {
		for _, revoke := range []func(key sessionstore.Key) error{
			func(key sessionstore.Key) error { return End(b.Context(), b.store, key) },
			func(sessionstore.Key) error { _, err := b.store.RevokeUser(b.Context(), ada); return err },
		} {
			s, seen := late(b, 1000)
			b.must(revoke(s.Key))
			b.wants(b.store.Touch(b.Context(), s, seen), sessionstore.ErrNotFound)
			b.gone(s.Key)
		}
	})
	each(t, h, "a sweep leaves a session for activity that is written late", func(b *bench) {
		s, seen := late(b, 1000)
		if sw, ok := b.store.(sessionstore.Sweeper); ok {
			_, err := sw.Sweep(b.Context())
			b.must(err)
		}
		b.must(b.store.Touch(b.Context(), s, seen))
		s.LastSeenAt = seen
		b.holds(s)
	})
}

// beating lets n ticks pass in which the store can be written all the while.
func (b *bench) beating(n int) {
	b.Helper()
	for left := b.ticks(n); left > 0; left -= sessionstore.BeatEvery {
		b.must(b.store.Beat(b.Context()))
		b.advance(min(left, sessionstore.BeatEvery))
	}
	b.must(b.store.Beat(b.Context()))
}

// Nobody can be seen to be active while no gateway can write: that time is not
// idleness.
func testOutages(t *testing.T, h Harness) {
	each(t, h, "an outage longer than the idle timeout signs nobody out", func(b *bench) {
		b.must(b.store.Beat(b.Context()))
		s := b.create(ada, b.lives(1000, 10))
		b.pass(17)
		b.holds(s) // whoever comes first, before the next beat
		b.must(b.store.Beat(b.Context()))
		b.holds(s)
		if n := len(b.list(ada)); n != 1 {
			b.Fatalf("the list has %d sessions; want the one that lives", n)
		}
		s.LastSeenAt = b.clock.Now()
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt))
		b.holds(s)
		next, err := b.store.Update(b.Context(), s)
		b.must(err)
		b.holds(next)
	})
	each(t, h, "after an outage the rest of the idle timeout is left", func(b *bench) {
		b.must(b.store.Beat(b.Context()))
		s := b.create(ada, b.lives(1000, 10))
		b.pass(17)
		b.beating(10)
		b.gone(s.Key)
		b.wants(b.store.Touch(b.Context(), s, b.clock.Now()), sessionstore.ErrNotFound)
		if n := len(b.list(ada)); n != 0 {
			b.Fatalf("the list has %d sessions; want none", n)
		}
	})
	each(t, h, "who was idle before an outage stays out", func(b *bench) {
		s := b.create(ada, b.lives(1000, 10))
		b.beating(11)
		b.gone(s.Key)
		b.pass(17)
		b.gone(s.Key)
		b.must(b.store.Beat(b.Context()))
		b.gone(s.Key)
	})
	each(t, h, "while the store can be written idleness counts", func(b *bench) {
		idle := b.create(ada, b.lives(1000, 10))
		b.beating(6)
		active := b.create(ada, b.lives(1000, 10))
		b.beating(5)
		b.gone(idle.Key)
		b.holds(active)
	})
	each(t, h, "an outage does not put the end of life off", func(b *bench) {
		b.must(b.store.Beat(b.Context()))
		s := b.create(ada, b.lives(12, 10))
		b.pass(13)
		b.goes(s.Key)
	})
	each(t, h, "a sweep leaves those whom an outage kept from being seen", func(b *bench) {
		sw, ok := b.store.(sessionstore.Sweeper)
		if !ok {
			return
		}
		b.must(b.store.Beat(b.Context()))
		s := b.create(ada, func(s *sessionstore.Session) {
			s.ExpiresAt, s.IdleTimeout = s.CreatedAt.Add(1000*sessionstore.Grace), time.Minute
		})
		b.advance(3 * sessionstore.Grace)
		b.must(b.store.Beat(b.Context()))
		_, err := sw.Sweep(b.Context())
		b.must(err)
		b.holds(s)
	})
}
