package redis_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// longLife outlasts every test.
const longLife = 12 * time.Hour

// Its connections stay as they were, and nothing that is written since comes to it
// but from its primary.
func TestAServerThatBecomesAReplicaInTheMidstOfAWalkIsAnError(t *testing.T) {
	t.Parallel()
	srv, other := redistest.Start(t), redistest.Start(t)
	st := store(t, srv.URL())
	create(t, st, ada)
	port := other.Addr()[strings.LastIndex(other.Addr(), ":")+1:]
	wantAskAgain(t, interrupted(t, st, func() {
		must(t, srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", port).Err())
	}))
	must(t, srv.Client().Do(t.Context(), "replicaof", "no", "one").Err())
	if _, err := st.Count(t.Context()); err != nil {
		t.Errorf("as a primary it is %v", err)
	}
}

// Somebody between us and Redis leads new connections elsewhere, and keeps the one
// that there is.
func TestAWalkOfAnotherServerThanTheOneThatIsAskedIsAnError(t *testing.T) {
	t.Parallel()
	former, now := redistest.Start(t), redistest.Start(t)
	to, url := leading(t, former.Addr())
	create(t, store(t, url), ada)
	st := store(t, url) // it has no connection yet but that of the walk
	wantAskAgain(t, interrupted(t, st, func() { to.Store(now.Addr()) }))
}

// leading passes connections on to what is in it when they begin.
func leading(t *testing.T, first string) (to *atomic.Value, url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	to = new(atomic.Value)
	to.Store(first)
	go func() {
		for here, err := l.Accept(); err == nil; here, err = l.Accept() {
			there, err := net.Dial("tcp", to.Load().(string))
			if err != nil {
				_ = here.Close()
				continue
			}
			t.Cleanup(func() { _, _ = here.Close(), there.Close() })
			go func() { _, _ = io.Copy(here, there) }()
			go func() { _, _ = io.Copy(there, here) }()
		}
	}()
	return to, "redis://" + l.Addr().String()
}

// Nobody's request waits for a connection that a walk has.
func TestAWalkTakesNoConnectionFromThePool(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := redis.New(open(t, redis.Config{URL: srv.URL(), PoolSize: 1}), sealer(t, "a secret"), redis.Options{Timeout: patience})
	s := create(t, st, ada)
	must(t, interrupted(t, st, func() { get(t, st, s.Key) }))
	if left := keys(t, srv, "*:p:*"); len(left) > 0 {
		t.Errorf("it leaves %q behind", left)
	}
}

// A server that is full is one of which sessions may have to be ended.
func TestAServerThatIsFullIsLookedThrough(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory", "1").Err())
	if seen := everybody(t, st); !seen[s.Key] {
		t.Error("the session is not handed out")
	}
}
