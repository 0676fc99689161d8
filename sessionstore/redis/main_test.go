package redis_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// TestMain drops what go-redis logs: many tests here break connections. What
// runs in parallel waits for most of its time, for ends of life and for others
// to notice a failure: so it may be more than there are processors.
func TestMain(m *testing.M) {
	redis.LogTo(nil)
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Ada and Grace are the people of these tests.
const (
	ada   = int64(1)
	grace = int64(2)
)

func sealer(t testing.TB, secret string) *sessionstore.Sealer {
	t.Helper()
	key := sha256.Sum256([]byte(secret))
	sl, err := sessionstore.NewSealer(key[:])
	if err != nil {
		t.Fatal(err)
	}
	return sl
}

// open returns a client of that address, with time-outs that a busy machine
// keeps unless the configuration says otherwise.
func open(t testing.TB, cfg redis.Config) goredis.UniversalClient {
	t.Helper()
	if cfg.ReadTimeout == 0 {
		cfg.DialTimeout, cfg.ReadTimeout, cfg.WriteTimeout = patience, patience, patience
	}
	client, err := redis.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// patience is how long tests wait for what must come in the end.
const patience = redistest.Patience

// works waits until the store does.
func works(t testing.TB, st *redis.Store) {
	t.Helper()
	var err error
	eventually(t, "the store works", func() bool { err = ping(t, st); return err == nil }, func() string { return fmt.Sprint(err) })
}

// ping says why the store does not work; nil means that it does.
func ping(t testing.TB, st *redis.Store) error {
	if _, err := st.Get(t.Context(), sessionstore.NewSecret(ada).Key()); !errors.Is(err, sessionstore.ErrNotFound) {
		return err
	}
	return nil
}

// store returns a store on that server, with the default options but for the
// time-out.
func store(t testing.TB, url string) *redis.Store {
	t.Helper()
	return redis.New(open(t, redis.Config{URL: url}), sealer(t, "a secret"), redis.Options{Timeout: patience})
}

// session is a new session of that person.
func session(userID int64, life, idle time.Duration) *sessionstore.Session {
	now := time.Now()
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(),
		User: sessionstore.UserSession{
			ID: userID, Email: fmt.Sprintf("person-%d@example.com", userID),
			FlatRolesList: []string{"chief-of-everything"},
		},
		Method: "users", Address: "192.0.2.77", UserAgent: "a browser",
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(life), IdleTimeout: idle,
	}
}

// create stores a new session and returns it as the store holds it.
func create(t testing.TB, st *redis.Store, userID int64) *sessionstore.Session {
	t.Helper()
	s := session(userID, 12*time.Hour, time.Hour)
	must(t, storetest.Keep(t.Context(), st, s))
	return get(t, st, s.Key)
}

func get(t testing.TB, st *redis.Store, key sessionstore.Key) *sessionstore.Session {
	t.Helper()
	s, err := st.Get(t.Context(), key)
	must(t, err)
	return s
}

func gone(t testing.TB, st *redis.Store, key sessionstore.Key) {
	t.Helper()
	if _, err := st.Get(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Fatalf("Get answers %v; want ErrNotFound", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// cannotTell requires an error that is no definite answer.
func cannotTell(t testing.TB, err error) {
	t.Helper()
	if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrConflict) {
		t.Fatalf("error is %v; want one that is no definite answer", err)
	}
}

// eventually waits until a condition holds; state, where it is given, says what
// is there instead when it does not in time.
func eventually(t testing.TB, what string, holds func() bool, state ...func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			instead := ""
			for _, describe := range state {
				instead += "; instead there is " + describe()
			}
			t.Fatalf("waited %v in vain until %s%s", patience, what, instead)
		case <-tick.C:
		}
	}
}

// keys are all keys of the server with that pattern.
func keys(t testing.TB, srv *redistest.Server, pattern string) []string {
	t.Helper()
	all, err := srv.Client().Keys(t.Context(), pattern).Result()
	must(t, err)
	return all
}

// only is the one key of the server with that pattern.
func only(t testing.TB, srv *redistest.Server, pattern string) string {
	t.Helper()
	all := keys(t, srv, pattern)
	if len(all) != 1 {
		t.Fatalf("there are %d keys like %s; want 1", len(all), pattern)
	}
	return all[0]
}

// calls are all methods of a store, each with what it does to one session.
func calls() map[string]func(context.Context, *redis.Store, *sessionstore.Session) error {
	type (
		st = *redis.Store
		se = *sessionstore.Session
	)
	return map[string]func(context.Context, st, se) error{
		"Get":    func(ctx context.Context, r st, s se) error { _, err := r.Get(ctx, s.Key); return err },
		"Create": func(ctx context.Context, r st, _ se) error { return storetest.Keep(ctx, r, session(ada, time.Hour, 0)) },
		"Update": func(ctx context.Context, r st, s se) error { _, err := r.Update(ctx, s); return err },
		"Touch":  func(ctx context.Context, r st, s se) error { return r.Touch(ctx, s, time.Now()) },
		"Revoke": func(ctx context.Context, r st, s se) error { return storetest.End(ctx, r, s.Key) },
		"List":   func(ctx context.Context, r st, _ se) error { _, err := r.List(ctx, ada); return err },
		"RevokeUser": func(ctx context.Context, r st, _ se) error {
			_, err := r.RevokeUser(ctx, ada)
			return err
		},
		"WalkUser": func(ctx context.Context, r st, _ se) error {
			return r.WalkUser(ctx, ada, func([]sessionstore.Found) error { return nil })
		},
		"WalkAll": func(ctx context.Context, r st, _ se) error {
			return r.WalkAll(ctx, func([]sessionstore.Found) error { return nil })
		},
		"FindID": func(ctx context.Context, r st, s se) error { _, _, err := r.FindID(ctx, s.Key.ID()); return err },
		"Count":  func(ctx context.Context, r st, _ se) error { _, err := r.Count(ctx); return err },
		"RevokeFound": func(ctx context.Context, r st, s se) error {
			_, err := r.RevokeFound(ctx, storetest.Found(s.Key)...)
			return err
		},
		"Take": func(ctx context.Context, r st, _ se) error {
			_, err := r.Take(ctx, "ada@example.com", 3, time.Hour)
			return err
		},
		"Return": func(ctx context.Context, r st, _ se) error { return r.Return(ctx, "ada@example.com") },
		"Forget": func(ctx context.Context, r st, _ se) error { return r.Forget(ctx, "ada@example.com") },
		"Hold": func(ctx context.Context, r st, _ se) error {
			_, err := r.Hold(ctx, "refresh", "one", time.Hour)
			return err
		},
		"Release":  func(ctx context.Context, r st, _ se) error { return r.Release(ctx, "refresh", "one") },
		"Link":     func(ctx context.Context, r st, s se) error { return r.Link(ctx, "sub", s.Key, time.Hour) },
		"Linked":   func(ctx context.Context, r st, _ se) error { _, err := r.Linked(ctx, "sub"); return err },
		"IsLinked": func(ctx context.Context, r st, s se) error { _, err := r.IsLinked(ctx, "sub", s.Key); return err },
		"Unlink":   func(ctx context.Context, r st, s se) error { return r.Unlink(ctx, "sub", s.Key) },
		"Number":   func(ctx context.Context, r st, _ se) error { _, err := r.Number(ctx, "subject"); return err },
		"Numbered": func(ctx context.Context, r st, _ se) error { _, err := r.Numbered(ctx, 1); return err },
		"Own": func(ctx context.Context, r st, _ se) error {
			_, err := r.Own(ctx, sessionstore.Claim{Number: ada, Owner: "one", Begun: true})
			return err
		},
	}
}

// holds reports whether b has text in it.
func holds(b, text string) bool { return bytes.Contains([]byte(b), []byte(text)) }
