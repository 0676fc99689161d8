package redis_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// The suite really waits here: it runs beside other tests that do.
func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	client, inside := open(t, redis.Config{URL: srv.URL()}), srv.Client()
	stores := 0
	storetest.Run(t, storetest.Harness{
		// Each store has a prefix of its own on the one server.
		Open: func(t *testing.T, clock *storetest.Clock) sessionstore.Store {
			stores++
			return redis.New(client, sealer(t, "a secret"), redis.Options{
				KeyPrefix: fmt.Sprintf("test%d:", stores), Timeout: patience, Now: clock.Now,
			})
		},
		// What expires does so by the server's clock: so that is waited for.
		Advance: func(clock *storetest.Clock, d time.Duration) {
			start, err := inside.Time(t.Context()).Result()
			must(t, err)
			eventually(t, "the server's clock has moved on", func() bool {
				now, err := inside.Time(t.Context()).Result()
				return err == nil && now.Sub(start) >= d
			})
			clock.Advance(d)
		},
		Tick: 200 * time.Millisecond,
	})
}

// A cluster refuses a script whose keys lie in two slots.
func TestEveryMethodWorksInACluster(t *testing.T) {
	srv := redistest.Start(t, redistest.Cluster())
	st := store(t, srv.URL())
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			must(t, call(t.Context(), st, create(t, st, ada)))
		})
	}
	createMany(t, st, ada, 1200)
	if _, err := st.RevokeUser(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if left := keys(t, srv, "*:s:*"); len(left) != 0 {
		t.Fatalf("%d sessions are left", len(left))
	}
}
