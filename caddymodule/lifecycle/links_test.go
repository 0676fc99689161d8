package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// linking is a gateway on a store of which the test can tell what is left in it.
type linking struct {
	*testing.T
	*gateway
	left func() string // empty: nothing
}

// How many sessions a person may have at once.
func unlimited(*lifecycle.Config) {}
func justOne(c *lifecycle.Config) { c.MaxSessions = 1 }
func noOther(c *lifecycle.Config) { c.MaxSessions, c.RefuseBeyond = 1, true }

func newLinking(t *testing.T, store sessionstore.Store, left func() string, limit func(*lifecycle.Config)) *linking {
	t.Helper()
	return &linking{T: t, gateway: newGateway(t, store, nil, time.Now, fromSSO, limit), left: left}
}

// linkingStores are the stores, each with what is left of sessions and links.
func linkingStores(t *testing.T) map[string]func(t *testing.T) (sessionstore.Store, func() string) {
	t.Helper()
	srv := redistest.Start(t)
	byName := func(st sessionstore.Store) func() string {
		return func() string { return namedStill(t, st) }
	}
	return map[string]func(t *testing.T) (sessionstore.Store, func() string){
		"memory": func(*testing.T) (sessionstore.Store, func() string) {
			st := memory.New(nil)
			return st, byName(st)
		},
		"embedded": func(t *testing.T) (sessionstore.Store, func() string) {
			db, err := embedded.Open(filepath.Join(t.TempDir(), "sessions.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			st := embedded.New(db, storetest.NewSealer(t, 'k'), time.Now)
			return st, byName(st)
		},
		"redis": func(t *testing.T) (sessionstore.Store, func() string) {
			if err := srv.Client().FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			return redis.New(srv.Client(), storetest.NewSealer(t, 'k'), redis.Options{}), func() string {
				if keys := lastingIn(srv); len(keys) > 0 {
					return fmt.Sprintf("%d keys: %q", len(keys), keys)
				}
				return ""
			}
		},
	}
}

// lastingIn are the keys that do not end within minutes, as marks do of a sign-out.
func lastingIn(srv *redistest.Server) []string {
	ctx := context.Background()
	return slices.DeleteFunc(srv.Client().Keys(ctx, "*").Val(), func(key string) bool {
		left := srv.Client().PTTL(ctx, key).Val()
		return 0 < left && left <= 2*time.Minute
	})
}

// namedStill says which names of these tests' sessions are still known.
func namedStill(t *testing.T, st sessionstore.Store) string {
	for _, name := range []string{"sub\x00sso\x00ada-1", "sid\x00sso\x00sid-0", "sid\x00sso\x00sid-1", "sid\x00sso\x00sid-2"} {
		keys, err := st.Linked(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) > 0 {
			return fmt.Sprintf("%d links of %q", len(keys), name)
		}
	}
	return ""
}

// signsIn signs ada in at the provider, whose session is the one of that number.
func (l *linking) signsIn(sid int, presented ...sessionstore.Key) *sessionstore.Session {
	l.Helper()
	s, _, err := l.Begin(l.Context(), sso{}, &profile.Person{
		ID: 1, Email: "ada@example.com", Subject: "ada-1", SourceSession: fmt.Sprintf("sid-%d", sid),
	}, lifecycle.Arrival{Presented: presented})
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func (l *linking) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// A link that outlives its session grows the store with every sign-in, for a
// lifetime.
func TestLinksAreGoneWithTheirSession(t *testing.T) {
	stores := linkingStores(t)
	for _, c := range []struct {
		name  string
		limit func(*lifecycle.Config)
		ends  func(l *linking)
	}{
		{"when it is signed out", unlimited, func(l *linking) {
			one, two := l.signsIn(0), l.signsIn(1)
			l.must(l.End(l.Context(), one.Key))
			_, err := l.EndAll(l.Context(), []sessionstore.Key{two.Key, one.Key})
			l.must(err)
		}},
		{"when the client has gone meanwhile", unlimited, func(l *linking) {
			s := l.signsIn(0)
			ctx, leave := context.WithCancel(l.Context())
			l.ended = func(sessionstore.Key) { leave() }
			l.must(l.End(ctx, s.Key))
		}},
		{"when all others are signed out", unlimited, func(l *linking) {
			l.signsIn(0)
			l.signsIn(1)
			own := l.signsIn(2)
			l.must(l.EndOthers(l.Context(), own))
			l.must(l.End(l.Context(), own.Key))
		}},
		{"when another takes its place at a sign-in", unlimited, func(l *linking) {
			l.must(l.End(l.Context(), l.signsIn(1, l.signsIn(0).Key).Key))
		}},
		{"when it ends for a new one", justOne, func(l *linking) {
			l.signsIn(0)
			l.signsIn(1)
			l.must(l.End(l.Context(), l.signsIn(2).Key))
		}},
		{"when it was refused for being one too many", noOther, func(l *linking) {
			one := l.signsIn(0)
			_, _, err := l.Begin(l.Context(), sso{}, &profile.Person{
				ID: 1, Email: "ada@example.com", Subject: "ada-1", SourceSession: "sid-1",
			}, lifecycle.Arrival{})
			if !errors.Is(err, sessionstore.ErrTooMany) {
				l.Errorf("the second is answered with %v", err)
			}
			l.must(l.End(l.Context(), one.Key))
		}},
		{"when its login is no longer configured here", unlimited, func(l *linking) {
			s := l.signsIn(0)
			without := newGateway(l.T, l.store, nil, time.Now)
			l.must(without.End(l.Context(), s.Key))
		}},
	} {
		for name, open := range stores {
			t.Run(c.name+", in "+name, func(t *testing.T) {
				store, left := open(t)
				l := newLinking(t, store, left, c.limit)
				c.ends(l)
				if still := l.left(); still != "" {
					t.Errorf("left are %s", still)
				}
			})
		}
	}
}

// A provider that signs somebody out leaves marks of its own, which end within
// minutes; the sessions' links are gone at once.
func TestLinksAreGoneWhenTheProviderEndsTheSession(t *testing.T) {
	for name, open := range linkingStores(t) {
		for how, out := range signOuts() {
			t.Run(how+", in "+name, func(t *testing.T) {
				store, _ := open(t)
				l := newLinking(t, store, nil, unlimited)
				l.signsIn(1)
				l.must(l.EndAtSource(t.Context(), out))
				if still := namedStill(t, store); still != "" {
					t.Errorf("left are %s", still)
				}
			})
		}
	}
}

// A session of a login without a source has no names, and costs nothing more.
func TestASessionWithoutNamesEndsInOneQuestion(t *testing.T) {
	login, store := new(teller), &stepped{Store: memory.New(nil), at: func(string) error { return nil }}
	g := newGateway(t, store, login, time.Now, fromSSO)
	ada := g.settled(t, login)
	names := stepNames(store, func() {
		if err := g.End(t.Context(), ada.key); err != nil {
			t.Error(err)
		}
	})
	if len(names) != 2 { // before and after
		t.Errorf("it took %v", names)
	}
}

func TestAHundredSignOutsLeaveNothingThatLastsInRedis(t *testing.T) {
	srv := redistest.Start(t)
	count := func() int { return len(lastingIn(srv)) }
	l := newLinking(t, redis.New(srv.Client(), storetest.NewSealer(t, 'k'), redis.Options{}), nil, unlimited)
	var keys []sessionstore.Key
	for i := range 100 {
		keys = append(keys, l.signsIn(i).Key)
	}
	before := count()
	_, err := l.EndAll(t.Context(), keys)
	l.must(err)
	t.Logf("%d keys before, %d after", before, count())
	if after := count(); before < 200 || after != 0 {
		t.Errorf("there were %d keys, and %d are left; want none", before, after)
	}
}
