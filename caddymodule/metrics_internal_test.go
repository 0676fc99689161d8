package caddymodule

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

func TestSignInsAreNamedByTheirEnd(t *testing.T) {
	for _, c := range []struct {
		name, want string
		why        refusal
	}{
		{"one that succeeded", "signed_in", refusal{}},
		{"wrong credentials", "refused", refuseCredentials},
		{"a person whose entry is not sound", "refused", refuseProfile},
		{"too many attempts", "throttled", refuseThrottled.after(time.Minute)},
		{"too much to do", "busy", refuseBusy},
		{"a store that cannot tell", "failed", refuseUnavailable},
		{"a store that cannot tell, on a route with another status", "failed", refuseUnavailable.as(500)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := resultOf(c.why); got != c.want {
				t.Errorf("it is %s; want %s", got, c.want)
			}
		})
	}
}

// measured is a gateway with a near cache, its metrics, and a session in it.
func measured(t testing.TB) (*gateway, *sessionstore.Session) {
	t.Helper()
	now := time.Now()
	app := &App{logger: zap.NewNop(), now: time.Now, metrics: newMetrics()}
	g := &gateway{app: app, backlog: newBacklog()}
	g.useStore(memory.New(nil))
	g.activity = sessionstore.NewActivity(g.store, app.now)
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1}, Version: 1,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), IdleTimeout: time.Hour,
	}
	if err := g.store.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	app.opened.Store(g)
	return g, s
}

func TestMetricsCostARequestNothing(t *testing.T) {
	g, s := measured(t)
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector{g.app}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := g.lookup(ctx, s.Key); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(1000, func() { _, _ = g.lookup(ctx, s.Key) }); allocs != 0 {
		t.Errorf("a look-up of a cached session allocates %v times", allocs)
	}
	if _, err := registry.Gather(); err != nil {
		t.Errorf("what was counted meanwhile cannot be told: %v", err)
	}
}

func TestTroubleOfALoginIsNotTheStores(t *testing.T) {
	g, _ := measured(t)
	failures := func() float64 { return valueOf(t, g.app.metrics.storeFailures) }
	away := errors.New("away")
	g.reportStore(t.Context(), "a login method failed", loginFault{away})
	if n := failures(); n != 0 {
		t.Errorf("the store is blamed %v times for a login", n)
	}
	g.reportStore(t.Context(), "a session could not be looked up", away)
	g.reportStore(t.Context(), "a session could not be looked up", away)
	if n := failures(); n != 2 {
		t.Errorf("%v failures were counted; want 2, whatever the log leaves out", n)
	}
	if !errors.Is(loginFault{away}, away) {
		t.Error("what was wrong with the login is hidden")
	}
}

// valueOf is the value of a counter, or how many a histogram has observed.
func valueOf(t testing.TB, c prometheus.Collector) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families: %v", len(families), err)
	}
	m := families[0].GetMetric()[0]
	return m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
}

func TestTheBacklogCountsWhatIsBeingDone(t *testing.T) {
	b := newBacklog()
	one, other := personTask{"users", 1, true}, personTask{"users", 2, true}
	b.add(one)
	b.add(other)
	want := func(what string, n int) {
		t.Helper()
		if got := b.len(); got != n {
			t.Errorf("%s there are %d; want %d", what, got, n)
		}
	}
	b.take()
	want("while both are tried", 2)
	b.settle(one, true)
	want("when one is done", 1)
	b.settle(other, false)
	want("when the other has failed", 1)
	b.take()
	b.settle(other, true)
	want("when all is done", 0)
}
