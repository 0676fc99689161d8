package providertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// wave is how many requests come at once: fewer by default, for the provider is
// held meanwhile and would be given up after ten seconds.
var wave = gatewaytest.Rounds(16, 50)

// Two gateways on one Redis, a provider that rotates and detects reuse, and many
// requests at the very moment at which the session is to be built anew: while
// the provider is being asked, and again while its answer is written down.
func TestManyRequestsAtTheMomentOfRefreshAreOneRefresh(t *testing.T) {
	t.Parallel()
	expiries := gatewaytest.Rounds(5, 100)
	w := startPair(t, everySecond)
	began := time.Now()
	b := w.signIn()
	var requests, refused, unauthorized atomic.Int64
	for n := 1; n <= expiries; n++ {
		w.expire(b, fmt.Sprintf("round-%d", n), func(status int) {
			requests.Add(1)
			if status != http.StatusOK {
				refused.Add(1)
			}
			if status == http.StatusUnauthorized {
				unauthorized.Add(1)
			}
		})
	}
	tally := w.provider.Tally()
	w.wantNoReuse()
	if tally.Rotations < expiries {
		t.Errorf("%d refreshes in %d expiries", tally.Rotations, expiries)
	}
	// However slow the machine is, a session is due once in a second.
	if most := int(time.Since(began)/time.Second) + 1; tally.Rotations > most {
		t.Errorf("%d refreshes in %d seconds: more than are due", tally.Rotations, most)
	}
	if refused.Load() != 0 {
		t.Errorf("%d requests were refused, %d of them with 401", refused.Load(), unauthorized.Load())
	}
	if calls := w.provider.At(provider.Refresh).Count(); calls != tally.Rotations {
		t.Errorf("%d calls for %d rotations", calls, tally.Rotations)
	}
	calls := float64(w.provider.At(provider.Refresh).Count()) / float64(len(tally.RefreshCalls))
	figure(t, "refresh", fmt.Sprintf("calls per expiry: 2 gateways, %d parallel requests, %d expiries", wave, tally.Rotations), fmt.Sprintf("%.2f", calls))
	figure(t, "refresh", "refresh tokens presented again", fmt.Sprint(tally.Reuses))
	figure(t, "refresh", "sessions lost", fmt.Sprint(len(recordsOf(t, w.redis, adaNumber))-1))
	figure(t, "refresh", fmt.Sprintf("answers 401, of %d requests", requests.Load()), fmt.Sprint(unauthorized.Load()))
}

// expire waits until the session is due, gives Ada that role at the provider,
// and lets two waves of requests come: one while the provider is held, the
// other as it answers. It ends when both gateways show the role.
func (w *pair) expire(b *caller, role string, answered func(status int)) {
	w.t.Helper()
	w.grant(role)
	due := w.record(adaNumber).BuiltAt.Add(time.Second)
	gatewaytest.Await(w.t, "the session is due", func() bool { return !time.Now().Before(due) })
	refreshes := w.provider.At(provider.Refresh)
	before, gate := refreshes.Count(), make(chan struct{})
	refreshes.Break(fault.HeldAnswer(gate))
	b.wave(w.gateways, answered)()
	gatewaytest.Await(w.t, "the refresh shows", func() bool {
		// On a slow machine the wave may have come upon a refresh of the round before.
		status, _ := b.page(w.gateways[0])
		answered(status)
		return refreshes.Count() > before
	})
	wait := b.wave(w.gateways, answered)
	refreshes.Mend()
	close(gate)
	wait()
	b.awaitRole(role, w.gateways...)
}

// wave sends so many requests at once, every other one to the other gateway. What
// it returns waits for the answers.
func (b *caller) wave(gateways []*gatewaytest.Process, answered func(status int)) (wait func()) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range wave {
		all.Go(func() {
			<-start
			status, _, _, err := b.do(b.t.Context(), http.MethodGet, gateways[i%len(gateways)].URL+legacy.PublicPath, "")
			if err != nil {
				b.t.Error(err)
			}
			answered(status)
		})
	}
	close(start)
	return all.Wait
}

func TestRefreshesThatPeopleAskForAtOnceAreOneAtATime(t *testing.T) {
	t.Parallel()
	w := startPair(t, "")
	b := w.signIn()
	w.grant("second")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			status, _, _, err := b.do(t.Context(), http.MethodPost, w.gateways[i%2].URL+"/auth/refresh", "")
			if err != nil || status != http.StatusOK {
				t.Errorf("%d %v", status, err)
			}
		})
	}
	all.Wait()
	w.wantNoReuse()
	b.awaitRole("second", w.gateways...)
}

// Requests whose clients leave while the provider is being asked: what they
// set off goes on.
func TestClientsThatLeaveInTheMiddleOfARefreshLoseNoSession(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	refreshes := w.provider.At(provider.Refresh)
	for n := 1; n <= gatewaytest.Rounds(3, 30); n++ {
		role := fmt.Sprintf("round-%d", n)
		w.grant(role)
		gate, pages := make(chan struct{}), make(chan struct{})
		refreshes.Break(fault.HeldAnswer(gate))
		b.awaitRefresh(w, w.gateways[n%2])
		w.app.Pages.Break(fault.Held(pages))
		asked := w.app.Pages.Count()
		leave := b.hang(w.gateways, wave)
		gatewaytest.Await(t, "the requests have arrived", func() bool { return w.app.Pages.Count() == asked+wave })
		leave()
		w.app.Pages.Mend()
		close(pages)
		refreshes.Mend()
		close(gate)
		b.awaitRole(role, w.gateways...)
	}
	w.wantNoReuse()
	figure(t, "refresh", "sessions lost when clients leave in the middle of it", fmt.Sprint(len(recordsOf(t, w.redis, adaNumber))-1))
}

// hang sends requests that are not answered; leave cancels them and waits
// until they are gone.
func (b *caller) hang(gateways []*gatewaytest.Process, requests int) (leave func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			if _, _, _, err := b.do(ctx, http.MethodGet, gateways[i%len(gateways)].URL+legacy.PublicPath, ""); !errors.Is(err, context.Canceled) {
				b.t.Errorf("a request that was to hang: %v", err)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// Only POST /auth/refresh has the session built anew here, so that what it
// began is seen to have ended.
func TestARefreshWhoseClientLeavesGoesOnAndIsWritten(t *testing.T) {
	t.Parallel()
	w := startPair(t, "")
	b := w.signIn()
	refreshes := w.provider.At(provider.Refresh)
	for n := 1; n <= 3; n++ {
		w.grant(fmt.Sprintf("round-%d", n))
		gate := make(chan struct{})
		refreshes.Break(fault.HeldAnswer(gate))
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, _, _, err := b.do(ctx, http.MethodPost, w.gateways[n%2].URL+"/auth/refresh", "")
			gone <- err
		}()
		gatewaytest.Await(t, "the refresh token is spent", func() bool { return w.provider.Tally().Rotations == n })
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatalf("the client did not leave: %v", err)
		}
		refreshes.Mend()
		close(gate)
		b.awaitRole(fmt.Sprintf("round-%d", n), w.gateways...)
	}
	w.wantNoReuse()
	if calls := refreshes.Count(); calls != 3 {
		t.Errorf("%d calls for 3 refreshes", calls)
	}
}
