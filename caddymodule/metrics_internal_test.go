package caddymodule

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/metrics"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

// namedLogin is a login of which only the name is of interest.
type namedLogin string

func (l namedLogin) Name() string                { return string(l) }
func (namedLogin) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{} }

// measured is a gateway with a near cache, its metrics, and a session in it.
func measured(t testing.TB) (*App, *gateway, *sessionstore.Session) {
	t.Helper()
	a := &App{SecretOptions: SecretOptions{secrets: []string{strings.Repeat("s", token.MinSecret)}}, logger: zap.NewNop(), now: time.Now, metrics: metrics.New()}
	a.store = new(MemoryStore)
	a.logins = []LoginModule{namedLogin("plain")}
	a.LifeOptions.setDefaults()
	a.Token.setDefaults("")
	g, err := a.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.close() })
	now := time.Now()
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1}, Version: 1, Method: "plain",
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), IdleTimeout: time.Hour,
	}
	if err := storetest.Keep(t.Context(), g.store, s); err != nil {
		t.Fatal(err)
	}
	return a, g, s
}

func TestMetricsCostARequestNothing(t *testing.T) {
	a, g, s := measured(t)
	registry := prometheus.NewPedanticRegistry()
	if err := metrics.Register(registry, a.metrics, a.reading); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := g.near.Lookup(ctx, s.Key); err != nil {
		t.Fatal(err)
	}
	if allocs := testing.AllocsPerRun(1000, func() { _, _ = g.near.Lookup(ctx, s.Key) }); allocs != 0 {
		t.Errorf("a look-up of a cached session allocates %v times", allocs)
	}
	if _, err := registry.Gather(); err != nil {
		t.Errorf("what was counted meanwhile cannot be told: %v", err)
	}
}

// browsed is a store that counts its sessions, or cannot say.
type browsed struct {
	sessionstore.Store
	sessionstore.Browser
	live int
	err  error
}

func (b *browsed) Count(context.Context) (int, error) { return b.live, b.err }

func TestLiveSessionsAreCountedInTheBackgroundAlone(t *testing.T) {
	a, g, _ := measured(t)
	store := &browsed{live: 3}
	g.live.of = a.countable(store)
	tell := func() *int64 { return a.reading().Gateway.Sessions }
	if tell() != nil {
		t.Error("a number is told that nobody has counted")
	}
	g.live.take(t.Context())
	store.live = 5
	if n := tell(); n == nil || *n != 3 {
		t.Errorf("%v are told of; want the 3 of the last count", n)
	}
	store.err = errors.New("no answer")
	g.live.take(t.Context())
	if n := tell(); n == nil || *n != 3 {
		t.Errorf("a store that cannot say has them forgotten: %v", n)
	}
	t.Run("a store that gateways share is not looked through by each", func(t *testing.T) {
		a.store = new(RedisStore)
		if a.countable(store) != nil {
			t.Error("it is counted")
		}
	})
}
