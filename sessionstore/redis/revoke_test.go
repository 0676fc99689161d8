package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

func TestRevocationWaitsForReplicas(t *testing.T) {
	primary := redistest.Start(t)
	replica := redistest.Start(t, redistest.Args("--replicaof", "127.0.0.1", primary.Addr()[len("127.0.0.1:"):]))
	eventually(t, "the replica follows", func() bool {
		info := primary.Client().Info(t.Context(), "replication").Val()
		return strings.Contains(info, "state=online")
	})
	waiting := func(n int) *redis.Store {
		return redis.New(open(t, redis.Config{URL: primary.URL()}), sealer(t, "a secret"),
			redis.Options{Timeout: patience, WaitReplicas: n, WaitTimeout: 50 * time.Millisecond})
	}
	t.Run("one that the replica has is acknowledged", func(t *testing.T) {
		st := redis.New(open(t, redis.Config{URL: primary.URL()}), sealer(t, "a secret"),
			redis.Options{Timeout: patience, WaitReplicas: 1, WaitTimeout: patience})
		s := create(t, st, ada)
		must(t, storetest.End(t.Context(), st, s.Key))
		if left := keys(t, replica, "*:s:*"); len(left) != 0 {
			t.Errorf("the replica still has %d sessions", len(left))
		}
		create(t, st, ada)
		create(t, st, ada)
		if n, err := st.RevokeUser(t.Context(), ada); n != 2 || err != nil {
			t.Errorf("RevokeUser ended %d, %v; want 2", n, err)
		}
	})
	t.Run("one that too few replicas have cannot be told, and is done all the same", func(t *testing.T) {
		st := waiting(2)
		s := create(t, st, ada)
		err := storetest.End(t.Context(), st, s.Key)
		cannotTell(t, err)
		if !strings.Contains(err.Error(), "1 of 2 replicas") {
			t.Errorf("the error is %q", err)
		}
		gone(t, st, s.Key)
	})
	t.Run("one that a hung replica does not confirm cannot be told, however often it is asked", func(t *testing.T) {
		st := waiting(1)
		s := create(t, st, ada)
		replica.Pause()
		defer replica.Resume()
		for range 2 {
			cannotTell(t, storetest.End(t.Context(), st, s.Key))
		}
	})
	// Whoever asks again finds nothing, for the primary has ended it.
	t.Run("one that was not confirmed is not confirmed by asking again, until a replica has it", func(t *testing.T) {
		st := waiting(1)
		create(t, st, ada)
		replica.Pause()
		defer replica.Resume()
		ends := map[string]func() (int, error){
			"of a person": func() (int, error) { return st.RevokeUser(t.Context(), ada) },
			"of what is no session any more": func() (int, error) {
				return st.RevokeFound(t.Context(), storetest.Found(sessionstore.NewSecret(ada).Key())...)
			},
			"of nothing, which is of everybody": func() (int, error) { return st.RevokeFound(t.Context()) },
		}
		if n, err := st.RevokeUser(t.Context(), ada); n != 1 || !errors.Is(err, sessionstore.ErrUnconfirmed) {
			t.Errorf("it is answered with %d, %v", n, err)
		}
		for name, end := range ends {
			if n, err := end(); n != 0 || !errors.Is(err, sessionstore.ErrUnconfirmed) {
				t.Errorf("the end %s is answered with %d, %v", name, n, err)
			}
		}
		replica.Resume()
		for name, end := range ends {
			eventually(t, "the end "+name+" is confirmed", func() bool { n, err := end(); return n == 0 && err == nil })
		}
	})
	t.Run("what is no revocation does not wait", func(t *testing.T) {
		st := waiting(9)
		s := create(t, st, ada)
		_, err := st.Update(t.Context(), s)
		must(t, err)
		must(t, st.Touch(t.Context(), s, time.Now()))
	})
}

func TestRevocationWaitsForReplicasInACluster(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	for replicas, confirmed := range map[int]bool{1: true, 2: false} {
		st := redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"),
			redis.Options{Timeout: patience, WaitReplicas: replicas, WaitTimeout: time.Second})
		for id := range int64(6) {
			s := create(t, st, id+1)
			if err := storetest.End(t.Context(), st, s.Key); (err == nil) != confirmed || errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("with %d replicas Revoke answers %v", replicas, err)
			}
			gone(t, st, s.Key)
		}
		if _, err := st.RevokeFound(t.Context()); (err == nil) != confirmed {
			t.Errorf("with %d replicas nothing to end is answered with %v", replicas, err)
		}
	}
}

// The replica has not heard of the sign-out, and is put in place of the primary
// that has.
func TestASignOutBeforeAFailoverToAReplicaThatLagsBehind(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	for round := range rounds(5) {
		if round > 0 {
			g.Rejoin(g.Replica())
		}
		t.Run("is undone without wait", func(t *testing.T) {
			st := bySentinel(t, g, redis.Options{})
			s := create(t, st, ada)
			must(t, signOutUnheard(t, g, st, s))
			if !rises(t, st, s) {
				t.Error("it has not risen: this test has lost its point")
			}
		})
		g.Rejoin(g.Replica())
		t.Run("is not acknowledged with wait, and holds when it is asked for again", func(t *testing.T) {
			st := bySentinel(t, g, redis.Options{WaitReplicas: 1, WaitTimeout: 2 * time.Second})
			s := create(t, st, ada)
			cannotTell(t, signOutUnheard(t, g, st, s))
			rises(t, st, s)
			g.Rejoin(g.Replica())
			eventually(t, "a replica confirms it", func() bool { return storetest.End(t.Context(), st, s.Key) == nil })
			former := g.Primary()
			former.Kill()
			g.AwaitFailover(former)
			if rises(t, st, s) {
				t.Error("a sign-out that was acknowledged was undone")
			}
		})
	}
}

// signOutUnheard ends a session when the replica is cut off, then has the
// replica take over, and answers what was answered to the sign-out.
func signOutUnheard(t *testing.T, g *redistest.Sentinel, st *redis.Store, s *sessionstore.Session) error {
	t.Helper()
	primary, replica := g.Primary(), g.Replica()
	replicated(t, primary, "sidegate:")
	replica.Pause()
	// What is in the kernel's buffers would still reach it.
	must(t, primary.Client().Do(t.Context(), "client", "kill", "type", "replica").Err())
	err := storetest.End(t.Context(), st, s.Key)
	primary.Kill()
	replica.Resume()
	g.AwaitFailover(primary)
	return err
}

// rises reports whether the new primary has the session.
func rises(t *testing.T, st *redis.Store, s *sessionstore.Session) (risen bool) {
	t.Helper()
	eventually(t, "the new primary answers", func() bool {
		_, err := st.Get(t.Context(), s.Key)
		risen = err == nil
		return risen || errors.Is(err, sessionstore.ErrNotFound)
	})
	return risen
}
