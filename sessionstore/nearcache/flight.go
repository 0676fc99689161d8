package nearcache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"example.com/sidegate/sessionstore"
)

// maxLookups bounds the look-ups that are under way at once. They outlive
// callers who hang up, so nothing else would bound them.
const maxLookups = 1024

// Why a look-up answers nothing definite, beside the store's own errors.
var (
	// ErrBusy says that too many look-ups were under way for another to begin.
	ErrBusy = errors.New("too many sessions are being looked up at once: see whether the session store is slow or down")
	// ErrStore says that the store broke its contract: it failed in a way of
	// its own, or gave an answer to something that was not asked.
	ErrStore = errors.New("session store misbehaved: report this as a fault of the store")
)

// flight is one look-up in the store, and what those share who wait for it.
type flight struct {
	key   sessionstore.Key
	asked time.Time
	guess bool // see sessionstore.Guess
	// done is closed when entry and err are there to be read.
	done  chan struct{}
	entry *Entry
	err   error
}

// ask looks the session up in the store, together with all who do so now.
func (c *Cache) ask(ctx context.Context, sh *shard, key sessionstore.Key) (*Entry, error) {
	e, err := c.await(ctx, sh, key)
	if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrNotHere) || ctx.Err() != nil {
		return e, err
	}
	// The store cannot tell. What it said last may do, if it is still held:
	// what was revoked here or found to be gone is not. Without Options.Stale
	// that is what is doubted, and it is served no longer than in good times.
	old, _ := sh.peek(key)
	if old == nil || !old.within(c.opts.TTL+c.opts.Stale, c.opts.Now()) {
		return nil, err
	}
	return c.past(sh, old)
}

// past is what is served of an entry past its time. What is known here of the
// person counts although the store cannot be asked.
func (c *Cache) past(sh *shard, old *Entry) (*Entry, error) {
	s, err := c.opts.Vouch(old.Session.Record())
	if err != nil {
		return nil, err
	}
	sh.counters.stale.Add(1)
	if s == old.Session {
		return old, nil
	}
	e := newEntry(s, old.asked)
	e.noted.Store(old.noted.Load())
	return e, nil
}

func (c *Cache) await(ctx context.Context, sh *shard, key sessionstore.Key) (*Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // who has gone already begins nothing
	}
	f, err := c.join(ctx, sh, key)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		return f.entry, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join returns the flight for that key, and begins it if there is none.
func (c *Cache) join(ctx context.Context, sh *shard, key sessionstore.Key) (*flight, error) {
	sh.mu.RLock()
	f := sh.flights[key]
	sh.mu.RUnlock()
	if f != nil {
		sh.counters.joined.Add(1)
		return f, nil
	}
	if err := c.takeSlot(ctx); err != nil {
		return nil, err
	}
	f, first := c.begin(sh, key, sessionstore.IsGuess(ctx))
	if !first {
		<-c.slots
		sh.counters.joined.Add(1)
		return f, nil
	}
	sh.counters.misses.Add(1)
	go c.fly(c.opts.Trace(context.Background(), ctx), sh, f) // #nosec G118 -- it is others' look-up too, so it outlives this caller
	return f, nil
}

// takeSlot waits for one of the slots, no longer than a look-up may take.
func (c *Cache) takeSlot(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(c.opts.Timeout)
	defer t.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return ErrBusy
	}
}

// begin makes the flight for that key. If another caller was faster it returns
// theirs, landed or not, and first is false.
func (c *Cache) begin(sh *shard, key sessionstore.Key, guess bool) (f *flight, first bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if f = sh.flights[key]; f != nil {
		return f, false
	}
	now := c.opts.Now()
	f = &flight{key: key, asked: now, guess: guess, done: make(chan struct{}), err: ErrStore}
	e := sh.sessions[key]
	switch c.judge(e, sh.unknown[key], now) {
	case held:
		f.entry, f.err = e, nil
	case nobodys:
		f.err = sessionstore.ErrNotFound
	default:
		sh.flights[key] = f
		return f, true
	}
	close(f.done)
	return f, false
}

// fly asks the store. Neither the deadline nor the values of a caller go
// along, but for whether it is a guess, which all callers make of one key: one who hangs up must not fail the others, and what belongs to one
// request has no part in another. What Options.Trace has put into ctx is the trace
// of who came first.
func (c *Cache) fly(ctx context.Context, sh *shard, f *flight) {
	defer func() { <-c.slots }()
	defer c.land(sh, f)
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	if f.guess {
		ctx = sessionstore.Guess(ctx)
	}
	s, err := c.fetch(ctx, f.key)
	if f.err = err; err == nil {
		f.entry = newEntry(s, f.asked)
	}
}

// fetch is the store's Get, and what is to be served of it, made safe: a panic on this goroutine, which no
// server recovers, would end the gateway for everybody.
func (c *Cache) fetch(ctx context.Context, key sessionstore.Key) (s *sessionstore.Session, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, panicked(p)
		}
	}()
	s, err = c.store.Get(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case s == nil || s.Key != key:
		// Whoever presents one key must not become the owner of another.
		return nil, fmt.Errorf("%w: it answered with another session than was asked for", ErrStore)
	}
	return c.opts.Vouch(s)
}

// panicked leaves the text of a panic out unless it is the runtime's own: it
// may hold anything.
func panicked(p any) error {
	if err, ok := p.(runtime.Error); ok {
		return fmt.Errorf("%w: %v", ErrStore, err)
	}
	return fmt.Errorf("%w: it panicked with a %T", ErrStore, p)
}

// land remembers the answer, unless the flight was taken out of its shard
// meanwhile, and hands it to those who wait.
func (c *Cache) land(sh *shard, f *flight) {
	defer close(f.done)
	sh.mu.Lock()
	grown := 0
	if sh.flights[f.key] == f {
		delete(sh.flights, f.key)
		grown = c.remember(sh, f)
	}
	c.size.Add(int64(grown))
	sh.mu.Unlock()
	if grown > 0 {
		c.shrink(f.entry)
	}
}

// remember keeps what is certain, and reports by how many entries the shard
// has grown. Called with mu of the shard held.
func (c *Cache) remember(sh *shard, f *flight) int {
	switch {
	case f.err == nil && f.entry.keepable(c.opts.Now()):
		return sh.put(f.key, f.entry)
	case f.err == nil:
		return -sh.drop(f.key)
	case errors.Is(f.err, sessionstore.ErrNotFound):
		gone := sh.drop(f.key)
		if c.opts.Unknown > 0 {
			sh.putUnknown(f.key, f.asked)
		}
		return -gone
	default:
		return 0
	}
}
