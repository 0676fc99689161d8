package caddymodule

import (
	"context"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// cachedTokens bounds the short-lived tokens that are kept for reuse.
const cachedTokens = 10_000

// keys are the key ring and what is kept of its work.
type keys struct {
	ring     *token.Ring
	tokens   *token.Cache
	verified *token.Verified
	attempts *oidc.AttemptSealer
	marker   *sessionstore.Marker
}

// open makes the gateway of this configuration: the key ring, then the store
// that seals with it, then what is built on both.
func (a *App) open() (*gateway, error) {
	k, err := a.openKeys()
	if err != nil {
		return nil, err
	}
	sealer, err := sessionstore.NewSealer(k.ring.SealingKeys()...)
	if err != nil {
		return nil, err
	}
	store, release, err := a.store.Open(sealer, a.now)
	if err != nil {
		return nil, err
	}
	g := &gateway{
		release:    release,
		assertions: newAssertions(k.ring, a.now),
		events:     &events{logger: a.logger, metrics: a.metrics, now: a.now},
	}
	a.putCacheBefore(store, g)
	g.activity = sessionstore.NewActivity(g.store, a.now)
	g.callers = caller.NewFinder(caller.Config{
		Near: g.near, Store: g.store, Ring: k.ring, Verified: k.verified, Marker: k.marker,
		Cookie: a.Cookie.Name, Trouble: g.events.Trouble,
	})
	g.sessions = lifecycle.New(a.lifecycle(g, store, k))
	if g.site, err = endpoint.New(a.endpoints(g, k)); err != nil {
		return nil, err
	}
	a.opened.Store(g)
	return g, nil
}

func (a *App) openKeys() (k keys, err error) {
	secrets, err := a.ringSecrets(context.Background())
	if err != nil {
		return k, err
	}
	if k.ring, err = a.Token.ring(secrets, a.now); err != nil {
		return k, err
	}
	if k.tokens, err = token.NewCache(k.ring, time.Duration(a.Token.TTL), cachedTokens); err != nil {
		return k, err
	}
	if k.verified, err = token.NewVerified(k.ring, 0); err != nil {
		return k, err
	}
	if k.marker, err = sessionstore.NewMarker(k.ring.MarkKeys()...); err != nil {
		return k, err
	}
	k.attempts, err = oidc.NewAttemptSealer(k.ring.CookieKeys(), a.now)
	return k, err
}

// putCacheBefore puts the near cache in front of the store, unless it is off.
func (a *App) putCacheBefore(store sessionstore.Store, g *gateway) {
	g.store = store
	if a.Cache.Off {
		return
	}
	opts := nearcache.Options{
		TTL:     time.Duration(a.Cache.TTL),
		Entries: a.Cache.Entries,
		Stale:   time.Duration(a.Cache.Stale),
		Now:     a.now,
	}
	if n, ok := store.(nearcache.Notifier); ok {
		g.messages = n
		opts.ObserveDelay = func(d time.Duration) { a.metrics.revocationDelay.Observe(d.Seconds()) }
	}
	g.near = nearcache.New(store, opts)
	g.store = g.near
}

func (a *App) lifecycle(g *gateway, backing sessionstore.Store, k keys) lifecycle.Config {
	c := lifecycle.Config{
		Store: g.store, Backing: backing,
		Directories: a.directories, Roles: a.roles,
		Lifetime: time.Duration(a.Lifetime), IdleTimeout: time.Duration(*a.IdleTimeout), RefreshEvery: time.Duration(a.RefreshEvery),
		NewSecret: k.marker.NewSecret, Ended: k.tokens.Forget, Events: g.events, Now: a.now,
	}
	if g.near != nil {
		c.Drop = g.near.Drop
	}
	for _, l := range a.logins {
		c.Logins = append(c.Logins, l)
	}
	for _, p := range a.providers {
		c.Providers = append(c.Providers, p.Name())
	}
	return c
}

func (a *App) endpoints(g *gateway, k keys) endpoint.Config {
	c := endpoint.Config{
		Address: a.address, Callers: g.callers, Sessions: g.sessions,
		Ring: k.ring, Tokens: k.tokens, Events: g.events, Now: a.now,
		Logins: endpoint.Logins{Providers: a.providers, Throttle: login.NewThrottle(g.store, login.Limits{}), Attempts: k.attempts},
	}
	for _, l := range a.logins {
		if m, ok := l.(login.PasswordMethod); ok {
			c.Passwords = append(c.Passwords, m)
		}
	}
	return c
}
