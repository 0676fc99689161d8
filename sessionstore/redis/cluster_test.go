package redis_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// inCluster is a store in a cluster.
func inCluster(t *testing.T, n *redistest.Nodes, opts redis.Options) *redis.Store {
	t.Helper()
	opts.Timeout = patience
	return redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"), opts)
}

// hastily is a store in a cluster with the default time-outs.
func hastily(t *testing.T, n *redistest.Nodes) *redis.Store {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: n.URL(), Cluster: true})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return redis.New(client, sealer(t, "a secret"), redis.Options{})
}

// keyOf is a key in the slot of that person.
func keyOf(userID int64) string {
	key := sessionstore.NewSecret(userID).Key()
	const hex = "0123456789abcdef"
	return "sidegate:{" + string([]byte{
		hex[key.Shard>>12], hex[key.Shard>>8&15], hex[key.Shard>>4&15], hex[key.Shard&15],
	}) + "}:"
}

func TestFaultsOfAClusterSignNobodyOut(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	t.Run("a slot that moves to another node while it is used", func(t *testing.T) {
		l := underLoad(t, st, 20)
		for range rounds(20) {
			for id := range int64(3) {
				n.MoveSlot(keyOf(id + 1))
			}
			l.recovers(t, st)
		}
		l.end(t)
		for id := range int64(20) {
			if _, err := st.RevokeUser(t.Context(), id+1); err != nil {
				t.Fatalf("ending a moved person's sessions: %v", err)
			}
		}
	})
	t.Run("a script whose node does not know it yet is sent in full, and once", func(t *testing.T) {
		for _, p := range n.Primaries() {
			must(t, p.Client().ScriptFlush(t.Context()).Err())
		}
		taken, err := st.Take(t.Context(), "bucket", 3, time.Hour)
		if err != nil || taken.Count != 1 {
			t.Fatalf("Take answers %+v, %v; want the first", taken, err)
		}
	})
	t.Run("a primary that is killed", func(t *testing.T) {
		l := underLoad(t, st, 20)
		for range rounds(5) {
			victim := n.PrimaryOf(keyOf(ada))
			replicated(t, victim, keyOf(ada))
			victim.Kill()
			l.recovers(t, st)
			victim.Restart()
			n.AwaitWhole()
		}
		l.end(t)
	})
}

// While the primary of some hangs, the others are served as ever.
func TestOneHungNodeOfAClusterStopsOnlyItsOwnPeople(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t, redistest.Args("--cluster-replica-no-failover", "yes"))
	patient, st := inCluster(t, n, redis.Options{}), hastily(t, n)
	theirs := create(t, patient, ada)
	other := grace
	for n.PrimaryOf(keyOf(other)) == n.PrimaryOf(keyOf(ada)) {
		other++
	}
	mine := create(t, patient, other)
	hung := n.PrimaryOf(keyOf(ada))
	for _, p := range n.Primaries() {
		must(t, p.Client().ConfigSet(t.Context(), "cluster-require-full-coverage", "no").Err())
	}
	hung.Pause()
	defer hung.Resume()
	for range 10 {
		_, err := st.Get(t.Context(), theirs.Key)
		cannotTell(t, err)
		// Within that node's patience, if the machine is not too busy for it.
		eventually(t, "the others are served", func() bool {
			_, err = st.Get(t.Context(), mine.Key)
			return err == nil
		}, func() string { return fmt.Sprint(err) })
	}
}

// A command that was sent may have been done: the client of a cluster, which
// would send it again, must not learn that its connection broke.
func TestAWriteInAClusterIsNotSentAgain(t *testing.T) {
	var f *fake
	f = newFake(t, func(command []string) (string, bool) {
		switch command[0] {
		case "cluster":
			return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + f.port() + "\r\n", true
		case "ping":
			return "+PONG\r\n", true
		}
		return "", false
	})
	for _, name := range []string{"Create", "Touch", "Take", "Return", "Forget", "Hold", "Release", "Link"} {
		client := open(t, redis.Config{URL: f.url(), Cluster: true})
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience})
		before := f.commands()
		cannotTell(t, calls()[name](t.Context(), st, session(ada, time.Hour, 0)))
		sent := func() []string { return f.commands()[len(before):] }
		if n := count(sent(), "EVALSHA") + count(sent(), "EVAL") + count(sent(), "DEL"); n != 1 {
			t.Errorf("%s sent %v; want its command once", name, sent())
		}
	}
}
