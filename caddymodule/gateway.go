package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/adminapi"
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/observed"
	"example.com/sidegate/caddymodule/storewatch"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/caddymodule/tracing"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// gateway is what runs under one configuration, once the app is started or at
// the first request when a server happens to start before the app. It knows
// what it was given and not the configuration. It lives on after a reload until
// its last requests are done.
type gateway struct {
	store    sessionstore.Store    // through the near cache, if there is one
	backing  sessionstore.Store    // the same, without it
	near     *nearcache.Cache      // nil when it is off
	messages sessionstore.Notifier // of changes in the store; nil when it tells of none
	keptIn   string                // the store as it is configured
	release  func() error          // gives the store back
	streams  *streams.Watch        // what requests keep open, of all gateways of that store in this process
	stopped  atomic.Bool           // the configuration is no longer in force

	unwritten atomic.Bool // activity could not be written the last time
	watch     *storewatch.Watch
	live      census

	callers    *caller.Finder
	vouching   *lifecycle.Vouching
	sessions   *lifecycle.Sessions
	site       *endpoint.Site
	activity   *sessionstore.Activity
	assertions *assertions
	events     *events
	desk       *adminapi.Desk
}

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
	a.digest = sync.OnceValue(func() string { return a.configDigest(k.ring.MarkKeys()[0]) })
	sealer, err := sessionstore.NewSealer(k.ring.SealingKeys()...)
	if err != nil {
		return nil, err
	}
	raw, release, err := a.store.Open(sealer, a.now)
	if err != nil {
		return nil, err
	}
	open, let, err := pooled("sidegate.streams:"+a.keptIn, func() (*streams.Watch, error) { return streams.NewWatch(), nil })
	if err != nil {
		return nil, errors.Join(err, release())
	}
	g := &gateway{
		keptIn:     a.keptIn,
		streams:    open,
		release:    func() error { return errors.Join(let(), release()) },
		assertions: newAssertions(k.ring, a.now),
		events:     newEvents(a.logger, a.metrics, a.now, a.formerSecret(), newAccountNames(k.ring.MarkKeys()[0], a.LogNames)),
	}
	g.events.audit = a.auditLog()
	if g.vouching, err = a.vouching(g, k); err != nil {
		return nil, errors.Join(err, g.release())
	}
	store := observed.Before(raw, a.store.CaddyModule().ID.Name(), a.metrics.Store)
	g.activity = sessionstore.NewActivity(store, a.now)
	backing := g.activity.Before(store)
	a.putCacheBefore(raw, backing, g)
	g.activity.Through(g.store)
	g.watch, g.live.of = a.watchOver(raw, g), a.countable(raw)
	g.events.store = g.watch
	adoption := a.adoption(g, k)
	g.callers = caller.NewFinder(a.finder(g, k, adoption))
	g.sessions = lifecycle.New(a.lifecycle(g, raw, backing, k))
	g.site = endpoint.New(a.endpoints(g, k, adoption))
	g.desk = a.newDesk(g, raw, sealer, k)
	a.opened.Store(g)
	return g, nil
}

