package nearcache

import (
	"context"
	"errors"
	"time"

	"example.com/sidegate/sessionstore"
)

var (
	_ sessionstore.Store   = (*Cache)(nil)
	_ sessionstore.Sweeper = (*Cache)(nil)
)

// Every write but Touch forgets its session twice, whether it succeeds or not:
// before it, so that from then on this process asks the store, however long the
// write takes; and after it, because a reader in between may have put the old
// one back.

// Get is Lookup for those who want the session alone.
func (c *Cache) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e, err := c.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	return e.Session, nil
}

// Create keeps a new session in the store: see sessionstore.Store. Those that
// end for it are forgotten too, as soon as it is known which they are.
func (c *Cache) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	c.Drop(s.Key)
	defer c.Drop(s.Key)
	ended, err := c.store.Create(ctx, s, limit)
	for _, e := range ended {
		c.Drop(e.Key)
	}
	return ended, err
}

// Update changes a session in the store: see sessionstore.Store.
func (c *Cache) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	c.Drop(s.Key)
	defer c.Drop(s.Key)
	return c.store.Update(ctx, s)
}

// Touch notes activity in the store: see sessionstore.Store. It takes no right
// away, so what is held stays good while it is written, and when it cannot be:
// it is all that there is of somebody who is active while the store is away.
// Once it is written the store is asked first, for the new end; and one that it
// says is gone is forgotten, though its message was lost.
func (c *Cache) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	err := c.store.Touch(ctx, s, seen)
	switch {
	case err == nil:
		c.doubt(s.Key)
	case errors.Is(err, sessionstore.ErrNotFound):
		c.Drop(s.Key)
	}
	return err
}

// Beat proves that the store can be written: see sessionstore.Store.
func (c *Cache) Beat(ctx context.Context) error { return c.store.Beat(ctx) }

// Revoke ends a session: see sessionstore.Store.
func (c *Cache) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	c.Drop(key)
	defer c.Drop(key)
	c.delay.send(key)
	s, err := c.store.Revoke(ctx, key)
	if err != nil {
		c.delay.forget(key)
	}
	return s, err
}

// RevokeUser ends the person's sessions: see sessionstore.Store. It walks
// through all that is held here, a shard at a time.
func (c *Cache) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	kept := make(map[sessionstore.Key]bool, len(except))
	for _, key := range except {
		kept[key] = true
	}
	c.dropUser(userID, kept)
	defer c.dropUser(userID, kept)
	return c.store.RevokeUser(ctx, userID, except...)
}

// List asks the store: see sessionstore.Store.
func (c *Cache) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	return c.store.List(ctx, userID)
}

// Sweep gives back the memory of what can no longer be served, and sweeps the
// store if it is a sessionstore.Sweeper. The number is the store's.
func (c *Cache) Sweep(ctx context.Context) (int, error) {
	for i := range c.shards {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		c.sweep(&c.shards[i])
	}
	if sw, ok := c.store.(sessionstore.Sweeper); ok {
		return sw.Sweep(ctx)
	}
	return 0, nil
}

func (c *Cache) sweep(sh *shard) {
	now := c.opts.Now()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for key, e := range sh.sessions {
		if !e.within(c.opts.TTL+c.opts.Stale, now) {
			delete(sh.sessions, key)
			c.size.Add(-1)
		}
	}
	for key, at := range sh.unknown {
		if c.judge(nil, at, now) == askStore {
			delete(sh.unknown, key)
		}
	}
}
