package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

func TestTwoGatewaysShareSessions(t *testing.T) {
	srv := redistest.Start(t)
	one, two := store(t, srv.URL()), store(t, srv.URL())
	s := create(t, one, ada)
	if got := get(t, two, s.Key); got.User.Email != s.User.Email {
		t.Fatalf("the other gateway reads the email %q", got.User.Email)
	}
	_, err := two.Update(t.Context(), s)
	must(t, err)
	if got := get(t, one, s.Key).Version; got != 2 {
		t.Fatalf("version is %d after the other gateway's update; want 2", got)
	}
	must(t, storetest.End(t.Context(), two, s.Key))
	gone(t, one, s.Key)
}

func TestStoresWithDifferentPrefixesShareNothing(t *testing.T) {
	srv := redistest.Start(t)
	client := open(t, redis.Config{URL: srv.URL()})
	mine := redis.New(client, sealer(t, "a secret"), redis.Options{KeyPrefix: "mine:", Timeout: patience})
	yours := redis.New(client, sealer(t, "a secret"), redis.Options{KeyPrefix: "yours:", Timeout: patience})
	s := create(t, mine, ada)
	gone(t, yours, s.Key)
	if n, err := yours.RevokeUser(t.Context(), ada); n != 0 || err != nil {
		t.Fatalf("RevokeUser under another prefix ended %d, %v", n, err)
	}
	get(t, mine, s.Key)
}

func TestUpdateRacingRevokeNeverResurrects(t *testing.T) {
	srv := redistest.Start(t)
	one, two := store(t, srv.URL()), store(t, srv.URL())
	for range 200 {
		s := create(t, one, ada)
		var wg sync.WaitGroup
		for _, write := range []func() error{
			func() error { return storetest.End(t.Context(), two, s.Key) },
			func() error { _, err := one.Update(t.Context(), s); return err },
			func() error { return one.Touch(t.Context(), s, time.Now().Add(time.Second)) },
		} {
			wg.Go(func() {
				if err := write(); err != nil && !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("unexpected error: %v", err)
				}
			})
		}
		wg.Wait()
		gone(t, one, s.Key)
	}
	if left := keys(t, srv, "*"); len(left) != 0 {
		t.Fatalf("%d keys are left after all was revoked", len(left))
	}
}

func TestTimesToLive(t *testing.T) {
	tests := []struct {
		name       string
		life, idle time.Duration
		want       time.Duration
	}{
		{"a session without an idle timeout lives its whole life", 12 * time.Hour, 0, 12 * time.Hour},
		{"a session that may be idle for an hour is kept for that and the grace", 12 * time.Hour, time.Hour, time.Hour + sessionstore.Grace},
		{"a session is not kept past its whole life", 90 * time.Minute, time.Hour, 90 * time.Minute},
		{"an idle timeout does not outlast life", time.Hour, 12 * time.Hour, time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			must(t, storetest.Keep(t.Context(), st, session(ada, test.life, test.idle)))
			ttlIs(t, srv, "*:s:*", test.want)
			ttlIs(t, srv, "*:u:*", test.want)
		})
	}
	t.Run("the index lives as long as the last of its sessions", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, life := range []time.Duration{2 * time.Hour, 5 * time.Hour, time.Hour} {
			must(t, storetest.Keep(t.Context(), st, session(ada, life, 0)))
		}
		ttlIs(t, srv, "*:u:*", 5*time.Hour)
	})
	t.Run("a touch puts off the end of the session and of its index", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := session(ada, 12*time.Hour, time.Hour)
		s.LastSeenAt = s.LastSeenAt.Add(-50 * time.Minute)
		must(t, storetest.Keep(t.Context(), st, s))
		ttlIs(t, srv, "*:s:*", 10*time.Minute+sessionstore.Grace)
		must(t, st.Touch(t.Context(), s, time.Now()))
		ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
		ttlIs(t, srv, "*:u:*", time.Hour+sessionstore.Grace)
		scored(t, srv, time.Hour)
	})
	t.Run("an update leaves the end of the session where it is", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		s := create(t, st, ada)
		must(t, srv.Client().PExpire(t.Context(), only(t, srv, "*:s:*"), 10*time.Minute).Err())
		_, err := st.Update(t.Context(), s)
		must(t, err)
		ttlIs(t, srv, "*:s:*", 10*time.Minute)
	})
}

