package storetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func testUpdating(t *testing.T, h Harness) {
	each(t, h, "an update replaces the session and counts its version on", func(b *bench) {
		s := b.create(ada, nil)
		for version := uint64(2); version <= 4; version++ {
			s.User.FlatRolesList = append(s.User.FlatRolesList, "auditor")
			s.ChosenAccount = "globex"
			got, err := b.store.Update(b.Context(), s)
			b.must(err)
			s.Version = version
			b.same(got, s)
			b.holds(s)
		}
	})
	each(t, h, "an update replaces what a source said of the person, and takes away what it no longer says", func(b *bench) {
		s := b.create(ada, nil)
		for _, say := range []func(){
			func() {
				s.SourceSession, s.Username, s.Name, s.Kept = "sid-2", "augusta", "Augusta Ada King", "the next refresh token"
				s.Attributes = map[string]string{"department": "poetry"}
				s.BuiltAt = s.BuiltAt.Add(time.Hour)
			},
			func() {
				s.SourceSession, s.Username, s.Name, s.Kept, s.Attributes, s.BuiltAt = "", "", "", "", nil, time.Time{}
			},
		} {
			say()
			got, err := b.store.Update(b.Context(), s)
			b.must(err)
			s.Version++
			b.same(got, s)
			b.holds(s)
		}
	})
	each(t, h, "an update leaves what the caller holds alone", func(b *bench) {
		s := b.create(ada, nil)
		before := s.Clone()
		_, err := b.store.Update(b.Context(), s)
		b.must(err)
		b.same(s, before)
	})
	each(t, h, "an update from a version that has moved is a conflict", func(b *bench) {
		s := b.create(ada, nil)
		newer, err := b.store.Update(b.Context(), s)
		b.must(err)
		_, err = b.store.Update(b.Context(), s)
		b.wants(err, sessionstore.ErrConflict)
		b.holds(newer)
	})
	each(t, h, "an update from a version that is yet to come is a conflict", func(b *bench) {
		s := b.create(ada, nil)
		ahead := s.Clone()
		ahead.Version++
		_, err := b.store.Update(b.Context(), ahead)
		b.wants(err, sessionstore.ErrConflict)
		b.holds(s)
	})
	each(t, h, "an update of a session that never was is not found and makes none", func(b *bench) {
		s := b.session(ada)
		s.Version = 1
		_, err := b.store.Update(b.Context(), s)
		b.wants(err, sessionstore.ErrNotFound)
		b.gone(s.Key)
		if n := len(b.list(ada)); n != 0 {
			b.Fatalf("the person has %d sessions; want none", n)
		}
	})
	each(t, h, "an update does not bring a revoked session back", func(b *bench) {
		s := b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		_, err := b.store.Update(b.Context(), s)
		b.wants(err, sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
	each(t, h, "an update does not bring an expired session back", func(b *bench) {
		s := b.create(ada, b.lives(10, 0))
		b.pass(10)
		b.goes(s.Key)
		_, err := b.store.Update(b.Context(), s)
		b.wants(err, sessionstore.ErrNotFound)
		b.gone(s.Key)
	})
	each(t, h, "life, activity and person stay as they were created", func(b *bench) {
		s := b.create(ada, func(s *sessionstore.Session) { s.IdleTimeout = time.Hour })
		greedy := s.Clone()
		greedy.CreatedAt = s.CreatedAt.Add(time.Hour)
		greedy.ExpiresAt = s.ExpiresAt.Add(time.Hour)
		greedy.LastSeenAt = s.LastSeenAt.Add(time.Hour)
		greedy.IdleTimeout = 0
		greedy.User.ID = grace
		greedy.Method = "oidc"
		got, err := b.store.Update(b.Context(), greedy)
		b.must(err)
		s.Method, s.Version = "oidc", 2
		b.same(got, s)
		b.holds(s)
		if n := len(b.list(grace)); n != 0 {
			b.Fatalf("the session went over to another person")
		}
	})
	each(t, h, "an update keeps what was seen of the person since it was read", func(b *bench) {
		s := b.create(ada, nil)
		seen := s.LastSeenAt.Add(time.Minute)
		b.must(b.store.Touch(b.Context(), s, seen))
		got, err := b.store.Update(b.Context(), s)
		b.must(err)
		s.LastSeenAt, s.Version = seen, 2
		b.same(got, s)
		b.holds(s)
	})
	each(t, h, "an update puts the end of life off neither by itself nor by wish", func(b *bench) {
		idle, fixed := b.create(ada, b.lives(1000, 10)), b.create(ada, b.lives(10, 0))
		b.pass(6)
		for _, s := range []*sessionstore.Session{idle, fixed} {
			s.ExpiresAt = s.ExpiresAt.Add(12 * time.Hour)
			s.LastSeenAt = b.clock.Now()
			_, err := b.store.Update(b.Context(), s)
			b.must(err)
		}
		b.pass(4)
		b.goes(idle.Key)
		b.goes(fixed.Key)
	})
}

func testRacing(t *testing.T, h Harness) {
	each(t, h, "of many updates from one version exactly one wins", func(b *bench) {
		s := b.create(ada, nil)
		var won, lost atomic.Int32
		together(16, func(int) {
			switch _, err := b.store.Update(b.Context(), s); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, sessionstore.ErrConflict):
				lost.Add(1)
			default:
				b.Errorf("unexpected error: %v", err)
			}
		})
		if won.Load() != 1 || lost.Load() != 15 {
			b.Fatalf("%d won and %d lost; want 1 and 15", won.Load(), lost.Load())
		}
		s.Version = 2
		b.holds(s)
	})
	each(t, h, "a session that was revoked stays revoked whoever writes at that moment", func(b *bench) {
		for range 10 {
			s := b.create(ada, nil)
			together(17, func(i int) {
				if i == 8 {
					if err := End(b.Context(), b.store, s.Key); err != nil {
						b.Errorf("revoking: %v", err)
					}
					return
				}
				b.write(s, i%2 == 0)
			})
			b.gone(s.Key)
			if n := len(b.list(ada)); n != 0 {
				b.Fatalf("the list still has %d sessions", n)
			}
		}
	})
	each(t, h, "touches and updates at once lose neither", func(b *bench) {
		s := b.create(ada, nil)
		latest := s.LastSeenAt.Add(16 * time.Second)
		together(17, func(i int) {
			if i == 0 {
				if _, err := b.store.Update(b.Context(), s); err != nil {
					b.Errorf("updating: %v", err)
				}
				return
			}
			if err := b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Duration(i)*time.Second)); err != nil {
				b.Errorf("touching: %v", err)
			}
		})
		want := s.Clone()
		want.LastSeenAt, want.Version = latest, 2
		b.holds(want)
	})
}

// write updates or touches the session a few times, whatever becomes of it.
func (b *bench) write(s *sessionstore.Session, update bool) {
	for range 5 {
		var err error
		if update {
			var got *sessionstore.Session
			if got, err = b.store.Update(b.Context(), s); err == nil {
				s = got
			}
		} else {
			err = b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Second))
		}
		if err != nil && !errors.Is(err, sessionstore.ErrNotFound) && !errors.Is(err, sessionstore.ErrConflict) {
			b.Errorf("unexpected error: %v", err)
		}
	}
}