func (a *App) finder(g *gateway, k keys, adoption *endpoint.Adoption) caller.Config {
	c := caller.Config{
		Near: g.near, Store: g.store, Vouch: g.vouching.Of, Ring: k.ring, Verified: k.verified, Marker: k.marker,
		Cookie: a.Cookie.Name, Trouble: g.events.Trouble,
		Bearers: caller.Bearers{Off: a.Token.Off, Sites: a.address.Sites, Refused: g.events.bearerRefused},
	}
	if adoption != nil {
		c.Adopt = adoption
	}
	return c
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
// Backing is the raw store with the activity in front of it that is yet to be written.
func (a *App) putCacheBefore(raw, backing sessionstore.Store, g *gateway) {
	g.store, g.backing = backing, backing
	g.messages, _ = raw.(sessionstore.Notifier)
	if a.Cache.Off {
		return
	}
	opts := nearcache.Options{
		TTL:     time.Duration(a.Cache.TTL),
		Entries: a.Cache.Entries,
		Stale:   time.Duration(a.Cache.Stale),
		Vouch:   g.vouching.Of,
		Trace:   tracing.Below,
		Now:     a.now,
	}
	if p, ok := a.store.(interface{ patience() time.Duration }); ok {
		opts.Timeout = max(nearcache.DefaultTimeout, 2*p.patience())
	}
	// Messages of a store of our own come from this process: what they take says
	// nothing of other gateways.
	if g.messages != nil && a.store.Shared() {
		opts.ObserveDelay = a.metrics.RevocationTook
	}
	g.near = nearcache.New(backing, opts)
	g.store = g.near
}

// vouching is what this configuration vouches for sessions by.
func (a *App) vouching(g *gateway, k keys) (*lifecycle.Vouching, error) {
	rules, err := a.rules()
	if err != nil {
		return nil, err
	}
	return lifecycle.NewVouching(lifecycle.VouchingConfig{
		Logins: a.methods(), Roles: a.roles, Rules: rules, Sources: a.sources(), Domains: a.domains,
		Directories: len(a.directories) > 0,
		Keys:        k.ring.DigestKeys().Grounds, Events: g.events, Now: a.now,
	}), nil
}

func (a *App) lifecycle(g *gateway, store, backing sessionstore.Store, k keys) lifecycle.Config {
	c := lifecycle.Config{
		Store: g.store, Backing: backing, Browser: browserOf(store),
		Directories: a.directories, Roles: a.roles, Mapped: a.mapped(), Logins: a.methods(), Domains: a.domains,
		People: a.people(k.ring.DigestKeys().Owners), Vouching: g.vouching, InForce: g.inForce,
		Lifetime: time.Duration(a.Lifetime), IdleTimeout: time.Duration(*a.IdleTimeout), RefreshEvery: time.Duration(a.RefreshEvery),
		MaxSessions: a.MaxSessions, RefuseBeyond: a.BeyondMaxSessions == beyondRefuse,
		NewSecret: k.marker.NewSecret, Ended: k.tokens.Forget, Events: g.events, Now: a.now,
	}
	if g.near != nil {
		c.Drop = g.near.Drop
	}
	for _, p := range a.providers {
		c.Providers = append(c.Providers, p.Name())
	}
	return c
}

func (a *App) endpoints(g *gateway, k keys, adoption *endpoint.Adoption) endpoint.Config {
	c := endpoint.Config{
		Address: a.address, Callers: g.callers, Sessions: g.sessions,
		Ring: k.ring, Tokens: k.tokens, TokensOff: a.Token.Off, Events: g.events, Now: a.now,
		Streams: g.streams, Audience: a.audience, Why: a.why(), DocsOff: a.DocsOff,
		SignedOut: func(ctx context.Context, key sessionstore.Key) bool { return lifecycle.SignedOut(ctx, g.store, key) },
		Outcomes:  &a.metrics.Requests, Policies: a.policies(g), Uses: func(c *caller.Caller) { g.uses(c, a.now()) },
		Logins: endpoint.Logins{Providers: a.providers, Throttle: login.NewThrottle(g.store, login.Limits{}), Attempts: k.attempts, Adoption: adoption},
	}
	for _, l := range a.logins {
		if m, ok := l.(login.PasswordMethod); ok {
			c.Passwords = append(c.Passwords, m)
			c.NameLabel = cmp.Or(c.NameLabel, labelOf(l))
		}
	}
	return c
}

// adoption takes over the people of other gateways; nil where no login does.
func (a *App) adoption(g *gateway, k keys) *endpoint.Adoption {
	if len(a.adopts) == 0 {
		return nil
	}
	return endpoint.NewAdoption(endpoint.AdoptionConfig{
		Logins: a.adopts, Names: a.address.Cookie.Old, Marks: adopt.NewMarks(g.backing, k.ring.DigestKeys().Adopted, a.now),
		Store: g.backing, Throttle: login.NewThrottle(g.backing, login.Limits{}), BasePath: a.address.BasePath, Sites: a.address.Sites,
		Sessions: func() *lifecycle.Sessions { return g.sessions }, Events: g.events, Now: a.now,
	})
}

// How often background work is done.
const (
	flushEvery   = time.Second
	sweepEvery   = time.Minute
	backlogEvery = time.Second
)

// lastFlush bounds how long the end of a configuration waits for the store,
// and for the sources that are just being asked.
const lastFlush = 10 * time.Second

// background returns the work that goes on as long as the app runs. Each piece
// ends with its context.
func (g *gateway) background() []func(context.Context) {
	g.watch.Begin()
	work := []func(context.Context){
		func(ctx context.Context) { every(ctx, flushEvery, func() { g.flush(ctx) }) },
		g.watch.Run, g.events.audit.Run,
		func(ctx context.Context) { every(ctx, streams.Tick, func() { g.streams.Tick(g.events.now()) }) },
		func(ctx context.Context) { every(ctx, backlogEvery, func() { g.sessions.WorkOff(ctx) }) },
	}
	if g.messages != nil {
		ear := sessionstore.Listener{Changed: g.heard, Missed: g.missed, Interrupted: g.reportGap}
		work = append(work, func(ctx context.Context) { sessionstore.Follow(ctx, g.messages, ear) })
	}
	if s, ok := g.store.(sessionstore.Sweeper); ok {
		work = append(work, func(ctx context.Context) { g.sweep(ctx, s) })
	}
	return work
}

// uses notes that a session is in use, whatever its person may do here: one who
// may not, for want of a role, is asked for again too, and may be given it.
func (g *gateway) uses(c *caller.Caller, now time.Time) {
	if c.MayPass() {
		c.Entry.Note(g.activity, now)
		g.sessions.RefreshIfDue(c.Session, now)
	}
}

// close writes the last activity down, so that a reload or a restart shortens
// nobody's idle time, and gives the store back.
func (g *gateway) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	g.sessions.Finish(ctx)
	g.flush(ctx)
	g.events.audit.Close()
	return g.release()
}

