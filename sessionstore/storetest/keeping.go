package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func testKeeping(t *testing.T, h Harness) {
	each(t, h, "a session that never was is not found", func(b *bench) {
		b.gone(sessionstore.NewSecret(ada).Key())
	})
	each(t, h, "a created session comes back equal, with version 1", func(b *bench) {
		b.holds(b.create(ada, nil))
	})
	each(t, h, "whatever version it was given, a new session has version 1", func(b *bench) {
		b.holds(b.create(ada, func(s *sessionstore.Session) { s.Version = 7 }))
	})
	each(t, h, "no session is created over another", func(b *bench) {
		s := b.create(ada, nil)
		other := s.Clone()
		other.User.FlatRolesList = []string{"root"}
		err := Keep(b.Context(), b.store, other)
		if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrConflict) {
			b.Fatalf("error is %v; want one that is no answer of another kind", err)
		}
		b.holds(s)
	})
	each(t, h, "times come back in UTC and to the millisecond", func(b *bench) {
		b.holds(b.create(ada, func(s *sessionstore.Session) {
			zone := time.FixedZone("elsewhere", 3*60*60)
			s.CreatedAt = s.CreatedAt.In(zone).Add(999 * time.Microsecond)
			s.ExpiresAt = s.ExpiresAt.In(zone).Add(999 * time.Microsecond)
			s.LastSeenAt = s.LastSeenAt.In(zone).Add(999 * time.Microsecond)
		}))
	})
	each(t, h, "a session with nothing in it but a person comes back with empty lists", func(b *bench) {
		want := b.create(ada, func(s *sessionstore.Session) {
			s.User = sessionstore.UserSession{ID: ada, Email: "ada@example.com"}
		})
		b.holds(want)
		if u := b.get(want.Key).User; u.Accounts == nil || u.FlatRolesList == nil || u.FlatPermissionsList == nil {
			b.Fatalf("a list is null in %+v", u)
		}
	})
	each(t, h, "the token is never kept", func(b *bench) {
		s := b.create(ada, func(s *sessionstore.Session) { s.User.Token = "a credential" })
		if got := b.get(s.Key).User.Token; got != "" {
			b.Fatalf("the store kept the token")
		}
	})
	each(t, h, "what the caller changes after Create stays with the caller", func(b *bench) {
		s := b.session(ada)
		b.must(Keep(b.Context(), b.store, s))
		want := s.Clone()
		want.Version = 1
		scribble(s)
		b.holds(want)
	})
	each(t, h, "what the caller changes after Update stays with the caller", func(b *bench) {
		s := b.create(ada, nil)
		mine := s.Clone()
		mine.User.FlatRolesList = []string{"auditor"}
		updated, err := b.store.Update(b.Context(), mine)
		b.must(err)
		want := updated.Clone()
		scribble(mine)
		b.holds(want)
	})
	each(t, h, "a session once handed out does not change under its readers", func(b *bench) {
		s := b.create(ada, nil)
		got, listed := b.get(s.Key), b.list(ada)[0]
		_, err := b.store.Update(b.Context(), &sessionstore.Session{Key: s.Key, Version: 1})
		b.must(err)
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Minute)))
		b.must(End(b.Context(), b.store, s.Key))
		b.same(got, s)
		b.same(listed, s)
	})
	each(t, h, "sessions are kept apart", func(b *bench) {
		one, two, other := b.create(ada, nil), b.create(ada, nil), b.create(grace, nil)
		b.holds(one)
		b.holds(two)
		b.holds(other)
	})
}

// scribble changes everything of the session that a store might still share.
func scribble(s *sessionstore.Session) {
	s.User.Email = "mallory@example.com"
	s.User.FlatRolesList[0] = "root"
	s.User.FlatPermissionsList[0] = "everything"
	s.User.Accounts[0].AccountAdmin = !s.User.Accounts[0].AccountAdmin
	s.User.PrimaryAccount.AccountID = "evil"
	*s.User.CreatedAt = time.Time{}
	s.ExpiresAt = s.ExpiresAt.Add(time.Hour)
	s.Attributes["department"] = "everywhere"
	s.Attributes["more"] = "of it"
}

