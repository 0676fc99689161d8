package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// load is people who use their sessions all the time.
type load struct {
	sessions []*sessionstore.Session
	stop     context.CancelFunc
	wg       sync.WaitGroup

	served, failed, gone, wrong atomic.Int64
	// lastFailure is when a look-up last failed, in nanoseconds since 1970.
	lastFailure atomic.Int64
}

// underLoad signs people in and has them use their sessions until end.
func underLoad(t *testing.T, st *redis.Store, people int64) *load {
	t.Helper()
	l := new(load)
	for id := range people {
		l.sessions = append(l.sessions, create(t, st, id+1))
	}
	ctx, stop := context.WithCancel(t.Context())
	l.stop = stop
	for worker := range 4 {
		l.wg.Go(func() {
			for i := worker; ctx.Err() == nil; i++ {
				l.use(ctx, st, l.sessions[i%len(l.sessions)])
			}
		})
	}
	t.Cleanup(func() { stop(); l.wg.Wait() })
	return l
}

func (l *load) use(ctx context.Context, st *redis.Store, s *sessionstore.Session) {
	got, err := st.Get(ctx, s.Key)
	switch {
	case err == nil && got.User.ID == s.User.ID:
		l.served.Add(1)
	case err == nil:
		l.wrong.Add(1)
	case errors.Is(err, sessionstore.ErrNotFound):
		l.gone.Add(1)
	default:
		l.failed.Add(1)
		l.lastFailure.Store(time.Now().UnixNano())
	}
}

// recovers waits until each of the sessions is served again.
func (l *load) recovers(t *testing.T, st *redis.Store) {
	t.Helper()
	for _, s := range l.sessions {
		var err error
		eventually(t, "every session is served again", func() bool {
			_, err = st.Get(t.Context(), s.Key)
			return err == nil
		}, func() string { return fmt.Sprint(err) })
	}
}

// end demands that nobody was signed out or taken for somebody else.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.wg.Wait()
	if l.gone.Load() != 0 || l.wrong.Load() != 0 {
		t.Errorf("%d sessions were said to be gone, %d were somebody else's; want none", l.gone.Load(), l.wrong.Load())
	}
	if l.served.Load() == 0 {
		t.Error("nobody was served")
	}
	t.Logf("%d served, %d told to come again", l.served.Load(), l.failed.Load())
}

// bySentinel is a store behind sentinels.
func bySentinel(t *testing.T, g *redistest.Sentinel, opts redis.Options) *redis.Store {
	t.Helper()
	opts.Timeout = patience
	return redis.New(open(t, redis.Config{URL: g.URL(), Sentinel: redistest.PrimaryName}), sealer(t, "a secret"), opts)
}

// replicated waits until the replica has all that the primary has; slot is the
// beginning of a key that the primary may write.
func replicated(t *testing.T, primary *redistest.Server, slot string) {
	t.Helper()
	conn := primary.Client().Conn()
	defer conn.Close()
	// WAIT speaks of what its connection has done.
	must(t, conn.Set(t.Context(), slot+"test", "x", time.Minute).Err())
	n, err := conn.Wait(t.Context(), 1, patience).Result()
	if n < 1 || err != nil {
		t.Fatalf("%d replicas have it, %v; want 1", n, err)
	}
}

func TestAFailoverBySentinelsSignsNobodyOut(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	st := bySentinel(t, g, redis.Options{})
	l := underLoad(t, st, 20)
	for round := range rounds(20) {
		if round > 0 {
			g.Rejoin(g.Replica())
		}
		former := g.Primary()
		replicated(t, former, "sidegate:")
		killed := time.Now()
		former.Kill()
		g.AwaitFailover(former)
		l.recovers(t, st)
		if last := l.lastFailure.Load(); last != 0 {
			t.Logf("failover %d: errors for %v", round+1, time.Unix(0, last).Sub(killed).Round(time.Millisecond))
		}
	}
	l.end(t)
	s := create(t, st, ada)
	must(t, storetest.End(t.Context(), st, s.Key))
	gone(t, st, s.Key)
}

