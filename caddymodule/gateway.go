package caddymodule

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// gateway is what runs under one configuration, once the app is started or at
// the first request when a server happens to start before the app. It knows
// what it was given and not the configuration. It lives on after a reload until
// its last requests are done.
type gateway struct {
	store    sessionstore.Store // through the near cache, if there is one
	near     *nearcache.Cache   // nil when it is off
	messages nearcache.Notifier // of changes in the store; nil when it tells of none, or nobody listens
	release  func() error       // gives the store back

	callers    *caller.Finder
	sessions   *lifecycle.Sessions
	site       *endpoint.Site
	activity   *sessionstore.Activity
	assertions *assertions
	events     *events
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
	work := []func(context.Context){
		func(ctx context.Context) { every(ctx, flushEvery, func() { g.flush(ctx) }) },
		func(ctx context.Context) { every(ctx, backlogEvery, func() { g.sessions.WorkOff(ctx) }) },
	}
	if g.messages != nil {
		work = append(work, func(ctx context.Context) { g.near.Follow(ctx, g.messages, g.reportGap) })
	}
	if s, ok := g.store.(sessionstore.Sweeper); ok {
		work = append(work, func(ctx context.Context) { g.sweep(ctx, s) })
	}
	return work
}

// close writes the last activity down, so that a reload or a restart shortens
// nobody's idle time, and gives the store back.
func (g *gateway) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	g.sessions.Finish(ctx)
	g.flush(ctx)
	return g.release()
}

func (g *gateway) flush(ctx context.Context) {
	if err := g.activity.Flush(ctx); err != nil && !errors.Is(err, context.Canceled) {
		g.events.logger.Warn("activity is not written down yet; it will be tried again", zap.Error(err))
	}
}

func (g *gateway) sweep(ctx context.Context, s sessionstore.Sweeper) {
	every(ctx, sweepEvery, func() {
		if _, err := s.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
			g.events.logger.Warn("expired sessions were not swept away; it will be tried again", zap.Error(err))
		}
	})
}

// reportGap logs that messages of other gateways may have been missed. It is
// no trouble yet: the cache was emptied and asks the store.
func (g *gateway) reportGap(err error) {
	g.events.logger.Warn("no messages of changed sessions for a moment; the near cache was emptied", zap.Error(err))
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
