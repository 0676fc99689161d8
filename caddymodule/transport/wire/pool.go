package wire

import (
	"context"
	"sync"
	"time"
)

// sweepEvery is how often idle connections are looked at. One that its app has closed is
// let go by the second look after.
const sweepEvery = 10 * time.Second

// pool has the connections that no request uses, and counts them all.
type pool struct {
	mu     sync.Mutex
	hosts  map[target]*host
	closed bool // since closeIdle, until the next request
	sweeps *time.Timer

	of *Transport // whose pool it is; set once, by its first request
}

// host is one app.
type host struct {
	target
	open    int     // connections, and places of those that are dialled
	idle    []*conn // the last one used last
	waiters []chan *conn
}

// get returns a connection that is fit for use: one that is idle, unless a
// fresh one is wanted, or a new one.
func (p *pool) get(ctx context.Context, t *Transport, to target, fresh bool) (*conn, error) {
	for {
		c, h, wait := p.take(t, to, fresh)
		if wait != nil {
			var err error
			if c, err = p.await(ctx, h, wait); err != nil {
				return nil, err
			}
		}
		switch {
		case c == nil:
			return p.dial(ctx, t, h)
		case fresh:
			c.kill() // and take its place
		case p.expired(c) || !c.quiet():
			c.kill()
		default:
			return c, nil
		}
	}
}

// take takes an idle connection, or a place for a new one, or a place in the
// queue for one.
func (p *pool) take(t *Transport, to target, fresh bool) (*conn, *host, chan *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	if p.of == nil {
		p.of = t
	}
	h := p.hosts[to]
	if h == nil {
		if p.hosts == nil {
			p.hosts = map[target]*host{}
		}
		h = &host{target: to}
		p.hosts[to] = h
	}
	full := t.MaxPerHost > 0 && h.open >= t.MaxPerHost
	if last := len(h.idle) - 1; last >= 0 && (!fresh || full) {
		c := h.idle[last]
		h.idle[last] = nil
		h.idle = h.idle[:last]
		return c, h, nil
	}
	if full {
		wait := make(chan *conn, 1)
		h.waiters = append(h.waiters, wait)
		return nil, h, wait
	}
	h.open++
	return nil, h, nil
}

// await returns a connection, or none for a place to dial in.
func (p *pool) await(ctx context.Context, h *host, wait chan *conn) (*conn, error) {
	select {
	case c := <-wait:
		return c, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	for i, w := range h.waiters {
		if w == wait {
			h.waiters = append(h.waiters[:i], h.waiters[i+1:]...)
			p.forget(h)
			p.mu.Unlock()
			return nil, context.Cause(ctx)
		}
	}
	p.mu.Unlock()
	switch c := <-wait; { // it was given one meanwhile, or a place
	case c == nil:
		p.release(h)
	case !p.put(c):
		c.kill()
	}
	return nil, context.Cause(ctx)
}

func (p *pool) dial(ctx context.Context, t *Transport, h *host) (c *conn, err error) {
	defer func() {
		if c == nil { // or it has panicked
			p.release(h)
		}
	}()
	n, err := t.Dial(ctx, h.network, h.address)
	if err != nil {
		return nil, err
	}
	return newConn(n, p, h, t), nil
}

// put keeps a connection, or gives it to who waits for one. It reports whether
// it has.
func (p *pool) put(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.gone.Load() {
		return false
	}
	c.used, c.idleAt = true, time.Now()
	h := c.host
	if len(h.waiters) > 0 {
		wait := h.waiters[0]
		h.waiters = h.waiters[1:]
		wait <- c
		return true
	}
	if p.closed || len(h.idle) >= orDefault(p.of.IdlePerHost, 2) {
		return false
	}
	h.idle = append(h.idle, c)
	if p.sweeps == nil {
		p.sweeps = time.AfterFunc(p.sweepIn(), p.sweep)
	}
	return true
}

// release gives back the place of a connection that is no more.
func (p *pool) release(h *host) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(h.waiters) > 0 {
		wait := h.waiters[0]
		h.waiters = h.waiters[1:]
		wait <- nil
		return
	}
	h.open--
	p.forget(h)
}

// forget drops an app that there is nothing of: upstreams may come and go.
func (p *pool) forget(h *host) {
	if h.open == 0 && len(h.waiters) == 0 && p.hosts[h.target] == h {
		delete(p.hosts, h.target)
	}
}

func (p *pool) expired(c *conn) bool {
	return p.of.IdleTimeout > 0 && time.Since(c.idleAt) > p.of.IdleTimeout
}

func (p *pool) sweepIn() time.Duration {
	if p.of.IdleTimeout > 0 {
		return min(p.of.IdleTimeout, sweepEvery)
	}
	return sweepEvery
}

// sweep closes what was idle for too long, or what the app has closed while
// nobody wanted it. It comes again while there is anything idle.
func (p *pool) sweep() {
	p.mu.Lock()
	var dead []*conn
	left := false
	for _, h := range p.hosts {
		kept := h.idle[:0]
		for _, c := range h.idle {
			if p.expired(c) || time.Since(c.idleAt) >= p.sweepIn() && !c.quiet() {
				dead = append(dead, c)
				continue
			}
			kept = append(kept, c)
		}
		clear(h.idle[len(kept):])
		h.idle = kept
		left = left || len(kept) > 0
	}
	if left {
		p.sweeps = time.AfterFunc(p.sweepIn(), p.sweep)
	} else {
		p.sweeps = nil
	}
	p.mu.Unlock()
	for _, c := range dead {
		c.kill()
	}
}

func (p *pool) closeIdle() {
	p.mu.Lock()
	p.closed = true
	if p.sweeps != nil {
		p.sweeps.Stop()
		p.sweeps = nil
	}
	var idle []*conn
	for _, h := range p.hosts {
		idle = append(idle, h.idle...)
		h.idle = nil
	}
	p.mu.Unlock()
	for _, c := range idle {
		c.kill()
	}
}
