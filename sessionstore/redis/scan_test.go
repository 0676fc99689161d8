package redis_test

import (
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// people stores so many sessions, each of another person.
func people(t *testing.T, st *redis.Store, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for first := range 8 {
		wg.Go(func() {
			for id := first; id < n; id += 8 {
				if _, err := st.Create(t.Context(), session(int64(id+1), longLife, 0), sessionstore.Limit{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// interrupted walks, and does something once when the first page has been handed out.
func interrupted(t *testing.T, st *redis.Store, meanwhile func()) error {
	t.Helper()
	var once sync.Once
	return st.WalkAll(t.Context(), func([]sessionstore.Found) error {
		once.Do(meanwhile)
		return nil
	})
}

// wantAskAgain requires the error by which somebody learns that some may be missing.
func wantAskAgain(t *testing.T, err error) {
	t.Helper()
	cannotTell(t, err)
	if !strings.Contains(err.Error(), "ask again") {
		t.Errorf("the error is %v", err)
	}
}

// What a server says of where it was means nothing to the process after it, which
// would begin anywhere and pass over whoever is before that.
func TestAServerThatIsRestartedInTheMidstOfAWalkIsAnError(t *testing.T) {
	t.Parallel()
	const many = 1500
	srv := redistest.Start(t, redistest.Args("--appendonly", "yes", "--appendfsync", "no"))
	st := store(t, srv.URL())
	people(t, st, many)
	wantAskAgain(t, interrupted(t, st, func() {
		srv.Kill()
		srv.Restart()
		works(t, st)
	}))
	if seen := everybody(t, st); len(seen) != many {
		t.Errorf("%d sessions are handed out then; want %d", len(seen), many)
	}
}

// The last page was handed out, and what was behind it may be at the server that
// answers now.
func TestAServerThatIsRestartedBehindTheLastPageIsAnError(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	st := store(t, srv.URL())
	create(t, st, ada)
	wantAskAgain(t, interrupted(t, st, func() {
		srv.Kill()
		srv.Restart()
		works(t, st)
	}))
	if seen := everybody(t, st); len(seen) != 1 {
		t.Errorf("%d sessions are handed out then; want 1", len(seen))
	}
}

func TestAFailoverInTheMidstOfAWalkIsAnError(t *testing.T) {
	t.Parallel()
	const many = 1500
	g := redistest.StartSentinel(t)
	client := open(t, redis.Config{URL: g.URL(), Sentinel: redistest.PrimaryName})
	st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
	people(t, st, many)
	primary := g.Primary()
	caughtUp(t, primary)
	wantAskAgain(t, interrupted(t, st, func() {
		primary.Kill()
		g.AwaitFailover(primary)
		works(t, st)
	}))
	if seen := everybody(t, st); len(seen) != many {
		t.Errorf("%d sessions are handed out then; want %d", len(seen), many)
	}
}

// caughtUp waits until a replica has all that was written.
func caughtUp(t *testing.T, primary *redistest.Server) {
	t.Helper()
	conn := primary.Client().Conn()
	defer func() { _ = conn.Close() }()
	must(t, conn.Set(t.Context(), "last", "x", 0).Err())
	n, err := conn.Wait(t.Context(), 1, patience).Result()
	must(t, err)
	if n != 1 {
		t.Fatalf("%d replicas have what was written; want 1", n)
	}
}
