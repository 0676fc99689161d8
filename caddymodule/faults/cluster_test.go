package faults_test

import (
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestFaultClusterUnderLoad(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	l := startLoad(t, gatewaytest.StartProcess(t, loadSite(t, faultOptions(n.URL()+" {\ncluster\n}", "cache off"))))
	slots := sessionSlots(t, n)
	t.Run("a slot that moves is no fault", func(t *testing.T) {
		l.tally.watch()
		before := l.tally.count(unavailable)
		moves := gatewaytest.Rounds(6, 60)
		for i := range moves {
			n.MoveSlot(slots[i%len(slots)])
		}
		l.recovers()
		window, errors := l.tally.errorWindow(), l.tally.count(unavailable)-before
		figure(t, "cluster slot migration, cache off", times(moves)+" a slot in use was moved under load",
			"%d told to come again, within %v; answers: %v", errors, window.Round(time.Millisecond), l.tally.latencies())
	})
	t.Run("a primary that is killed", func(t *testing.T) {
		var windows spread
		for range gatewaytest.Rounds(1, 5) {
			victim := n.PrimaryOf(slots[0])
			replicated(t, victim, slots[0])
			l.tally.watch()
			victim.Kill()
			l.suffers(1)
			l.recovers()
			windows = append(windows, l.tally.errorWindow())
			victim.Restart()
			n.AwaitWhole()
		}
		figure(t, "cluster primary killed, cache off", times(len(windows))+" of three primaries, under load; node timeout 800ms",
			"error window %v; %s", windows, l.tally)
	})
	l.end()
}

// sessionSlots are the beginnings of the keys of sessions, up to their slot.
func sessionSlots(t *testing.T, n *redistest.Nodes) []string {
	t.Helper()
	var slots []string
	for _, p := range n.Primaries() {
		for _, key := range p.Client().Keys(t.Context(), "*:s:*").Val() {
			slot, _, _ := strings.Cut(key, "s:")
			slots = append(slots, slot)
		}
	}
	if len(slots) < crowd {
		t.Fatalf("the cluster holds %d sessions; want %d", len(slots), crowd)
	}
	return slots
}
