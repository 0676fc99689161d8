package redis_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// endAll ends all that a walk hands out, and answers how many have ended and the first
// error.
func endAll(t *testing.T, st *redis.Store, walk func(context.Context, func([]sessionstore.Found) error) error) (ended int, err error) {
	t.Helper()
	walked := walk(sessionstore.Reaching(t.Context()), func(page []sessionstore.Found) error {
		n, wrong := st.RevokeFound(t.Context(), page...)
		ended += n
		if err == nil {
			err = wrong
		}
		return nil
	})
	if err == nil {
		err = walked
	}
	return ended, err
}

func ofAda(st *redis.Store) func(context.Context, func([]sessionstore.Found) error) error {
	return func(ctx context.Context, page func([]sessionstore.Found) error) error {
		return st.WalkUser(ctx, ada, page)
	}
}

// Whoever asks again finds those that the first page has left, and would have to ask
// for each page and each person.
func TestAnEndThatNoReplicaConfirmsEndsAllTheSame(t *testing.T) {
	t.Parallel()
	primary, replica := followed(t)
	st := redis.New(open(t, redis.Config{URL: primary.URL()}), sealer(t, "a secret"),
		redis.Options{Timeout: patience, WaitReplicas: 1, WaitTimeout: 50 * time.Millisecond})
	replica.Kill()
	const many = 1100
	for name, c := range map[string]struct {
		begin func()
		end   func() (int, error)
	}{
		"of one person":           {func() { createMany(t, st, ada, many) }, func() (int, error) { return st.RevokeUser(t.Context(), ada) }},
		"of one person, as found": {func() { createMany(t, st, ada, many) }, func() (int, error) { return endAll(t, st, ofAda(st)) }},
		"of many persons":         {func() { people(t, st, many) }, func() (int, error) { return endAll(t, st, st.WalkAll) }},
	} {
		c.begin()
		n, err := c.end()
		if n != many || !errors.Is(err, sessionstore.ErrUnconfirmed) {
			t.Errorf("%s: %d have ended, %v; want all, unconfirmed", name, n, err)
		}
		if left := keys(t, primary, "*:s:*"); len(left) != 0 {
			t.Errorf("%s: %d are left", name, len(left))
		}
		must(t, primary.Client().FlushDB(t.Context()).Err())
	}
}

// deaf loses every other answer to a script that is of sessions.
type deaf struct {
	midway
	scripts atomic.Int64
}

func (d *deaf) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		if script := cmd.Name() == "evalsha" || cmd.Name() == "eval"; script && err == nil && len(cmd.Args()) > 5 {
			// It is of sessions, whose members come last.
			if last, ok := cmd.Args()[len(cmd.Args())-1].(string); ok && len(last) == 32 && d.scripts.Add(1)%2 == 1 {
				cmd.SetErr(io.EOF)
				return io.EOF
			}
		}
		return err
	}
}

func TestAnAnswerThatIsLostKeepsNoOtherFromEnding(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	const many = 60
	for name, end := range map[string]func(st *redis.Store) (int, error){
		"one person's": func(st *redis.Store) (int, error) { return endAll(t, st, ofAda(st)) },
		"everybody's":  func(st *redis.Store) (int, error) { return endAll(t, st, st.WalkAll) },
		"all at once":  func(st *redis.Store) (int, error) { return st.RevokeUser(t.Context(), ada) },
	} {
		client := open(t, redis.Config{URL: srv.URL()})
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
		createMany(t, st, ada, many)
		if name == "everybody's" {
			people(t, st, many)
		}
		client.AddHook(new(deaf))
		if _, err := end(st); err == nil {
			t.Errorf("%s: it says nothing of the answer that was lost", name)
		}
		if left := keys(t, srv, "*:s:*"); len(left) != 0 {
			t.Errorf("%s: %d are left", name, len(left))
		}
	}
}

// away has the server have been away for that long, until now.
func away(t *testing.T, srv *redistest.Server, st *redis.Store, ago time.Duration) {
	t.Helper()
	must(t, st.Beat(t.Context()))
	last := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-ago).UnixMilli()))
	must(t, srv.Client().Set(t.Context(), only(t, srv, "*:b"), last, time.Hour).Err())
	must(t, st.Beat(t.Context()))
}