// ttlIs requires that the one key like that expires after about want.
func ttlIs(t *testing.T, srv *redistest.Server, pattern string, want time.Duration) {
	t.Helper()
	got, err := srv.Client().PTTL(t.Context(), only(t, srv, pattern)).Result()
	must(t, err)
	if got > want || got < want-time.Minute {
		t.Fatalf("%s lives for %v; want about %v", pattern, got, want)
	}
}

// scored requires that the index says that its one session expires after
// about want.
func scored(t *testing.T, srv *redistest.Server, want time.Duration) {
	t.Helper()
	index, err := srv.Client().ZRangeWithScores(t.Context(), only(t, srv, "*:u:*"), 0, -1).Result()
	must(t, err)
	if len(index) != 1 || len(index[0].Member.(string)) != 32 {
		t.Fatalf("the index holds %d sessions; want one, by its hash", len(index))
	}
	got := time.Until(time.UnixMilli(int64(index[0].Score)).Add(-sessionstore.Grace))
	if got > want+time.Second || got < want-time.Minute {
		t.Fatalf("the index says that the session lives for %v; want about %v", got, want)
	}
}

func TestClockSkewBetweenGatewaysSignsNobodyOut(t *testing.T) {
	srv := redistest.Start(t)
	client := open(t, redis.Config{URL: srv.URL()})
	at := func(skew time.Duration) *redis.Store {
		return redis.New(client, sealer(t, "a secret"), redis.Options{
			Timeout: patience, Now: func() time.Time { return time.Now().Add(skew) },
		})
	}
	right, ahead, behind := at(0), at(2*time.Hour), at(-2*time.Hour)
	s := session(ada, 12*time.Hour, time.Hour)
	must(t, storetest.Keep(t.Context(), right, s))

	t.Run("a gateway whose clock is ahead by more than the idle timeout still reads the session", func(t *testing.T) {
		get(t, ahead, s.Key)
	})
	t.Run("activity at a gateway whose clock is behind puts the end off", func(t *testing.T) {
		must(t, srv.Client().PExpire(t.Context(), only(t, srv, "*:s:*"), time.Minute).Err())
		must(t, behind.Touch(t.Context(), s, time.Now().Add(-2*time.Hour)))
		ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
		if seen := get(t, right, s.Key).LastSeenAt; seen.Before(s.LastSeenAt.Truncate(time.Millisecond)) {
			t.Fatalf("last seen moved back to %v", seen)
		}
	})
	t.Run("a moment that is yet to come keeps no session alive for longer", func(t *testing.T) {
		must(t, right.Touch(t.Context(), s, time.Now().Add(5*time.Hour)))
		ttlIs(t, srv, "*:s:*", time.Hour+sessionstore.Grace)
	})
}

func TestSessionPastItsEndIsGoneEvenWithoutTimeToLive(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	must(t, srv.Client().Persist(t.Context(), only(t, srv, "*:s:*")).Err())
	later := redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "a secret"), redis.Options{
		Timeout: patience, Now: func() time.Time { return s.ExpiresAt },
	})
	gone(t, later, s.Key)
	if _, err := later.Update(t.Context(), s); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Fatalf("Update answers %v; want ErrNotFound", err)
	}
	if err := later.Touch(t.Context(), s, s.ExpiresAt); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Fatalf("Touch answers %v; want ErrNotFound", err)
	}
	if list, err := later.List(t.Context(), ada); err != nil || len(list) != 0 {
		t.Fatalf("List has %d sessions, %v; want none", len(list), err)
	}
}

