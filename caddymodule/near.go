package caddymodule

import (
	"context"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// useStore puts the near cache in front of the store.
func (g *gateway) useStore(store sessionstore.Store) {
	g.store = store
	c := g.app.Cache
	if c.Off {
		return
	}
	g.near = nearcache.New(store, nearcache.Options{
		TTL:     time.Duration(c.TTL),
		Entries: c.Entries,
		Stale:   time.Duration(c.Stale),
		Now:     g.app.now,
	})
	g.store = g.near
	if n, ok := store.(nearcache.Notifier); ok {
		g.echoes = newEchoes(n, g.app.now, g.app.metrics.revocationDelay.Observe)
	}
}

// lookup returns the session of that key, and room for what is derived of it.
func (g *gateway) lookup(ctx context.Context, key sessionstore.Key) (*nearcache.Entry, error) {
	if g.near != nil {
		return g.near.Lookup(ctx, key)
	}
	s, err := g.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return nearcache.Uncached(s), nil
}

// reportGap logs that messages of other gateways may have been missed. It is
// no trouble yet: the cache was emptied and asks the store.
func (g *gateway) reportGap(err error) {
	g.app.logger.Warn("no messages of changed sessions for a moment; the near cache was emptied", zap.Error(err))
}
