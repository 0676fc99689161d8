package redis_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// long reports whether there is time for many rounds.
func long() bool { return os.Getenv("SIDEGATE_LONG") == "1" }

// rounds is how often a test of faults does its worst: once, or as often as
// that when there is time.
func rounds(many int) int {
	if long() {
		return many
	}
	return 1
}

// The suite really waits here: it runs beside other tests that do.
func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	contract(t, redis.Config{URL: srv.URL()}, srv)
}

// contract runs the suite; clock is a server whose clock is theirs.
func contract(t *testing.T, cfg redis.Config, clock *redistest.Server) {
	t.Helper()
	client, inside := open(t, cfg), clock.Client()
	var stores atomic.Int32
	var prefixes sync.Map // of each store, for they are tested side by side
	storetest.Run(t, storetest.Harness{
		// Each store has a prefix of its own on the one server.
		Open: func(t *testing.T, clock *storetest.Clock) sessionstore.Store {
			prefix := fmt.Sprintf("sidegate:test%d:", stores.Add(1))
			st := redis.New(client, sealer(t, "a secret"), redis.Options{KeyPrefix: prefix, Timeout: patience, Now: clock.Now})
			prefixes.Store(sessionstore.Store(st), prefix)
			return st
		},
		Rewrite: func(t *testing.T, st sessionstore.Store, key sessionstore.Key, edit func([]byte) []byte) {
			prefix, _ := prefixes.Load(st)
			at := recordAt(prefix.(string), key)
			record, err := client.Get(t.Context(), at).Bytes()
			must(t, err)
			must(t, client.Set(t.Context(), at, edit(record), goredis.KeepTTL).Err())
		},
		// What expires does so by the server's clock, once the last millisecond
		// of its life is over: so that is waited for.
		Advance: func(clock *storetest.Clock, d time.Duration) {
			start, err := inside.Time(t.Context()).Result()
			must(t, err)
			eventually(t, "the server's clock has moved on", func() bool {
				now, err := inside.Time(t.Context()).Result()
				return err == nil && now.Sub(start) >= d+2*time.Millisecond
			})
			clock.Advance(d)
		},
		Tick: 400 * time.Millisecond,
	})
}

// recordAt is the key of Redis at which a session's record is kept.
func recordAt(prefix string, key sessionstore.Key) string {
	return fmt.Sprintf("%s{%04x}:s:%s", prefix, key.Shard, base64.RawURLEncoding.EncodeToString(key.Hash[:]))
}

// leastACL is what a user of Redis must be allowed: see the README.
var leastACL = []string{"~sidegate:*", "&sidegate:*", "+@all", "-@admin", "-@dangerous"}

// Each way to reach Redis keeps the main parts of the contract, and all of it
// when there is time.
func TestEveryWayToRedisKeepsTheContract(t *testing.T) {
	acl := redistest.ACLUser("sidegate", "correct horse", leastACL...)
	for name, reach := range map[string]func(*testing.T) (redis.Config, *redistest.Server){
		"TLS with a client's certificate": func(t *testing.T) (redis.Config, *redistest.Server) {
			srv := redistest.Start(t, redistest.TLS())
			return redis.Config{URL: srv.URL(), TLS: tlsOf(t, srv, "")}, srv
		},
		"a user of the ACL": func(t *testing.T) (redis.Config, *redistest.Server) {
			srv := redistest.Start(t, acl)
			return redis.Config{URL: srv.URL()}, srv
		},
		"a unix socket, with a password": func(t *testing.T) (redis.Config, *redistest.Server) {
			srv := redistest.Start(t, redistest.UnixSocket(), redistest.Password("p@ss"))
			return redis.Config{URL: srv.URL()}, srv
		},
		"sentinels, and a user of the ACL": func(t *testing.T) (redis.Config, *redistest.Server) {
			g := redistest.StartSentinel(t, acl)
			return redis.Config{
				URL: g.URL(), Sentinel: redistest.PrimaryName, Username: "sidegate", Password: "correct horse",
			}, g.Primary()
		},
		"a cluster of six": func(t *testing.T) (redis.Config, *redistest.Server) {
			n := redistest.StartCluster(t)
			return redis.Config{URL: n.URL(), Cluster: true}, n.Primaries()[0]
		},
		"a cluster of one, and a user of the ACL": func(t *testing.T) (redis.Config, *redistest.Server) {
			srv := redistest.Start(t, redistest.Cluster(), acl)
			return redis.Config{URL: "redis://" + srv.Addr(), Cluster: true, Username: "sidegate", Password: "correct horse"}, srv
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, srv := reach(t)
			everyMethodWorks(t, redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience}))
			if long() {
				contract(t, cfg, srv)
			}
		})
	}
}

// everyMethodWorks also ends more sessions than fit on a page, at once and for
// one that is new.
func everyMethodWorks(t *testing.T, st *redis.Store) {
	t.Helper()
	for name, call := range calls() {
		t.Run(name, func(t *testing.T) {
			must(t, call(t.Context(), st, create(t, st, ada)))
		})
	}
	kept := create(t, st, ada)
	createMany(t, st, ada, 600)
	list, err := st.List(t.Context(), ada)
	must(t, err)
	if n, err := st.RevokeUser(t.Context(), ada, kept.Key); n != len(list)-1 || err != nil || n < 600 {
		t.Fatalf("RevokeUser ended %d of %d, %v; want all but one", n, len(list), err)
	}
	list, err = st.List(t.Context(), ada)
	must(t, err)
	if len(list) != 1 || list[0].Key != kept.Key {
		t.Fatalf("%d sessions are left; want the one that was excepted", len(list))
	}
	createMany(t, st, ada, 600)
	createWithin(t, st, sessionstore.Limit{Sessions: 10})
	if list, err = st.List(t.Context(), ada); err != nil || len(list) != 10 {
		t.Fatalf("%d sessions are left, %v; want as many as there may be", len(list), err)
	}
	for _, s := range list {
		must(t, storetest.End(t.Context(), st, s.Key))
		gone(t, st, s.Key)
	}
}

// A cluster refuses a script whose keys lie in two slots.
func TestEveryMethodKeepsToOneSlot(t *testing.T) {
	srv := redistest.Start(t, redistest.Cluster())
	everyMethodWorks(t, store(t, srv.URL()))
	if left := keys(t, srv, "*:s:*"); len(left) != 0 {
		t.Fatalf("%d sessions are left", len(left))
	}
}
