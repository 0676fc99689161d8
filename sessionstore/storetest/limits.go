package storetest

import (
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// createAt stores a session whose person was last seen that many seconds ago.
func (b *bench) createAt(userID int64, ago int) *sessionstore.Session {
	b.Helper()
	return b.create(userID, func(s *sessionstore.Session) {
		s.LastSeenAt = s.LastSeenAt.Add(-time.Duration(ago) * time.Second)
	})
}

// createWithin stores one more session within the limit, which must end just
// those, in any order.
func (b *bench) createWithin(userID int64, limit sessionstore.Limit, want ...*sessionstore.Session) *sessionstore.Session {
	b.Helper()
	s := b.session(userID)
	ended, err := b.store.Create(b.Context(), s, limit)
	b.must(err)
	b.endedAre(ended, want...)
	s.Version = 1
	b.holds(s)
	return s
}

// endedAre requires that just those have ended, and are told as they were; one
// that cannot be read has version 0.
func (b *bench) endedAre(ended []sessionstore.Ended, want ...*sessionstore.Session) {
	b.Helper()
	told := make(map[sessionstore.Key]*sessionstore.Session)
	for _, e := range ended {
		told[e.Key] = e.Session
	}
	if len(ended) != len(want) || len(told) != len(want) {
		b.Fatalf("%d sessions have ended, %d different ones; want %d", len(ended), len(told), len(want))
	}
	for _, w := range want {
		was, named := told[w.Key]
		if !named {
			b.Fatalf("another session has ended than the one that was last seen %v", w.LastSeenAt)
		}
		b.gone(w.Key)
		if was != nil || w.Version > 0 {
			b.same(was, w)
		}
	}
}

func testLimits(t *testing.T, h Harness) {
	three := sessionstore.Limit{Sessions: 3}
	each(t, h, "nobody has more sessions than the limit, and the longest idle ends first", func(b *bench) {
		second, first, third := b.createAt(ada, 20), b.createAt(ada, 30), b.createAt(ada, 10)
		others := b.createAt(grace, 40)
		b.createWithin(ada, three, first)
		b.createWithin(ada, three, second)
		b.createWithin(ada, three, third)
		if n := len(b.list(ada)); n != 3 {
			b.Fatalf("the list has %d sessions; want 3", n)
		}
		b.holds(others)
	})
	each(t, h, "who was active since is not idle the longest", func(b *bench) {
		active := b.create(ada, func(s *sessionstore.Session) {
			s.LastSeenAt, s.IdleTimeout = s.LastSeenAt.Add(-30*time.Second), time.Hour
		})
		idle := b.createAt(ada, 20)
		b.createAt(ada, 10)
		b.must(b.store.Touch(b.Context(), active, b.clock.Now()))
		b.createWithin(ada, three, idle)
		b.get(active.Key)
	})
	each(t, h, "a limit of one leaves the new session alone", func(b *bench) {
		one, two := b.createAt(ada, 1), b.createAt(ada, 2)
		b.createWithin(ada, sessionstore.Limit{Sessions: 1}, one, two)
	})
	each(t, h, "up to the limit nothing ends, and without one neither", func(b *bench) {
		for range 3 {
			b.createWithin(ada, three)
		}
		b.createWithin(ada, sessionstore.Limit{})
		b.createWithin(ada, sessionstore.Limit{Sessions: sessionstore.MaxLimit})
	})
	each(t, h, "who may have no more is refused, and loses nothing", func(b *bench) {
		limit := sessionstore.Limit{Sessions: 2, Refuse: true}
		one, two := b.createWithin(ada, limit), b.createWithin(ada, limit)
		refused := b.session(ada)
		ended, err := b.store.Create(b.Context(), refused, limit)
		b.wants(err, sessionstore.ErrTooMany)
		b.endedAre(ended)
		b.gone(refused.Key)
		b.holds(one)
		b.holds(two)
		b.createWithin(grace, limit)
		b.must(End(b.Context(), b.store, one.Key))
		b.createWithin(ada, limit)
	})
	for how, short := range map[string]func(b *bench) func(s *sessionstore.Session){
		"expired": func(b *bench) func(s *sessionstore.Session) {
			return func(s *sessionstore.Session) { s.ExpiresAt = s.CreatedAt.Add(b.ticks(3)) }
		},
		"ended idle": func(b *bench) func(s *sessionstore.Session) {
			return func(s *sessionstore.Session) { s.IdleTimeout = b.ticks(3) }
		},
	} {
		each(t, h, "what has "+how+" takes no room, and is not told to have ended for it", func(b *bench) {
			var ended [3]*sessionstore.Session
			for i := range ended {
				ended[i] = b.create(ada, short(b))
			}
			b.pass(3)
			for _, s := range ended {
				b.goes(s.Key)
			}
			idle := b.create(ada, nil)
			b.pass(1)
			b.createWithin(ada, three)
			b.createWithin(ada, sessionstore.Limit{Sessions: 3, Refuse: true})
			b.createWithin(ada, three, idle)
		})
	}
	each(t, h, "what a new session replaces takes no room, and nothing ends for it", func(b *bench) {
		idle, replaced := b.createAt(ada, 20), b.createAt(ada, 10)
		limit := sessionstore.Limit{Sessions: 2, Replaced: []sessionstore.Key{replaced.Key, sessionstore.NewSecret(grace).Key()}}
		refusing := limit
		refusing.Refuse = true
		b.createWithin(ada, refusing)
		b.holds(replaced)
		b.createWithin(ada, limit, idle)
		b.holds(replaced)
	})
	each(t, h, "two people whose shards are the same have room of their own", func(b *bench) {
		hers := b.createAt(ada, 10)
		b.createWithin(shardTwin(ada), sessionstore.Limit{Sessions: 1})
		b.holds(hers)
	})
	each(t, h, "no session is created over another, and none ends for that", func(b *bench) {
		s := b.createAt(ada, 10)
		if ended, err := b.store.Create(b.Context(), s, sessionstore.Limit{Sessions: 1}); err == nil || len(ended) > 0 {
			b.Fatalf("%d have ended, %v", len(ended), err)
		}
		b.holds(s)
	})
	each(t, h, "a limit that was lowered ends all that are over it", func(b *bench) {
		b.createMany(ada, 1200)
		b.create(ada, nil)
		kept := b.session(ada)
		kept.LastSeenAt = kept.LastSeenAt.Add(time.Second)
		ended, err := b.store.Create(b.Context(), kept, sessionstore.Limit{Sessions: 700})
		b.must(err)
		if n := len(b.list(ada)); n != 700 || len(ended) != 1201+1-700 {
			b.Fatalf("%d sessions are left and %d have ended; want 700 and 502", n, len(ended))
		}
		ended, err = b.store.Create(b.Context(), b.session(ada), sessionstore.Limit{Sessions: 2})
		b.must(err)
		if n := len(b.list(ada)); n != 2 || len(ended) != 699 {
			b.Fatalf("%d sessions are left and %d have ended; want 2 and 699", n, len(ended))
		}
		b.get(kept.Key)
	})
}

// testLimitRaces: the limit is exact, however many sign in at once.
func testLimitRaces(t *testing.T, h Harness) {
	const racers, most = 64, 5
	each(t, h, "of many who sign in at once as many stay as may, and each end is told once", func(b *bench) {
		old := b.createAt(ada, 3600)
		var told sync.Map
		together(racers, func(int) {
			ended, err := b.store.Create(b.Context(), b.session(ada), sessionstore.Limit{Sessions: most})
			if err != nil {
				b.Errorf("creating: %v", err)
			}
			for _, e := range ended {
				if _, again := told.LoadOrStore(e.Key, true); again {
					b.Errorf("the end of one is told twice")
				}
			}
		})
		n := 0
		told.Range(func(any, any) bool { n++; return true })
		if left := len(b.list(ada)); left != most || n != racers+1-most {
			b.Fatalf("%d sessions are left and %d have ended; want %d and %d", left, n, most, racers+1-most)
		}
		b.gone(old.Key)
	})
	each(t, h, "of many who sign in at once as many are let in as may", func(b *bench) {
		var in sync.Map
		together(racers, func(i int) {
			if _, err := b.store.Create(b.Context(), b.session(ada), sessionstore.Limit{Sessions: most, Refuse: true}); err == nil {
				in.Store(i, true)
			}
		})
		n := 0
		in.Range(func(any, any) bool { n++; return true })
		if left := len(b.list(ada)); left != most || n != most {
			b.Fatalf("%d were let in and %d sessions are there; want %d", n, left, most)
		}
	})
}

// testUnreadableLimits: for when somebody was last seen nothing need be opened.
func testUnreadableLimits(t *testing.T, h Harness) {
	if h.Rewrite == nil {
		return // this store keeps sessions as they are
	}
	for _, c := range spoilings {
		each(t, h, "a record "+c.name+" takes room, and ends in its turn", func(b *bench) {
			limit := sessionstore.Limit{Sessions: 3}
			bad, idle := b.createAt(ada, 20), b.createAt(ada, 10)
			b.create(ada, nil)
			b.rewrite(bad.Key, c.spoil)
			b.wants(b.refused(ada, 3), sessionstore.ErrTooMany)
			bad.Version = 0
			b.createWithin(ada, limit, bad)
			b.createWithin(ada, limit, idle)
		})
	}
	each(t, h, "a record that is cut short has been idle for ever", func(b *bench) {
		idle, bad := b.createAt(ada, 20), b.createAt(ada, 10)
		b.rewrite(bad.Key, func(r []byte) []byte { return r[:12] })
		bad.Version = 0
		b.createWithin(ada, sessionstore.Limit{Sessions: 2}, bad)
		b.createWithin(ada, sessionstore.Limit{Sessions: 2}, idle)
	})
}

// refused tries to create a session where so many may be.
func (b *bench) refused(userID int64, most int) error {
	_, err := b.store.Create(b.Context(), b.session(userID), sessionstore.Limit{Sessions: most, Refuse: true})
	return err
}
