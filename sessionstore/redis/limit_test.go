package redis_test

import (
	"context"
	"errors"
	"slices"
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

// seen is a session of ada's that was last seen that long ago.
func seen(ago time.Duration) *sessionstore.Session {
	s := session(ada, 12*time.Hour, 0)
	s.LastSeenAt = s.LastSeenAt.Add(-ago)
	return s
}

// createWithin keeps one more of ada's sessions and returns the keys of those
// that have ended for it.
func createWithin(t testing.TB, st *redis.Store, limit sessionstore.Limit) (ended []sessionstore.Key) {
	t.Helper()
	told, err := st.Create(t.Context(), session(ada, 12*time.Hour, 0), limit)
	must(t, err)
	for _, e := range told {
		ended = append(ended, e.Key)
	}
	return ended
}

// Who has what was ended in their near cache must hear of it, as of a sign-out.
func TestOtherGatewaysHearOfWhatEndsForANewSession(t *testing.T) {
	srv := redistest.Start(t)
	here, there := store(t, srv.URL()), store(t, srv.URL())
	heard, subscribed := make(chan sessionstore.Key, 10), make(chan struct{})
	listening := sync.WaitGroup{}
	defer listening.Wait()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	listening.Go(func() {
		_ = there.Notify(ctx, func(key sessionstore.Key) { heard <- key }, func() { close(subscribed) })
	})
	<-subscribed
	var want []sessionstore.Key
	for i := range 3 {
		s := seen(time.Duration(3-i) * time.Minute)
		must(t, storetest.Keep(t.Context(), here, s))
		want = append(want, s.Key)
	}
	got := createWithin(t, here, sessionstore.Limit{Sessions: 2})
	if !slices.Equal(got, want[:2]) {
		t.Fatalf("ended are %v; want the two that were idle the longest", got)
	}
	for _, key := range want[:2] {
		if told := <-heard; told != key {
			t.Errorf("the others hear of another session")
		}
	}
}

func TestWhatIsNotThereTakesNoRoom(t *testing.T) {
	refusing := sessionstore.Limit{Sessions: 2, Refuse: true}
	t.Run("a member of the index whose session has gone", func(t *testing.T) {
		for _, limit := range []sessionstore.Limit{refusing, {Sessions: 2}} {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			create(t, st, ada)
			must(t, srv.Client().Del(t.Context(), recordAt("sidegate:", create(t, st, ada).Key)).Err())
			if ended := createWithin(t, st, limit); len(ended) > 0 {
				t.Errorf("%d have ended for it", len(ended))
			}
			if n := srv.Client().ZCard(t.Context(), only(t, srv, "*:u:*")).Val(); n != 2 {
				t.Errorf("the index has %d members; want those that live", n)
			}
		}
	})
	t.Run("a member of the index that has expired, before it leaves", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		create(t, st, ada)
		past := float64(time.Now().Add(-time.Second).UnixMilli())
		must(t, srv.Client().ZAdd(t.Context(), only(t, srv, "*:u:*"), goredis.Z{Score: past, Member: member("gone")}).Err())
		createWithin(t, st, refusing)
		if _, err := st.Create(t.Context(), session(ada, time.Hour, 0), refusing); !errors.Is(err, sessionstore.ErrTooMany) {
			t.Errorf("a third is answered with %v", err)
		}
	})
	t.Run("and a value of another kind does, and ends first", func(t *testing.T) {
		srv := redistest.Start(t)
		st := store(t, srv.URL())
		create(t, st, ada)
		bad := create(t, st, ada)
		at, client := recordAt("sidegate:", bad.Key), srv.Client()
		must(t, client.Del(t.Context(), at).Err())
		must(t, client.LPush(t.Context(), at, "x").Err())
		if ended := createWithin(t, st, sessionstore.Limit{Sessions: 2}); len(ended) != 1 || ended[0] != bad.Key {
			t.Errorf("ended are %v", ended)
		}
	})
}

// member makes 32 bytes of a name.
func member(name string) string { return (name + string(make([]byte, 32)))[:32] }