func (g *gateway) flush(ctx context.Context) {
	err := g.activity.Flush(ctx)
	if errors.Is(err, context.Canceled) {
		return
	}
	if again := g.unwritten.Swap(err != nil); err != nil && !again {
		g.warn("activity is not written down yet; it will be tried again and again", err)
	}
}

// heard is told of each session that was changed or ended, here or elsewhere.
func (g *gateway) heard(key sessionstore.Key) {
	if g.near != nil {
		g.near.Heard(key)
	}
	g.streams.Changed(key) // behind the near cache, which it asks
}

// missed is told when any session may have been changed or ended unheard.
func (g *gateway) missed() {
	if g.near != nil {
		g.near.Missed()
	}
	g.streams.Missed()
}

// reportGap logs that messages of other gateways may have been missed. It is
// no trouble yet: the store is asked before anything of the cache is served. Who
// may not listen goes on asking, until somebody lets them.
func (g *gateway) reportGap(err error) {
	message, near := "no messages of changed sessions for a moment", "; the store is asked before the near cache answers"
	if errors.Is(err, sessionstore.ErrMayNotListen) {
		message, near = "no messages of changed sessions until the store lets us listen", "; the near cache asks the store again "+
			"every few seconds, and so knows of a sign-out at another gateway by then"
	}
	if g.near == nil {
		near = ""
	}
	g.warn(message+near, err)
}

// warn tells of what failed at the store, unless the log knows that it is away.
func (g *gateway) warn(message string, err error) {
	if !g.watch.Hold(zap.WarnLevel, message, err, zap.Error(err)) {
		g.events.logger.Warn(message, zap.Error(err))
	}
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
