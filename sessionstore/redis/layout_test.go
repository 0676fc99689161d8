package redis_test

import (
	"errors"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// The keys of a slot go one by one, and who has it changes when all have gone: a walk
// that begins and ends meanwhile sees the same slots at the same nodes.
func TestASlotThatIsBeingMovedForLongerThanAWalkIsAnError(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	for id := range int64(20) {
		create(t, st, id+1)
	}
	var end func()
	wantAskAgain(t, interrupted(t, st, func() { end = n.BeginMove(keyOf(ada)) }))
	called := false
	err := st.WalkAll(t.Context(), func([]sessionstore.Found) error { called = true; return nil })
	wantAskAgain(t, err)
	if called {
		t.Error("sessions are handed out while it is known that some may be missing")
	}
	reached := make(map[sessionstore.Key]bool)
	wantPart(t, st.WalkAll(sessionstore.Reaching(t.Context()), func(page []sessionstore.Found) error {
		for _, f := range page {
			reached[f.Key] = true
		}
		return nil
	}))
	if len(reached) != 20 {
		t.Errorf("%d sessions are handed out to who ends them; want 20", len(reached))
	}
	for key := range reached {
		if f, ok, err := st.FindID(t.Context(), key.ID()); !ok || err != nil || f.Key != key {
			t.Errorf("one that is there is not found: %v, %v", ok, err)
		}
	}
	_, count := st.Count(t.Context())
	_, _, find := st.FindID(t.Context(), sessionstore.NewSecret(ada).Key().ID())
	wantAskAgain(t, count)
	wantAskAgain(t, find)
	end()
	if seen := everybody(t, st); len(seen) != 20 {
		t.Errorf("%d sessions are handed out then; want 20", len(seen))
	}
}

// A slot that comes back is where it was, and its keys were elsewhere.
func TestASlotThatMovesThereAndBackMeanwhileIsAnError(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	st := inCluster(t, n, redis.Options{})
	for id := range int64(20) {
		create(t, st, id+1)
	}
	// Those who have no other node to go to go back to where they were.
	key := keyOf(ada)
	home := n.PrimaryOf(key)
	wantAskAgain(t, interrupted(t, st, func() {
		n.MoveSlot(key)
		for n.PrimaryOf(key) != home {
			n.MoveSlot(key)
		}
	}))
}

// Nobody's request needs the right to ask where slots are going.
func TestAUserWhoMayNotAskWhichSlotsAreMovingIsToldOfTheRight(t *testing.T) {
	t.Parallel()
	srv := asDocumented(t, append(documented(t), "+cluster|slots"), redistest.Cluster())
	cfg := redis.Config{URL: "redis://" + srv.Addr(), Cluster: true, Username: "sidegate", Password: "right"}
	st := redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience})
	get(t, st, create(t, st, ada).Key)
	err := interrupted(t, st, func() {})
	if err == nil || !redis.Refused(err) || !strings.Contains(err.Error(), "ACL SETUSER <user> +cluster|nodes") {
		t.Errorf("the error is %v", err)
	}
	setUser(t, srv, []string{documentedOfCluster[strings.LastIndex(documentedOfCluster, "+"):]})
	must(t, errors.Join(interrupted(t, st, func() {})))
}
