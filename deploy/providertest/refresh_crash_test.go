package providertest

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// leaseLife is how long a gateway may be gone before another takes its refresh
// over.
const leaseLife = 15 * time.Second

// lease is the key of the one refresh that is under way, in Redis.
func (w *pair) lease() string {
	w.t.Helper()
	keys := w.redis.Client().Keys(w.t.Context(), "*:h:*").Val()
	if len(keys) != 1 {
		w.t.Fatalf("there are %d leases; want 1", len(keys))
	}
	return keys[0]
}

// A gateway dies in the middle of a refresh. As long as it may still be at
// work the other lets it; then it does the work itself.
func TestARefreshIsTakenOverFromAGatewayThatDied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spent bool // the refresh token, by the gateway that dies
	}{{"before the provider was reached, nothing is lost", false}, {"after the rotation, the provider says no", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := startPair(t, everySecond)
			b := w.signIn()
			w.grant("second")
			refreshes := w.provider.At(provider.Refresh)
			gate := make(chan struct{})
			held := fault.All(fault.Held(gate), fault.Refused())
			if c.spent {
				held = fault.HeldAnswer(gate)
			}
			refreshes.Break(fault.Times(1, held))
			dies, other := w.gateways[0], w.gateways[1]
			b.awaitRefresh(w, dies)
			if c.spent {
				w.awaitRotations(1)
			}
			dies.Kill()
			close(gate)
			for range gatewaytest.Rounds(5, 20) {
				if status, roles := b.page(other); status != http.StatusOK || roles != "first" {
					t.Fatalf("while the lease runs: %d %s", status, roles)
				}
			}
			if calls := refreshes.Count(); calls != 1 {
				t.Errorf("the provider was asked %d times while the lease runs", calls)
			}
			w.passTheLease()
			if c.spent {
				b.awaitEnd(other)
			} else {
				b.awaitRole("second", other)
			}
			if got, want := w.provider.Tally().Reuses != 0, c.spent; got != want {
				t.Errorf("the provider saw a token again: %v", got)
			}
			dies.Start()
			if status, _ := b.page(dies); (status == http.StatusOK) == c.spent {
				t.Errorf("at the gateway that is up again: %d", status)
			}
		})
	}
}

// passTheLease lets the time of the lease go by: in the long form by waiting
// for it, else in Redis, where it runs.
func (w *pair) passTheLease() {
	w.t.Helper()
	redis, key := w.redis.Client(), w.lease()
	if left := redis.PTTL(w.t.Context(), key).Val(); left <= 0 || left > leaseLife {
		w.t.Errorf("the lease lives %v; want %v at most", left, leaseLife)
	}
	if gatewaytest.Rounds(0, 1) == 0 {
		redis.PExpire(w.t.Context(), key, time.Millisecond)
	}
}

// Redis is not there when the new refresh token is to be written down. The
// gateway goes on trying, for longer than its lease lives: the record's
// version says whether somebody else was there meanwhile.
func TestARedisThatFailsBetweenTheRotationAndTheWriteLosesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		fail, mend func(*redistest.Server)
	}{
		{"one that hangs", (*redistest.Server).Pause, (*redistest.Server).Resume},
		{"one that dies and has all on its disk", (*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := startPairOn(t, redistest.Start(t, redistest.AppendOnly()), everySecond+"cache off\n")
			b := w.signIn()
			w.grant("second")
			gate := make(chan struct{})
			w.provider.At(provider.Refresh).Break(fault.Times(1, fault.HeldAnswer(gate)))
			b.awaitRefresh(w, w.gateways[0])
			w.awaitRotations(1)
			c.fail(w.redis)
			close(gate)
			b.awaitUnavailable(w.gateways, time.Duration(gatewaytest.Rounds(1, 20))*time.Second)
			c.mend(w.redis)
			b.awaitReturn("second", w.gateways)
			w.awaitNext(b, w.gateways)
		})
	}
}

// awaitUnavailable goes on until all gateways answer 503, and for so long at
// least. Nobody knows then whether there is a session, so it is never 401.
func (b *caller) awaitUnavailable(gateways []*gatewaytest.Process, least time.Duration) {
	b.t.Helper()
	began, all := time.Now(), false
	gatewaytest.Await(b.t, "the gateways miss Redis", func() bool {
		all = true
		for _, g := range gateways {
			status, _ := b.page(g)
			if status != http.StatusServiceUnavailable && status != http.StatusOK {
				b.t.Fatalf("without Redis: %d", status)
			}
			all = all && status == http.StatusServiceUnavailable
		}
		return all && time.Since(began) > least
	})
}

// awaitReturn goes on until all gateways show the role, be they still without
// Redis for a while.
func (b *caller) awaitReturn(role string, gateways []*gatewaytest.Process) {
	b.t.Helper()
	for _, g := range gateways {
		gatewaytest.Await(b.t, "the role that was written down shows", func() bool {
			status, roles := b.page(g)
			if status == http.StatusUnauthorized {
				b.t.Fatal("the session is lost")
			}
			return status == http.StatusOK && roles == role
		})
	}
}

// awaitNext goes on until one more refresh has worked, with the token that the
// one before has written down.
func (w *pair) awaitNext(b *caller, gateways []*gatewaytest.Process) {
	w.t.Helper()
	w.grant("next")
	b.awaitRole("next", gateways...)
	w.wantNoReuse()
}

func TestAGatewayThatIsStoppedInTheMiddleOfARefreshWritesItDown(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	w.grant("second")
	gate := make(chan struct{})
	refreshes := w.provider.At(provider.Refresh)
	refreshes.Break(fault.Times(1, fault.HeldAnswer(gate)))
	stops, other := w.gateways[0], w.gateways[1]
	b.awaitRefresh(w, stops)
	w.awaitRotations(1)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stops.Terminate()
	}()
	awaitLog(t, stops, "shutting down apps")
	close(gate)
	<-stopped
	if roles := w.record(adaNumber).User.FlatRolesList; strings.Join(roles, ",") != "second" {
		t.Errorf("when the gateway had stopped the session had the roles %v", roles)
	}
	w.awaitNext(b, []*gatewaytest.Process{other})
	stops.Start()
	w.awaitNext(b, w.gateways)
}

// The configuration is loaded anew while a refresh is under way: the one
// before finishes it, and the one after does not begin another.
func TestAReloadInTheMiddleOfARefreshLosesNothing(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	w.grant("second")
	gate := make(chan struct{})
	refreshes := w.provider.At(provider.Refresh)
	refreshes.Break(fault.Times(1, fault.HeldAnswer(gate)))
	reloaded := w.gateways[0]
	b.awaitRefresh(w, reloaded)
	w.awaitRotations(1)
	reloaded.Signal(syscall.SIGUSR1)
	awaitLog(t, reloaded, "successfully reloaded config from file")
	for range 20 {
		if status, roles := b.page(reloaded); status != http.StatusOK || roles != "first" {
			t.Fatalf("after the reload: %d %s", status, roles)
		}
	}
	if calls := refreshes.Count(); calls != 1 {
		t.Errorf("the provider was asked %d times", calls)
	}
	close(gate)
	b.awaitRole("second", w.gateways...)
	w.awaitNext(b, w.gateways)
}
