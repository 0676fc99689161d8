package storetest

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// walkers are the ways by which a Browser comes to a session of ada.
var walkers = []struct {
	name string
	to   func(b *bench, key sessionstore.Key) (sessionstore.Found, bool)
}{
	{"WalkUser", func(b *bench, key sessionstore.Key) (sessionstore.Found, bool) {
		f, ok := b.walksUser(ada).found[key]
		return f, ok
	}},
	{"WalkAll", func(b *bench, key sessionstore.Key) (sessionstore.Found, bool) {
		f, ok := b.walksAll().found[key]
		return f, ok
	}},
	{"FindID", func(b *bench, key sessionstore.Key) (sessionstore.Found, bool) { return b.find(key.ID()) }},
}

// testBrowsedEnded: whoever ends what they are handed out has ended it for good.
func testBrowsedEnded(t *testing.T, h Harness) {
	for _, w := range walkers {
		browsing(t, h, "what has ended idle and is kept is handed out by "+w.name+" as ended, and late activity revives nothing that then ends", func(b *bench) {
			s, rest := b.create(ada, b.lives(1000, 10)), b.create(ada, nil)
			b.pass(4)
			seen := b.clock.Now()
			b.pass(7)
			b.goes(s.Key)
			f, ok := w.to(b, s.Key)
			if !ok || !f.Ended {
				b.Fatalf("it is handed out: %v, as ended: %v", ok, f.Ended)
			}
			b.must(f.Err)
			b.same(f.Session, s)
			if f, ok := w.to(b, rest.Key); !ok || f.Ended {
				b.Fatalf("the other is handed out: %v, as ended: %v", ok, f.Ended)
			}
			b.counts(1)
			if n := len(b.list(ada)); n != 1 {
				b.Fatalf("the list has %d sessions; want the one that lives", n)
			}
			b.revokesKeys(0, f.Key)
			b.wants(b.store.Touch(b.Context(), s, seen), sessionstore.ErrNotFound)
			b.gone(s.Key)
			b.walksUser(ada).just(b, rest)
			b.walksAll().just(b, rest)
		})
		browsing(t, h, "what late activity has revived is handed out by "+w.name+" as live", func(b *bench) {
			s := b.create(ada, b.lives(1000, 10))
			b.pass(4)
			seen := b.clock.Now()
			b.pass(7)
			b.goes(s.Key)
			b.must(b.store.Touch(b.Context(), s, seen))
			if f, ok := w.to(b, s.Key); !ok || f.Ended {
				b.Fatalf("it is handed out: %v, as ended: %v", ok, f.Ended)
			}
		})
		if h.Rewrite == nil {
			continue
		}
		browsing(t, h, "what has ended idle and cannot be read is handed out by "+w.name+", and ends for good", func(b *bench) {
			s := b.create(ada, b.lives(1000, 10))
			b.rewrite(s.Key, spoilings[0].spoil)
			b.pass(4)
			seen := b.clock.Now()
			b.pass(7)
			b.eventually("it is not on the list", func() bool { _, err := b.store.List(b.Context(), ada); return err == nil })
			f, ok := w.to(b, s.Key)
			if !ok {
				b.Fatal("it is not handed out")
			}
			b.isUnreadable(f, s.Key, spoilings[0].cause)
			_, err := b.browser().RevokeFound(b.Context(), f)
			b.must(err)
			b.wants(b.store.Touch(b.Context(), s, seen), sessionstore.ErrNotFound)
			b.walksAll().just(b)
		})
	}
}

// testBrowsedLast: a session may be near its end and not have ended. A store that
// keeps others for as long cannot tell that by how long it is kept.
func testBrowsedLast(t *testing.T, h Harness) {
	if h.Rewrite == nil {
		return
	}
	for name, idle := range map[string]time.Duration{"an idle timeout": sessionstore.Grace / 2, "no idle timeout": 0} {
		browsing(t, h, "one with "+name+" that cannot be read is handed out near its end as one that may live, and ends", func(b *bench) {
			s := b.create(ada, func(s *sessionstore.Session) {
				s.ExpiresAt, s.IdleTimeout = s.CreatedAt.Add(sessionstore.Grace*5/6), idle
			})
			b.rewrite(s.Key, spoilings[0].spoil)
			for _, w := range walkers {
				f, ok := w.to(b, s.Key)
				if !ok || f.Ended {
					b.Fatalf("%s hands it out: %v, as ended: %v", w.name, ok, f.Ended)
				}
				b.isUnreadable(f, s.Key, spoilings[0].cause)
			}
			b.counts(1)
			_, err := b.store.List(b.Context(), ada)
			b.cannotRead(err, s.Key)
			b.revokesKeys(1, s.Key)
			b.gone(s.Key)
			b.walksAll().just(b)
		})
	}
}
