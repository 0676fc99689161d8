package redis_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// hold asks for the lease, and answers whether it was given.
func hold(t *testing.T, st *redis.Store, holder string, life time.Duration) bool {
	t.Helper()
	held, err := st.Hold(t.Context(), "refresh", holder, life)
	must(t, err)
	return held
}

func TestLeasesInRedis(t *testing.T) {
	t.Run("of many gateways one holds the lease", func(t *testing.T) {
		srv := redistest.Start(t)
		var held atomic.Int32
		var wg sync.WaitGroup
		for _, holder := range []string{"one", "two", "three", "four"} {
			st := store(t, srv.URL())
			for range 10 {
				wg.Go(func() {
					if hold(t, st, holder, time.Hour) {
						held.Add(1)
					}
				})
			}
		}
		wg.Wait()
		if held.Load() != 10 {
			t.Fatalf("%d asked with success; want the 10 of one holder", held.Load())
		}
	})
	t.Run("a lease lives as long as was asked for, prolonged and never cut short", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, c := range []struct{ ask, want time.Duration }{
			{time.Hour, time.Hour}, {2 * time.Hour, 2 * time.Hour}, {time.Hour, 2 * time.Hour},
		} {
			hold(t, st, "one", c.ask)
			ttlIs(t, srv, "*:h:*", c.want)
		}
		hold(t, st, "two", 9*time.Hour)
		ttlIs(t, srv, "*:h:*", 2*time.Hour)
	})
	t.Run("a lease that has lost its end gets one, whoever asks", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, holder := range []string{"one", "two"} {
			hold(t, st, "one", time.Minute)
			must(t, srv.Client().Persist(t.Context(), only(t, srv, "*:h:*")).Err())
			if held := hold(t, st, holder, time.Hour); held != (holder == "one") {
				t.Fatalf("Hold answers %s %v", holder, held)
			}
			ttlIs(t, srv, "*:h:*", time.Hour)
			must(t, st.Release(t.Context(), "refresh", "one"))
		}
	})
	t.Run("a lease that is given back or refused leaves nothing behind", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		hold(t, st, "one", time.Hour)
		must(t, st.Release(t.Context(), "refresh", "two"))
		only(t, srv, "*")
		must(t, st.Release(t.Context(), "refresh", "one"))
		must(t, st.Release(t.Context(), "refresh", "one"))
		if n := len(keys(t, srv, "*")); n != 0 {
			t.Fatalf("there are %d keys; want none", n)
		}
	})
	t.Run("a lease that holds something else cannot tell and is given to nobody", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		hold(t, st, "one", time.Hour)
		client, key := srv.Client(), only(t, srv, "*")
		client.Del(t.Context(), key)
		must(t, client.LPush(t.Context(), key, "x").Err())
		held, err := st.Hold(t.Context(), "refresh", "one", time.Hour)
		if held || !errors.Is(err, sessionstore.ErrCorrupt) {
			t.Fatalf("Hold answers %v, %v; want ErrCorrupt", held, err)
		}
		if err := st.Release(t.Context(), "refresh", "one"); !errors.Is(err, sessionstore.ErrCorrupt) {
			t.Fatalf("Release answers %v; want ErrCorrupt", err)
		}
	})
	t.Run("a server that was replaced gives no lease", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, ping(t, st))
		must(t, srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
		held, err := st.Hold(t.Context(), "refresh", "one", time.Hour)
		cannotTell(t, err)
		if held {
			t.Error("the lease is said to be held")
		}
	})
}
