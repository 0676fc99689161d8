package nearcache

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// Cache is the near cache in front of a store. It is itself a
// sessionstore.Store, and may be used concurrently.
type Cache struct {
	// These are asked of the store: nothing of them is kept here.
	sessionstore.Attempts
	sessionstore.Leases
	sessionstore.Links
	sessionstore.Numbers
	sessionstore.Owners

	store sessionstore.Store
	opts  Options

	size  atomic.Int64  // sessions held, of all shards
	hand  atomic.Uint32 // the shard that is next to give an entry up
	gaps  atomic.Uint64
	slots chan struct{} // one for each look-up under way
	delay *revocationDelay

	shards [shardCount]shard
}

// New returns an empty cache in front of the store.
func New(store sessionstore.Store, opts Options) *Cache {
	c := &Cache{
		Attempts: store,
		Leases:   store,
		Links:    store,
		Numbers:  store,
		Owners:   store,
		store:    store,
		opts:     opts.withDefaults(),
		slots:    make(chan struct{}, maxLookups),
	}
	c.delay = newRevocationDelay(c.opts.Now, opts.ObserveDelay)
	for i := range c.shards {
		c.shards[i].reset()
	}
	return c
}

// verdict is what can be said of a key without the store.
type verdict uint8

const (
	askStore verdict = iota // only the store can tell
	held
	nobodys
)

// Lookup returns the entry of that key. The error is ErrNotFound when it is
// certain that there is no such session; any other error means "cannot tell"
// and is never remembered. What is known here is answered at once, whatever
// the state of ctx; otherwise ctx bounds the caller's wait, but not the
// look-up, which callers of the same key share.
func (c *Cache) Lookup(ctx context.Context, key sessionstore.Key) (*Entry, error) {
	if e, err := c.Known(key); e != nil || err != nil {
		return e, err
	}
	return c.ask(ctx, c.shardOf(key), key)
}

// LookupSure is Lookup for who would rather wait than be told what is doubted: while
// the store cannot tell, nothing past its time is served in its place.
func (c *Cache) LookupSure(ctx context.Context, key sessionstore.Key) (*Entry, error) {
	if e, err := c.Known(key); e != nil || err != nil {
		return e, err
	}
	return c.await(ctx, c.shardOf(key), key)
}

// Known is what Lookup would say without the store; neither an entry nor an
// error when it has to be asked.
func (c *Cache) Known(key sessionstore.Key) (*Entry, error) {
	sh := c.shardOf(key)
	e, unknownAt := sh.peek(key)
	// The clock is read after the entry, which is thus never from the future.
	switch c.judge(e, unknownAt, c.opts.Now()) {
	case held:
		sh.counters.hits.Add(1)
		return e, nil
	case nobodys:
		sh.counters.unknown.Add(1)
		return nil, sessionstore.ErrNotFound
	default:
		return nil, nil
	}
}

// judge says what follows from what a shard holds: an entry or nil, and when
// the store last said that there is none, or the zero time.
func (c *Cache) judge(e *Entry, unknownAt, now time.Time) verdict {
	if e != nil {
		if e.within(c.opts.TTL, now) && !e.doubted.Load() {
			return held
		}
		return askStore
	}
	if unknownAt.IsZero() {
		return askStore
	}
	if age := now.Sub(unknownAt); age >= 0 && age < c.opts.Unknown {
		return nobodys
	}
	return askStore
}

// Drop forgets the session of that key. A look-up that began before is not
// remembered, and nobody who comes later joins it: it may have read what has
// been revoked since.
func (c *Cache) Drop(key sessionstore.Key) {
	sh := c.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c.size.Add(int64(-sh.drop(key)))
}

// Clear forgets everything, as Drop does for one key.
func (c *Cache) Clear() {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		c.size.Add(int64(-len(sh.sessions)))
		sh.reset()
		sh.mu.Unlock()
	}
}

// dropUser forgets the person's sessions but those excepted. Whose session a
// look-up under way will find is not known yet, so all of those go too; that
// costs a second look-up and nothing else.
func (c *Cache) dropUser(userID int64, except map[sessionstore.Key]bool) {
	shard := sessionstore.ShardOf(userID)
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		for key := range sh.flights {
			if !except[key] {
				delete(sh.flights, key)
			}
		}
		for key, e := range sh.sessions {
			// Keys lie side by side, entries do not: look at the key first.
			if key.Shard == shard && e.Session.User.ID == userID && !except[key] {
				c.size.Add(int64(-sh.drop(key)))
			}
		}
		sh.mu.Unlock()
	}
}

// doubt has the store asked for that session before it is served again; only
// when it cannot be asked is what is held served, to the end of its time. As
// with Drop, a look-up that began before is neither remembered nor joined.
func (c *Cache) doubt(key sessionstore.Key) {
	sh := c.shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.flights, key)
	delete(sh.unknown, key)
	if e := sh.sessions[key]; e != nil {
		e.doubted.Store(true)
	}
}

// doubtAll is called when messages may have been lost: what is held may have
// been revoked since. It is not dropped, for a subscription breaks just when
// the store may not answer either; how long a revocation takes at most is bound
// by the age of an entry, as it is when messages are lost without a sign.
func (c *Cache) doubtAll() {
	c.gaps.Add(1)
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		clear(sh.flights)
		clear(sh.unknown)
		for _, e := range sh.sessions {
			e.doubted.Store(true)
		}
		sh.mu.Unlock()
	}
}

// shrink evicts entries, shard after shard, until they are as few as they must
// be; spared has just come.
func (c *Cache) shrink(spared *Entry) {
	for range shardCount {
		if c.size.Load() <= int64(c.opts.Entries) {
			return
		}
		sh := &c.shards[c.hand.Add(1)%shardCount]
		sh.mu.Lock()
		c.size.Add(int64(-sh.evict(spared)))
		sh.mu.Unlock()
	}
}

func (c *Cache) shardOf(key sessionstore.Key) *shard {
	return &c.shards[key.Hash[0]]
}