// testContexts: a caller who has gone gets an error that is no answer, and
// nothing is done in their name.
func testContexts(t *testing.T, h Harness) {
	calls := []struct {
		name string
		call func(ctx context.Context, b *bench, s *sessionstore.Session) error
	}{
		{"Get", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			_, err := b.store.Get(ctx, s.Key)
			return err
		}},
		{"Create", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			return Keep(ctx, b.store, b.session(ada))
		}},
		{"Update", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			_, err := b.store.Update(ctx, s)
			return err
		}},
		{"Touch", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			return b.store.Touch(ctx, s, s.LastSeenAt.Add(time.Second))
		}},
		{"Revoke", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			return End(ctx, b.store, s.Key)
		}},
		{"List", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			_, err := b.store.List(ctx, ada)
			return err
		}},
		{"RevokeUser", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			_, err := b.store.RevokeUser(ctx, ada)
			return err
		}},
		{"Take", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			_, err := b.store.Take(ctx, "bucket", 1, time.Hour)
			return err
		}},
		{"Return", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			return b.store.Return(ctx, "bucket")
		}},
		{"Forget", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			return b.store.Forget(ctx, "bucket")
		}},
		{"Hold", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			held, err := b.store.Hold(ctx, "lease", "one", time.Hour)
			if held {
				b.Error("a lease is said to be held")
			}
			b.mayHold("lease", "two", time.Hour, true)
			return err
		}},
		{"Release", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			b.mayHold("lease", "one", time.Hour, true)
			err := b.store.Release(ctx, "lease", "one")
			b.mayHold("lease", "two", time.Hour, false)
			return err
		}},
		{"Link", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			err := b.store.Link(ctx, "sub", s.Key, time.Hour)
			b.linksAre("sub")
			return err
		}},
		{"Linked", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			b.link("sub", time.Hour, s.Key)
			_, err := b.store.Linked(ctx, "sub")
			return err
		}},
		{"IsLinked", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			b.link("sub", time.Hour, s.Key)
			is, err := b.store.IsLinked(ctx, "sub", s.Key)
			if is {
				b.Error("a session is said to be linked")
			}
			return err
		}},
		{"Unlink", func(ctx context.Context, b *bench, s *sessionstore.Session) error {
			b.link("sub", time.Hour, s.Key)
			err := b.store.Unlink(ctx, "sub", s.Key)
			b.linksAre("sub", s.Key)
			return err
		}},
		{"Number", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			n, err := b.store.Number(ctx, "subject")
			if n != 0 {
				b.Errorf("the number %d was given", n)
			}
			return err
		}},
		{"Numbered", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			_, err := b.store.Numbered(ctx, 1)
			return err
		}},
		{"Own", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			_, err := b.store.Own(ctx, sessionstore.Claim{Number: ada, Owner: "one", Begun: true})
			b.owns(sessionstore.Claim{Number: ada}, "")
			return err
		}},
		{"Sweep", func(ctx context.Context, b *bench, _ *sessionstore.Session) error {
			sw, ok := b.store.(sessionstore.Sweeper)
			if !ok {
				return ctx.Err() // nothing to hold to a promise
			}
			_, err := sw.Sweep(ctx)
			return err
		}},
	}
	contexts := []struct {
		name string
		make func(context.Context) (context.Context, context.CancelFunc)
	}{
		{"a cancelled context", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}},
		{"a context past its deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(1, 0))
		}},
	}
	for _, c := range contexts {
		for _, m := range calls {
			each(t, h, m.name+" with "+c.name+" cannot tell and does nothing", func(b *bench) {
				s := b.create(ada, nil)
				ctx, cancel := c.make(b.Context())
				defer cancel()
				err := m.call(ctx, b, s)
				if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrConflict) {
					b.Fatalf("error is %v; want one that is no definite answer", err)
				}
				b.holds(s)
				if n := len(b.list(ada)); n != 1 {
					b.Fatalf("the person has %d sessions; want 1", n)
				}
			})
		}
	}
}