// The connections that a gateway holds may be to a server that is the primary
// no more, and that knows nothing of sessions created since.
func TestAServerThatWasReplacedDoesNotSayNone(t *testing.T) {
	primary := redistest.Start(t)
	replaced := redistest.Start(t)
	st := store(t, replaced.URL())
	must(t, ping(t, st))
	s := create(t, store(t, primary.URL()), ada)
	// Its primary does not answer: the data never arrive.
	must(t, replaced.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
	_, err := st.Get(t.Context(), s.Key)
	cannotTell(t, err)
	t.Run("nor that a person has none", func(t *testing.T) {
		ends := calls()
		for _, name := range []string{"List", "WalkUser", "RevokeUser", "WalkAll", "Count"} {
			cannotTell(t, ends[name](t.Context(), st, s))
		}
	})
	t.Run("nor that a person has none but the one that is kept", func(t *testing.T) {
		replaced := redistest.Start(t)
		st := store(t, replaced.URL())
		s := create(t, st, ada)
		must(t, replaced.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
		_, err := st.RevokeUser(t.Context(), ada, s.Key)
		cannotTell(t, err)
	})
	t.Run("nor that one has ended idle", func(t *testing.T) {
		replaced := redistest.Start(t)
		st := store(t, replaced.URL())
		s := create(t, st, ada)
		endIdle(t, replaced, 5*time.Minute)
		gone(t, st, s.Key)
		must(t, replaced.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
		_, err := st.Get(t.Context(), s.Key)
		cannotTell(t, err)
		if list, err := st.List(t.Context(), ada); err == nil {
			t.Errorf("List answers %d sessions", len(list))
		}
	})
	t.Run("and a primary does", func(t *testing.T) {
		gone(t, store(t, primary.URL()), sessionstore.NewSecret(grace).Key())
	})
	t.Run("and the connection is dropped, so that the next one finds the new primary", func(t *testing.T) {
		before := connections(t, replaced)
		cannotTell(t, storetest.End(t.Context(), st, s.Key))
		if after := connections(t, replaced); after <= before {
			t.Errorf("%d connections were made in all before READONLY, %d after the next question", before, after)
		}
	})
}

// One look-up may meet both servers while a failover is under way.
func TestALookUpInTwoMindsIsNoSignOut(t *testing.T) {
	for name, test := range map[string]struct{ second, says string }{
		"a session that is not there and then is": {"-WRONGTYPE Operation against a key", "failover"},
		"a server that takes no writes":           {"-READONLY You can't write against a read only replica.", "primary"},
		"a disk that is full":                     {"-MISCONF Redis is configured to save RDB snapshots", "MISCONF"},
		"an answer of another kind":               {"$-1", "redis"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(command []string) (string, bool) {
				switch strings.ToUpper(command[0]) {
				case "GET":
					return "$-1\r\n", true
				case "PTTL":
					return ":-2\r\n", true
				}
				return test.second + "\r\n", true
			})
			_, err := store(t, f.url()).Get(t.Context(), sessionstore.Key{})
			cannotTell(t, err)
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

// connections counts those that were ever made to the server but for its own.
func connections(t *testing.T, srv *redistest.Server) int64 {
	t.Helper()
	client := srv.Client()
	id, err := client.ClientID(t.Context()).Result()
	must(t, err)
	return id
}

func TestSentinelsInTroubleAreNoSignOut(t *testing.T) {
	g := redistest.StartSentinel(t)
	t.Run("sentinels that know no primary of that name", func(t *testing.T) {
		client := open(t, redis.Config{URL: g.URL(), Sentinel: "nobody"})
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
		nobodyCanTell(t, st)
		_, err := st.Get(t.Context(), sessionstore.NewSecret(ada).Key())
		cannotTell(t, err)
	})
	t.Run("one sentinel that is not there, beside others that are", func(t *testing.T) {
		client := open(t, redis.Config{URL: "redis://127.0.0.1:1," + g.URL()[len("redis://"):], Sentinel: redistest.PrimaryName})
		create(t, redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience}), ada)
	})
	t.Run("no sentinel at all", func(t *testing.T) {
		client := open(t, redis.Config{URL: "redis://127.0.0.1:1,127.0.0.1:2", Sentinel: redistest.PrimaryName})
		nobodyCanTell(t, redis.New(client, sealer(t, "a secret"), redis.Options{}))
	})
}