// Nothing must end for a session that there is no memory for.
func TestAFullRedisEndsNothingForASessionThatItCannotKeep(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	one, two := create(t, st, ada), create(t, st, ada)
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory", "1").Err())
	ended, err := st.Create(t.Context(), session(ada, time.Hour, 0), sessionstore.Limit{Sessions: 2})
	if err == nil || len(ended) > 0 {
		t.Fatalf("%d have ended, %v", len(ended), err)
	}
	get(t, st, one.Key)
	get(t, st, two.Key)
	must(t, srv.Client().ConfigSet(t.Context(), "maxmemory", "0").Err())
	if ended := createWithin(t, st, sessionstore.Limit{Sessions: 2}); len(ended) != 1 {
		t.Fatalf("when there is room again %d have ended; want 1", len(ended))
	}
}

// midway calls f once, after the script that reads who was last seen when.
type midway struct{ f atomic.Pointer[func()] }

func (*midway) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (*midway) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (m *midway) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		evals := cmd.Name() == "evalsha" || cmd.Name() == "eval"
		if evals && cmd.Args()[2] != 1 && cmd.Args()[2] != 2 && err == nil {
			if f := m.f.Swap(nil); f != nil {
				(*f)()
			}
		}
		return err
	}
}

// Between the look and the step somebody may come back to what was idle.
func TestWhoComesBackInTheMidstOfItIsNotIdleTheLongest(t *testing.T) {
	srv := redistest.Start(t)
	other := store(t, srv.URL())
	for name, sessions := range map[string]int{"of a few": 3, "of more than are named": 600} {
		t.Run(name, func(t *testing.T) {
			must(t, srv.Client().FlushDB(t.Context()).Err())
			client, interrupt := open(t, redis.Config{URL: srv.URL()}), new(midway)
			client.AddHook(interrupt)
			st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
			idle := make([]*sessionstore.Session, sessions)
			for i := range idle {
				idle[i] = seen(time.Duration(sessions-i+1) * time.Minute)
				must(t, storetest.Keep(t.Context(), st, idle[i]))
			}
			// All that would be named first, but for one, come back.
			back := func() {
				for _, s := range idle[:min(sessions-1, 200)] {
					must(t, other.Touch(t.Context(), s, time.Now().Add(time.Minute)))
				}
			}
			interrupt.f.Store(&back)
			ended := createWithin(t, st, sessionstore.Limit{Sessions: sessions})
			if want := idle[min(sessions-1, 200)].Key; len(ended) != 1 || ended[0] != want {
				t.Errorf("ended are %v; want the one that nobody came back to", ended)
			}
			if interrupt.f.Load() != nil {
				t.Error("nobody came in between: this test has lost its point")
			}
		})
	}
}

func TestALimitOfTenThousandDoesNotBlockRedis(t *testing.T) {
	srv, st, commands := crowded(t)
	first := seen(time.Hour)
	must(t, storetest.Keep(t.Context(), st, first))
	createMany(t, st, ada, sessionstore.MaxLimit-1)
	tellLongest(t, srv, commands, "creating")

	began := time.Now()
	ended := createWithin(t, st, sessionstore.Limit{Sessions: sessionstore.MaxLimit})
	t.Logf("a sign-in at a limit of %d takes %v", sessionstore.MaxLimit, time.Since(began))
	if len(ended) != 1 || ended[0] != first.Key {
		t.Fatalf("ended are %v; want the one that was idle the longest", ended)
	}
	tellLongest(t, srv, commands, "creating one more")

	ended = createWithin(t, st, sessionstore.Limit{Sessions: 1000})
	if list, err := st.List(t.Context(), ada); len(ended) != sessionstore.MaxLimit+1-1000 || len(list) != 1000 || err != nil {
		t.Fatalf("%d have ended and %d are left, %v; want 1000 left", len(ended), len(list), err)
	}
	tellLongest(t, srv, commands, "creating with a limit that was lowered")
	began = time.Now()
	createWithin(t, st, sessionstore.Limit{Sessions: 1000})
	t.Logf("a sign-in at a limit of 1000 takes %v", time.Since(began))
	tellLongest(t, srv, commands, "creating one more")
}

