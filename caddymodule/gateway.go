package caddymodule

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// gateway is what runs once the app is started, or at the first request when
// a server happens to start before the app.
type gateway struct {
	app        *App
	store      sessionstore.Store // through the near cache, if there is one
	near       *nearcache.Cache   // nil when it is off
	backing    sessionstore.Store // behind the near cache
	echoes     *echoes            // of changes in the store; nil when it tells of none, or nobody listens
	release    func() error
	ring       *token.Ring
	tokens     *token.Cache
	verified   *token.Verified
	throttle   *login.Throttle
	activity   *sessionstore.Activity
	assertions *assertions
	backlog    *backlog
	refresher  *refresher
	attempts   *oidc.AttemptSealer
	trouble    trouble
}

// open makes the gateway: the key ring, then the store that seals with it.
func (a *App) open() (*gateway, error) {
	secrets, err := a.ringSecrets(context.Background())
	if err != nil {
		return nil, err
	}
	ring, err := a.Token.ring(secrets, a.now)
	if err != nil {
		return nil, err
	}
	sealer, err := sessionstore.NewSealer(ring.SealingKeys()...)
	if err != nil {
		return nil, err
	}
	tokens, err := token.NewCache(ring, time.Duration(a.Token.TTL), cachedTokens)
	if err != nil {
		return nil, err
	}
	store, release, err := a.store.Open(sealer, a.now)
	if err != nil {
		return nil, err
	}
	attempts, err := oidc.NewAttemptSealer(ring.CookieKeys(), a.now)
	if err != nil {
		return nil, err
	}
	verified, err := token.NewVerified(ring, 0)
	if err != nil {
		return nil, err
	}
	g := &gateway{
		app:        a,
		release:    release,
		ring:       ring,
		tokens:     tokens,
		verified:   verified,
		assertions: newAssertions(ring, a.now),
		backlog:    newBacklog(),
		backing:    store,
		attempts:   attempts,
	}
	g.refresher = newRefresher(g, time.Duration(a.RefreshEvery))
	g.useStore(store)
	g.throttle = login.NewThrottle(g.store, login.Limits{})
	g.activity = sessionstore.NewActivity(g.store, a.now)
	a.opened.Store(g)
	return g, nil
}

// cachedTokens bounds the short-lived tokens that are kept for reuse.
const cachedTokens = 10_000

// How often background work is done.
const (
	flushEvery   = time.Second
	sweepEvery   = time.Minute
	backlogEvery = time.Second
)

// lastFlush bounds how long the end of a configuration waits for the store,
// and for the sources that are just being asked.
const lastFlush = 10 * time.Second

// watcher is a login that has something to watch while the app runs.
type watcher interface {
	watch(ctx context.Context, g *gateway)
}

func (a *App) startBackground(ctx context.Context, g *gateway) {
	a.running.Go(func() { every(ctx, flushEvery, func() { g.flush(ctx) }) })
	a.running.Go(func() { every(ctx, backlogEvery, func() { g.workOff(ctx) }) })
	if g.echoes != nil {
		a.running.Go(func() { g.near.Follow(ctx, g.echoes, g.reportGap) })
	}
	if s, ok := g.store.(sessionstore.Sweeper); ok {
		a.running.Go(func() { g.sweep(ctx, s) })
	}
	for _, l := range a.logins {
		if w, ok := l.(watcher); ok {
			a.running.Go(func() { w.watch(ctx, g) })
		}
	}
}

// close writes the last activity down, so that a reload or a restart shortens
// nobody's idle time, and gives the store back.
func (g *gateway) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	g.refresher.finish(ctx)
	g.flush(ctx)
	return g.release()
}

func (g *gateway) flush(ctx context.Context) {
	if err := g.activity.Flush(ctx); err != nil && !errors.Is(err, context.Canceled) {
		g.app.logger.Warn("activity is not written down yet; it will be tried again", zap.Error(err))
	}
}

func (g *gateway) sweep(ctx context.Context, s sessionstore.Sweeper) {
	every(ctx, sweepEvery, func() {
		if _, err := s.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
			g.app.logger.Warn("expired sessions were not swept away; it will be tried again", zap.Error(err))
		}
	})
}

// every calls f again and again until the context is done.
func every(ctx context.Context, interval time.Duration, f func()) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}