func TestExpiredSessionsLeaveRedis(t *testing.T) {
	t.Run("session, index, attempts, lease and links are gone from the server", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, storetest.Keep(t.Context(), st, session(ada, 200*time.Millisecond, 0)))
		_, err := st.Take(t.Context(), "bucket", 3, 200*time.Millisecond)
		must(t, err)
		_, err = st.Hold(t.Context(), "refresh", "one", 200*time.Millisecond)
		must(t, err)
		must(t, st.Link(t.Context(), "sub", sessionstore.NewSecret(ada).Key(), 200*time.Millisecond))
		eventually(t, "nothing is left", func() bool { return len(keys(t, srv, "*")) == 0 })
	})
	t.Run("a listing drops from the index what has gone", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		kept := create(t, st, ada)
		short := session(ada, 100*time.Millisecond, 0)
		must(t, storetest.Keep(t.Context(), st, short))
		// By the server's clock: the gateway's may be there a little earlier.
		eventually(t, "the short session has expired", func() bool { return len(keys(t, srv, "*:s:*")) == 1 })
		list, err := st.List(t.Context(), ada)
		must(t, err)
		if len(list) != 1 || list[0].Key != kept.Key {
			t.Fatalf("the list has %d sessions; want the one that lives", len(list))
		}
		scored(t, srv, time.Hour)
	})
	t.Run("a sign-in drops from the index what expired long ago", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		create(t, st, ada)
		index := only(t, srv, "*:u:*")
		ago := float64(time.Now().Add(-time.Hour).UnixMilli())
		for i := range 150 {
			must(t, srv.Client().ZAdd(t.Context(), index, goredis.Z{Score: ago, Member: fmt.Sprint(i)}).Err())
		}
		for _, want := range []int64{52, 3, 4} {
			create(t, st, ada)
			if n := srv.Client().ZCard(t.Context(), index).Val(); n != want {
				t.Fatalf("the index has %d members; want %d", n, want)
			}
		}
	})
}

func TestNothingReadableLiesInRedis(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	secret := sessionstore.NewSecret(ada)
	s := session(ada, time.Hour, 0)
	s.Key = secret.Key()
	must(t, storetest.Keep(t.Context(), st, s))
	const name = "login ada@example.com 192.0.2.77"
	_, err := st.Take(t.Context(), name, 3, time.Hour)
	must(t, err)
	_, err = st.Hold(t.Context(), name, "holder on host-7", time.Hour)
	must(t, err)
	must(t, st.Link(t.Context(), name, s.Key, time.Hour))
	_, err = st.Number(t.Context(), name)
	must(t, err)
	dump := dumpAll(t, srv)
	for _, private := range []string{
		s.User.Email, "example.com", s.Address, "chief-of", "a browser", "users", "host-7",
		secret.Encode(), string(secret[:]), string(secret[2:]), s.Key.Encode(),
	} {
		if holds(dump, private) {
			t.Errorf("%q can be read in Redis", private)
		}
	}
	if !holds(dump, "sidegate:{") {
		t.Errorf("the dump has none of the store's keys")
	}
}

// dumpAll is every key and value of the server.
func dumpAll(t *testing.T, srv *redistest.Server) string {
	t.Helper()
	var dump strings.Builder
	client := srv.Client()
	for _, key := range keys(t, srv, "*") {
		fmt.Fprintln(&dump, key)
		switch kind := client.Type(t.Context(), key).Val(); kind {
		case "string":
			fmt.Fprintln(&dump, client.Get(t.Context(), key).Val())
		case "zset":
			fmt.Fprintln(&dump, client.ZRange(t.Context(), key, 0, -1).Val())
		default:
			t.Errorf("a key is a %s", kind)
		}
	}
	return dump.String()
}

func TestCreateRefuses(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	t.Run("a key that is taken, and leaves its session alone", func(t *testing.T) {
		s := create(t, st, ada)
		if err := storetest.Keep(t.Context(), st, s); !errors.Is(err, redis.ErrTaken) {
			t.Fatalf("Create answers %v; want ErrTaken", err)
		}
		get(t, st, s.Key)
	})
	t.Run("a key that is not of the person's shard", func(t *testing.T) {
		s := session(ada, time.Hour, 0)
		s.Key.Shard++
		cannotTell(t, storetest.Keep(t.Context(), st, s))
		gone(t, st, s.Key)
	})
	t.Run("a session that has expired already", func(t *testing.T) {
		s := session(ada, -time.Second, 0)
		cannotTell(t, storetest.Keep(t.Context(), st, s))
		gone(t, st, s.Key)
	})
}

func TestScriptsSurviveAFlushOfTheScriptCache(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	must(t, srv.Client().ScriptFlush(t.Context()).Err())
	_, err := st.Update(t.Context(), s)
	must(t, err)
	must(t, storetest.End(t.Context(), st, s.Key))
	gone(t, st, s.Key)
}

func BenchmarkGet(b *testing.B) {
	srv := redistest.Start(b)
	st := store(b, srv.URL())
	s := create(b, st, ada)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Get(b.Context(), s.Key); err != nil {
			b.Fatal(err)
		}
	}
}