// Whoever is on the list lives, and has ended when they were ended.
func TestSessionsThatLiveByAnOutageCountWhenTheyEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(st *redis.Store) (int, error){
		"one person's, as found": func(st *redis.Store) (int, error) { return endAll(t, st, ofAda(st)) },
		"everybody's":            func(st *redis.Store) (int, error) { return endAll(t, st, st.WalkAll) },
		"one person's":           func(st *redis.Store) (int, error) { return st.RevokeUser(t.Context(), ada) },
	} {
		for lives, want := range map[bool]int{true: 6, false: 1} {
			srv := redistest.Start(t)
			st := store(t, srv.URL())
			createMany(t, st, ada, 5)
			endIdle(t, srv, 5*time.Minute)
			if lives {
				away(t, srv, st, 20*time.Minute)
			}
			create(t, st, ada)
			if list, err := st.List(t.Context(), ada); len(list) != want || err != nil {
				t.Fatalf("%s: %d are on the list, %v; want %d", name, len(list), err, want)
			}
			if n, err := end(st); n != want || err != nil {
				t.Errorf("%s: %d have ended, %v; want %d", name, n, err, want)
			}
			if left := keys(t, srv, "*:[su]:*"); len(left) != 0 {
				t.Errorf("%s: %d keys are left", name, len(left))
			}
		}
	}
}

// What cannot be read does not say whose index has it.
func TestWhatCouldNotBeReadIsNotCountedOnceItHasEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(st *redis.Store, s *sessionstore.Session) (int, error){
		"of one person": func(st *redis.Store, _ *sessionstore.Session) (int, error) { return endAll(t, st, ofAda(st)) },
		"of everybody":  func(st *redis.Store, _ *sessionstore.Session) (int, error) { return endAll(t, st, st.WalkAll) },
		"by its name": func(st *redis.Store, s *sessionstore.Session) (int, error) {
			f, _, err := st.FindID(t.Context(), s.Key.ID())
			must(t, err)
			return st.RevokeFound(t.Context(), f)
		},
	} {
		srv := redistest.Start(t)
		other := redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "another secret"), redis.Options{Timeout: patience})
		s := create(t, other, ada)
		st := store(t, srv.URL())
		if n, err := st.Count(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d are counted, %v", n, err)
		}
		if n, err := end(st, s); n != 1 || err != nil {
			t.Errorf("%s: %d have ended, %v", name, n, err)
		}
		if n, err := st.Count(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: %d are counted, %v; want none", name, n, err)
		}
	}
}

// While the keys of a slot go one by one, no script may name a session at one node and
// the index at the other.
func TestASessionEndsThoughItsIndexIsAtAnotherNode(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	s := create(t, st, ada)
	index := only(t, n.PrimaryOf(keyOf(ada)), "*:u:*")
	end := n.BeginMove(keyOf(ada), index)
	var found sessionstore.Found
	missed := st.WalkAll(sessionstore.Reaching(t.Context()), func(page []sessionstore.Found) error {
		found = page[0]
		return nil
	})
	wantAskAgain(t, missed)
	byName, ok, err := st.FindID(t.Context(), s.Key.ID())
	if !ok || err != nil || byName.Key != s.Key || found.Key != s.Key {
		t.Errorf("it finds %v, %v, %v; and the walk %v", byName.Key, ok, err, found.Key)
	}
	if ended, err := st.RevokeFound(t.Context(), found); ended != 1 || err != nil {
		t.Errorf("%d have ended, %v; want it", ended, err)
	}
	end()
	gone(t, st, s.Key)
}

// A node of a cluster that serves what it has, though one is away, keeps nobody's
// sessions from ending.
func TestANodeThatIsAwayKeepsNoOthersSessionsFromEnding(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t, redistest.Args("--cluster-require-full-coverage", "no", "--cluster-replica-no-failover", "yes"))
	st := hastily(t, n)
	people(t, inCluster(t, n, redis.Options{}), 60)
	gone := n.Primaries()[0]
	there := 60 - len(keys(t, gone, "*:s:*"))
	gone.Kill()
	ended := 0
	eventually(t, "those of the other nodes have ended", func() bool {
		some, err := endAll(t, st, st.WalkAll)
		wantPart(t, err)
		ended += some
		return ended == there
	})
	for _, p := range n.Primaries() {
		if left := len(keys(t, p, "*:s:*")); left != 0 {
			t.Errorf("%d are left at a node that is there", left)
		}
	}
	_, count := st.Count(t.Context())
	wantPart(t, count)
	wantPart(t, st.WalkAll(t.Context(), func([]sessionstore.Found) error {
		t.Error("a part is handed out to who does not ask for one")
		return nil
	}))
}

// wantPart requires the error by which somebody learns that some may be missing.
func wantPart(t *testing.T, err error) {
	t.Helper()
	if cannotTell(t, err); !errors.Is(err, sessionstore.ErrPart) {
		t.Errorf("the error is %v", err)
	}
}