// paced notes until when each step of a kind had time.
type paced struct {
	midway
	looks atomic.Int64
	mu    sync.Mutex
	until map[time.Time]bool
}

func (p *paced) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if cmd.Name() == "evalsha" {
			if cmd.Args()[2] == 1 {
				p.looks.Add(1)
			}
			until, _ := ctx.Deadline()
			p.mu.Lock()
			p.until[until] = true
			p.mu.Unlock()
		}
		return next(ctx, cmd)
	}
}

// Whoever is far over a limit that is newly set would not be let in for as long as it
// takes longer than one step may, and Redis would be blamed.
func TestAPersonFarOverALimitIsBroughtBelowItStepByStep(t *testing.T) {
	srv := redistest.Start(t)
	client, steps := open(t, redis.Config{URL: srv.URL()}), &paced{until: make(map[time.Time]bool)}
	st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
	const many, most = 2400, 100
	createMany(t, st, ada, many)
	must(t, client.Do(t.Context(), "script", "flush").Err())
	createWithin(t, st, sessionstore.Limit{Sessions: many + 1}) // the scripts are known
	client.AddHook(steps)
	if ended := createWithin(t, st, sessionstore.Limit{Sessions: most}); len(ended) != many+2-most {
		t.Errorf("%d have ended; want %d", len(ended), many+2-most)
	}
	if list, err := st.List(t.Context(), ada); len(list) != most || err != nil {
		t.Errorf("%d are left, %v; want %d", len(list), err, most)
	}
	const pages = many/500 + 1
	if n := steps.looks.Load(); n > 2*pages {
		t.Errorf("the index was read in %d pages; want each of %d once", n, pages)
	}
	if n, want := len(steps.until), pages+many/500; n < want {
		t.Errorf("%d steps have a time of their own; want %d", n, want)
	}
}

// An older gateway enters in the index when a session ends, and this one when it
// need not be kept any longer: of both it must be told which of them live.
func TestWhichSessionsTakeRoom(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, srv *redistest.Server)
		want int // how many of two end for a third, where two may be
	}{
		{"two that live", func(*testing.T, *redistest.Server) {}, 1},
		{"two of an older gateway that end within the hour", func(t *testing.T, srv *redistest.Server) {
			for _, z := range srv.Client().ZRangeWithScores(t.Context(), only(t, srv, "*:u:*"), 0, -1).Val() {
				z.Score = float64(time.Now().Add(10 * time.Minute).UnixMilli())
				must(t, srv.Client().ZAdd(t.Context(), only(t, srv, "*:u:*"), z).Err())
			}
		}, 1},
		{"two that have ended idle and are kept", func(t *testing.T, srv *redistest.Server) { endIdle(t, srv, 5*time.Minute) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			first := session(ada, 12*time.Hour, time.Hour)
			first.LastSeenAt = first.LastSeenAt.Add(-time.Minute)
			must(t, storetest.Keep(t.Context(), st, first))
			create(t, st, ada)
			c.do(t, srv)
			_, err := st.Create(t.Context(), session(ada, 12*time.Hour, time.Hour), sessionstore.Limit{Sessions: 2, Refuse: true})
			if refused := errors.Is(err, sessionstore.ErrTooMany); refused != (c.want > 0) || err != nil && !refused {
				t.Fatalf("where more are refused, one more is answered with %v", err)
			}
			most := 2 + 1 - c.want // the one that was just let in, too
			ended, err := st.Create(t.Context(), session(ada, 12*time.Hour, time.Hour), sessionstore.Limit{Sessions: most})
			must(t, err)
			if len(ended) != c.want {
				t.Fatalf("%d have ended; want %d", len(ended), c.want)
			}
			if c.want > 0 && ended[0].Key != first.Key {
				t.Error("another has ended than the one that was idle the longest")
			}
		})
	}
}
