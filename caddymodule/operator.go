package caddymodule

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/adminapi"
	"example.com/sidegate/caddymodule/audit"
	"example.com/sidegate/caddymodule/health"
	_ "example.com/sidegate/caddymodule/healthcommand" // the command sidegate-health
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/metrics"
	_ "example.com/sidegate/caddymodule/sessionscommand" // the command sidegate-sessions
	"example.com/sidegate/caddymodule/storecommand"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// This file holds what operators are told of the app, beside its log.

// provisionTold makes ready what operators are told by.
func (a *App) provisionTold(ctx caddy.Context) (err error) {
	if err := a.provisionMetrics(ctx); err != nil {
		return err
	}
	a.emits, err = audit.CaddyEvents(ctx)
	return err
}

// says notes what the configuration says to one of our modules, as it was
// written: before defaults are filled in.
func (a *App) says(module any) (text json.RawMessage) {
	text, _ = json.Marshal(module)
	a.said = append(a.said, text)
	return text
}

// auditLog makes the audit log of this configuration.
func (a *App) auditLog() *audit.Log {
	return audit.New(audit.Config{Logger: a.logger, Digest: a.digest, Now: a.now, Events: a.emits, Lost: a.metrics.AuditLinesLost})
}

// configDigest tells one configuration from another, once all of it is provisioned:
// 16 hexadecimal digits of all that it says to Sidegate, in whichever order Caddy
// came to it. It is keyed by the secret, so that nobody finds out by trying what a
// weak password in it is; gateways that share the secret and the configuration have
// the same.
func (a *App) configDigest(key []byte) string {
	slices.SortFunc(a.said, func(one, other json.RawMessage) int { return bytes.Compare(one, other) })
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("configuration"))
	for _, text := range a.said {
		mac.Write([]byte{0})
		mac.Write(text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Desk is where operators are answered at Caddy's admin endpoint.
func (a *App) Desk() (*adminapi.Desk, error) {
	g, err := a.gateway()
	if err != nil {
		return nil, err
	}
	return g.desk, nil
}

// newDesk is for operators of a gateway, whose store that is, sealed by sealer.
func (a *App) newDesk(g *gateway, store sessionstore.Store, sealer *sessionstore.Sealer, k keys) *adminapi.Desk {
	file, _ := store.(sessionstore.FileStore)
	return adminapi.New(adminapi.Config{
		Operators: lifecycle.NewOperators(g.sessions), Store: store, File: file, Ready: a.health.Answers, ReadyFor: health.Kept, Away: func() bool { return g.watch.Away() }, Keys: a.keysInForce(sealer, k.ring),
		Digest: a.digest, Version: Version, Now: a.now,
	})
}

// browserOf is the store for operators; nil where it cannot be looked through.
func browserOf(store sessionstore.Store) sessionstore.Browser {
	b, _ := store.(sessionstore.Browser)
	return b
}

// keysInForce are the keys that sessions are sealed with, and those that tokens are
// signed with. When one was made is known of a secret of our own making alone.
func (a *App) keysInForce(sealer *sessionstore.Sealer, ring *token.Ring) (keys []adminapi.Key) {
	var made time.Time
	if len(a.secrets) == 0 {
		if info, err := a.storage.Stat(context.Background(), secretPath); err == nil {
			made = info.Modified
		}
	}
	for i, id := range sealer.KeyIDs() {
		keys = append(keys, adminapi.Key{ID: id, Use: adminapi.Sealing, Algorithm: "AES-256-GCM", Present: i == 0, Made: made})
	}
	if len(a.Token.SigningKeys) > 0 {
		made = time.Time{} // they are files
	}
	for i, key := range ring.PublicKeys() {
		keys = append(keys, adminapi.Key{ID: key.ID, Use: adminapi.Signing, Algorithm: key.Algorithm, Present: i == 0, Made: made})
	}
	return keys
}

// provisionMetrics registers what is measured. It comes before all that may
// fail: see inForce.
func (a *App) provisionMetrics(ctx caddy.Context) error {
	a.metrics = metrics.New()
	return metrics.Register(ctx.GetMetricsRegistry(), a.metrics, func() metrics.Reading { return a.inForce().reading() })
}

// inForce is the app of the configuration that runs. After a reload that was
// refused, Caddy's admin endpoint keeps the registry of that configuration,
// and would tell of a gateway that never was.
func (a *App) inForce() *App {
	if app, err := caddy.ActiveContext().AppIfConfigured("sidegate"); err == nil {
		return app.(*App)
	}
	return a
}

// reading is what a scrape is told.
func (a *App) reading() metrics.Reading {
	r := metrics.Reading{Set: a.metrics, Version: Version, Revision: builtOf(), Reports: a.reports}
	if g := a.opened.Load(); g != nil {
		r.Gateway = g.reading()
	}
	return r
}

// reading reads what the parts of the gateway count anyway.
func (g *gateway) reading() *metrics.Gateway {
	r := &metrics.Gateway{
		ActivityPending: g.activity.Pending(), OpenStreams: int(g.streams.Open()), Backlog: g.sessions.Backlog(),
		StoreUp: !g.watch.Away(), Sessions: g.live.last.Load(),
	}
	if g.near != nil {
		s := g.near.Stats()
		r.Near = &s
	}
	return r
}

// census is how many sessions are live. It is taken in the background: a scrape
// is not to have the store look through all of them.
type census struct {
	of   func(context.Context) (int, error) // nil where it is not taken
	last atomic.Pointer[int64]              // nil before the first
}

// countable is who counts the sessions of a store, where that is cheap: one that
// gateways share would be looked through by each of them, over the network.
func (a *App) countable(raw sessionstore.Store) func(context.Context) (int, error) {
	if b, ok := raw.(sessionstore.Browser); ok && !a.store.Shared() {
		return b.Count
	}
	return nil
}

// take counts. A store that cannot say leaves what it said before.
func (c *census) take(ctx context.Context) {
	if c.of == nil {
		return
	}
	if n, err := c.of(ctx); err == nil {
		counted := int64(n)
		c.last.Store(&counted)
	}
}

// sweep has the store drop what has expired, and counts what is left.
func (g *gateway) sweep(ctx context.Context, s sessionstore.Sweeper) {
	g.live.take(ctx)
	every(ctx, sweepEvery, func() {
		if _, err := s.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
			g.events.logger.Warn("expired sessions were not swept away; it will be tried again", zap.Error(err))
		}
		g.live.take(ctx)
	})
}

// Kept is what the command sidegate-store is told: it opens no store, and makes no
// secret.
func (a *App) Kept(ctx context.Context) (storecommand.Kept, error) {
	file, ok := a.store.(*EmbeddedStore)
	if !ok {
		return storecommand.Kept{}, errors.New("the store of this configuration is no file (`store embedded`): redis is copied and checked with its own tools " +
			"(BGSAVE, redis-check-rdb), and what is in memory is gone with the gateway")
	}
	k := storecommand.Kept{File: file.path, Secrets: a.secrets, Made: len(a.secrets) == 0, Written: a.named("the configuration")}
	if !k.Made {
		return k, nil
	}
	made, err := a.storage.Load(ctx, secretPath)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return k, nil
	case err != nil:
		return k, fmt.Errorf("the secret that was made here cannot be read from Caddy's storage: %w; run this as the user of the gateway, with its HOME", err)
	}
	if err := a.spoilt(string(made)); err != nil {
		return k, err
	}
	k.Secrets = []string{string(made)}
	return k, nil
}

// Interface guards
var _ adminapi.App = (*App)(nil)
