package redis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// everybody counts who is handed out, each once.
func everybody(t *testing.T, st *redis.Store) map[sessionstore.Key]bool {
	t.Helper()
	seen := make(map[sessionstore.Key]bool)
	must(t, st.WalkAll(t.Context(), func(page []sessionstore.Found) error {
		for _, f := range page {
			must(t, f.Err)
			seen[f.Key] = true
		}
		return nil
	}))
	return seen
}

func TestEverybodyOfAClusterIsFoundOnEachOfItsNodes(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	want := make(map[sessionstore.Key]bool)
	var all []sessionstore.Key
	for id := range int64(60) {
		s := create(t, st, id+1)
		want[s.Key] = true
		all = append(all, s.Key)
	}
	if seen := everybody(t, st); len(seen) != len(want) {
		t.Fatalf("%d sessions are handed out; want %d", len(seen), len(want))
	}
	if live, err := st.Count(t.Context()); live != len(want) || err != nil {
		t.Fatalf("%d are live, %v; want %d", live, err, len(want))
	}
	for key := range want {
		if found, ok, err := st.FindID(t.Context(), key.ID()); !ok || err != nil || found.Key != key {
			t.Fatalf("it finds %v, %v, %v", found, ok, err)
		}
	}
	if ended, err := st.RevokeFound(t.Context(), storetest.Found(all...)...); ended != len(want) || err != nil {
		t.Fatalf("%d have ended, %v; want %d", ended, err, len(want))
	}
	if live, err := st.Count(t.Context()); live != 0 || err != nil {
		t.Fatalf("%d are live, %v; want none", live, err)
	}
}

// What moves to a node that was looked at already would be passed over, and a
// session not ended that was to end.
func TestASlotThatMovesMeanwhileIsAnError(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	for id := range int64(20) {
		create(t, st, id+1)
	}
	moved := false
	err := st.WalkAll(t.Context(), func([]sessionstore.Found) error {
		if !moved {
			moved = true
			n.MoveSlot(keyOf(ada))
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "ask again") {
		t.Errorf("the error is %v", err)
	}
	if seen := everybody(t, st); len(seen) != 20 {
		t.Errorf("%d sessions are handed out then; want 20", len(seen))
	}
}

// A pattern of Redis has words of its own, which a prefix may have too.
func TestOnlyTheStoresOwnSessionsAreHandedOut(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	client := open(t, redis.Config{URL: srv.URL()})
	prefixes := []string{"*", "?", "a*c:", "abc:", "[ab]:", "a:", "b:", `\\[:`, `\[:`, "[:", "s", "sidegate:", "other-sidegate:", "a^-]"}
	var stores []*redis.Store
	for _, prefix := range prefixes {
		st := redis.New(client, sealer(t, "a secret"), redis.Options{KeyPrefix: prefix, Timeout: patience})
		create(t, st, ada)
		stores = append(stores, st)
	}
	must(t, client.Set(t.Context(), "sidegate:{0000}:s:no-hash", "x", 0).Err())
	must(t, client.Set(t.Context(), "sidegate:{zzzz}:u:1", "x", 0).Err())
	must(t, client.Set(t.Context(), "sidegate:{0000}:u:1", "x", 0).Err())
	for i, st := range stores {
		live, err := st.Count(t.Context())
		if seen := everybody(t, st); len(seen) != 1 || live != 1 || err != nil {
			t.Errorf("%s: %d sessions are handed out, and %d counted, %v; want its own", prefixes[i], len(seen), live, err)
		}
	}
}

// Nobody's request needs the right to look for names: whoever has taken it away from
// the user serves people as ever.
func TestAUserWhoMayNotScanIsTheOperatorsConcernAlone(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "right", append(slices.Clone(enoughACL), "-scan")...))
	st := store(t, srv.URL())
	s := create(t, st, ada)
	advice, err := st.Look(t.Context())
	must(t, err)
	wantAdvice(t, advice, nil, false)
	ignore := func([]sessionstore.Found) error { return nil }
	must(t, st.WalkUser(t.Context(), ada, ignore))
	_, countErr := st.Count(t.Context())
	_, _, findErr := st.FindID(t.Context(), s.Key.ID())
	for name, err := range map[string]error{"WalkAll": st.WalkAll(t.Context(), ignore), "Count": countErr, "FindID": findErr} {
		if err == nil || !redis.Refused(err) || !strings.Contains(err.Error(), "ACL SETUSER <user> +scan") {
			t.Errorf("%s answers %v", name, err)
		}
	}
	setUser(t, srv, append([]string{"reset", "on", ">right"}, enoughACL...))
	if live, err := st.Count(t.Context()); live != 1 || err != nil {
		t.Errorf("with the right it counts %d, %v", live, err)
	}
	if n, err := st.RevokeFound(t.Context(), storetest.Found(s.Key)...); n != 1 || err != nil {
		t.Errorf("RevokeFound ended %d, %v", n, err)
	}
}

// A server that was replaced may know of a session that has ended since.
func TestWhatAReplicaHasIsNotFound(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	must(t, srv.Client().Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
	f, ok, err := st.FindID(t.Context(), s.Key.ID())
	if cannotTell(t, err); ok || f != (sessionstore.Found{}) {
		t.Errorf("it finds %v", f)
	}
}

// A server that has gone is an answer that cannot be given, and no empty one.
func TestWhoIsThereCannotBeToldWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	s := create(t, st, ada)
	srv.Kill()
	for _, name := range []string{"WalkUser", "WalkAll", "FindID", "Count", "RevokeFound"} {
		cannotTell(t, calls()[name](t.Context(), st, s))
	}
}

// TestCountingForgetsNobodyWhenScriptsAreFlushed: the server may not know a script
// that it is asked to run by its name.
func TestCountingForgetsNobodyWhenScriptsAreFlushed(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	for id := range int64(150) {
		create(t, st, id+1)
	}
	for range 2 {
		must(t, srv.Client().ScriptFlush(t.Context()).Err())
		if live, err := st.Count(t.Context()); live != 150 || err != nil {
			t.Fatalf("%d are live, %v; want 150", live, err)
		}
	}
}

func TestASessionWithoutAnIdleTimeoutIsHandedOutInItsLastHour(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	must(t, storetest.Keep(t.Context(), st, session(ada, time.Minute, 0)))
	must(t, storetest.Keep(t.Context(), st, session(ada, time.Minute, time.Hour)))
	if seen := everybody(t, st); len(seen) != 2 {
		t.Errorf("%d sessions are handed out; want 2", len(seen))
	}
	if live, err := st.Count(t.Context()); live != 2 || err != nil {
		t.Errorf("%d are live, %v; want 2", live, err)
	}
}
