package redis_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// followed is a primary with a replica that has its data.
func followed(t *testing.T) (primary, replica *redistest.Server) {
	t.Helper()
	primary = redistest.Start(t)
	replica = redistest.Start(t, redistest.Args("--replicaof", "127.0.0.1", primary.Addr()[len("127.0.0.1:"):]))
	eventually(t, "the replica follows", func() bool {
		return strings.Contains(primary.Client().Info(t.Context(), "replication").Val(), "state=online")
	})
	return primary, replica
}

func TestNumberWaitsForReplicas(t *testing.T) {
	primary, replica := followed(t)
	waiting := func(n int, within time.Duration) *redis.Store {
		return redis.New(open(t, redis.Config{URL: primary.URL()}), sealer(t, "a secret"),
			redis.Options{Timeout: patience, WaitReplicas: n, WaitTimeout: within})
	}
	patient := waiting(1, patience)
	t.Run("a number that is answered is on the replica, its reservation and its name", func(t *testing.T) {
		n := number(t, patient, "subject")
		if names, owners := keys(t, replica, "*:n:*"), keys(t, replica, fmt.Sprintf("*:o:%d", n)); len(names) != 1 || len(owners) != 1 {
			t.Fatalf("the replica has %d names and %d reservations", len(names), len(owners))
		}
	})
	t.Run("one that too few replicas have cannot be told, however often it is asked", func(t *testing.T) {
		for range 2 {
			n, err := waiting(2, 50*time.Millisecond).Number(t.Context(), "grace")
			cannotTell(t, err)
			if n != 0 || !strings.Contains(err.Error(), "1 of 2 replicas") {
				t.Errorf("Number answers %d, %v", n, err)
			}
		}
	})
	t.Run("one that a hung replica does not confirm goes on when the replica does", func(t *testing.T) {
		replica.Pause()
		for range 2 {
			_, err := waiting(1, 50*time.Millisecond).Number(t.Context(), "linus")
			cannotTell(t, err)
		}
		replica.Resume()
		n := number(t, patient, "linus")
		if again := number(t, patient, "linus"); again != n {
			t.Fatalf("the number is %d; it was %d", again, n)
		}
	})
	t.Run("a name that was claimed and not confirmed is not answered until it is", func(t *testing.T) {
		n := number(t, patient, "claimed")
		for _, key := range keys(t, primary, "*:n:*") {
			if primary.Client().Get(t.Context(), key).Val() == fmt.Sprint(n) {
				must(t, primary.Client().Set(t.Context(), key, fmt.Sprint(n, "?"), 0).Err())
			}
		}
		_, err := waiting(2, 50*time.Millisecond).Number(t.Context(), "claimed")
		cannotTell(t, err)
		for _, st := range []*redis.Store{patient, store(t, primary.URL())} {
			if again := number(t, st, "claimed"); again != n {
				t.Fatalf("the number is %d; it was %d", again, n)
			}
		}
	})
	t.Run("a number that replicas once had is answered while they are down", func(t *testing.T) {
		n := number(t, patient, "subject")
		replica.Kill()
		for _, st := range []*redis.Store{waiting(1, 50*time.Millisecond), waiting(9, 50*time.Millisecond)} {
			if again := number(t, st, "subject"); again != n {
				t.Fatalf("the number is %d; it was %d", again, n)
			}
		}
	})
}

// Whoever is numbered while primaries are killed keeps their number, and nobody
// else gets it, when replicas are waited for.
func TestNumbersSurviveFailovers(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	st := bySentinel(t, g, redis.Options{WaitReplicas: 1, WaitTimeout: time.Second})
	var given ledger
	for round := range rounds(5) {
		if round > 0 {
			g.Rejoin(g.Replica())
		}
		keepNumbering(t, st, &given, round, func() {
			former := g.Primary()
			former.Kill()
			g.AwaitFailover(former)
			// One replica must be there to confirm.
			g.Rejoin(former)
		})
	}
	given.holds(t, st)
}

func TestNumbersInAClusterSurviveTheDeathOfAPrimary(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{WaitReplicas: 1, WaitTimeout: time.Second})
	var given ledger
	for round := range rounds(5) {
		keepNumbering(t, st, &given, round, func() {
			victim := n.PrimaryOf("sidegate:{0000}:c")
			victim.Kill()
			eventually(t, "the cluster has another primary there", func() bool {
				_, err := st.Number(t.Context(), fmt.Sprint("probe ", round))
				return err == nil
			})
			victim.Restart()
			n.AwaitWhole()
		})
	}
	given.holds(t, st)
}

// keepNumbering numbers people, two gateways' worth for each name, before,
// while and after something happens.
func keepNumbering(t *testing.T, st *redis.Store, given *ledger, round int, happens func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				name := fmt.Sprintf("subject %d-%d-%d", round, worker/2, i)
				if n, err := st.Number(ctx, name); err == nil {
					given.enter(t, name, n)
				}
			}
		})
	}
	happens()
	before := given.size()
	eventually(t, "people are numbered again", func() bool { return given.size() > before+50 })
	stop()
	wg.Wait()
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.names)
}

// holds requires that everybody still has the number that they were given.
func (l *ledger) holds(t *testing.T, st *redis.Store) {
	t.Helper()
	for n, name := range l.names {
		var again int64
		eventually(t, "the store answers", func() (ok bool) {
			var err error
			again, err = st.Number(t.Context(), name)
			return err == nil
		})
		if again != n {
			t.Errorf("the number of %s is %d; it was %d", name, again, n)
		}
	}
	t.Logf("%d names kept their numbers", len(l.names))
}
