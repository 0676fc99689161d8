package redis_test

import (
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestAttemptsInRedis(t *testing.T) {
	const bucket = "login 192.0.2.77"
	t.Run("a bucket lives as long as its window, from the first attempt on", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, window := range []time.Duration{time.Hour, 9 * time.Hour} {
			_, err := st.Take(t.Context(), bucket, 5, window)
			must(t, err)
			ttlIs(t, srv, "*", time.Hour)
		}
		must(t, st.Return(t.Context(), bucket))
		ttlIs(t, srv, "*", time.Hour)
	})
	t.Run("a bucket that has lost its end gets one, full or not", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		for _, limit := range []int{3, 1} {
			_, err := st.Take(t.Context(), bucket, 1, time.Hour)
			must(t, err)
			must(t, srv.Client().Persist(t.Context(), only(t, srv, "*")).Err())
			_, err = st.Take(t.Context(), bucket, limit, time.Hour)
			must(t, err)
			ttlIs(t, srv, "*", time.Hour)
		}
	})
	t.Run("to return or forget what is not there makes no bucket", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		must(t, st.Return(t.Context(), bucket))
		must(t, st.Forget(t.Context(), bucket))
		if n := len(keys(t, srv, "*")); n != 0 {
			t.Fatalf("there are %d keys; want none", n)
		}
	})
	t.Run("a refused attempt makes no bucket", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		taken, err := st.Take(t.Context(), bucket, 0, time.Hour)
		must(t, err)
		if taken.Count != 0 || taken.Wait != time.Hour || len(keys(t, srv, "*")) != 0 {
			t.Fatalf("Take answers %+v and leaves %d keys", taken, len(keys(t, srv, "*")))
		}
	})
	t.Run("a bucket that holds something else cannot tell and lets nothing pass", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		_, err := st.Take(t.Context(), bucket, 5, time.Hour)
		must(t, err)
		key, client := only(t, srv, "*"), srv.Client()
		for _, spoil := range []func() error{
			func() error { return client.Set(t.Context(), key, "not a number", 0).Err() },
			func() error { client.Del(t.Context(), key); return client.LPush(t.Context(), key, "1").Err() },
		} {
			must(t, spoil())
			_, err := st.Take(t.Context(), bucket, 5, time.Hour)
			if !errors.Is(err, sessionstore.ErrCorrupt) {
				t.Fatalf("Take answers %v; want ErrCorrupt", err)
			}
			if err := st.Return(t.Context(), bucket); !errors.Is(err, sessionstore.ErrCorrupt) {
				t.Fatalf("Return answers %v; want ErrCorrupt", err)
			}
		}
	})
}
