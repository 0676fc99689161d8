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
	dials  map[*waiter]struct{} // those under way

	of *Transport // whose pool it is; set once, by its first request
}

// host is one app.
type host struct {
	target
	open    int     // connections, and places of those that are dialled
	idle    []*conn // the last one used last
	waiters []*waiter
}

// get returns a connection that is fit for use: one that is idle, unless a
// fresh one is wanted, or what comes first where there is none.
func (p *pool) get(ctx context.Context, t *Transport, to target, fresh bool) (*conn, error) {
	c, w := p.take(ctx, t, to, fresh, nil)
	for {
		if w != nil {
			var err error
			if c, err = p.await(ctx, w); err != nil {
				return nil, err
			}
		}
		if !c.used || !fresh && !p.expired(c) && c.quiet() {
			return c, nil
		}
		unfit := c
		c, w = p.take(ctx, t, to, fresh, unfit)
		unfit.net.Close()
	}
}

// take takes an idle connection, or a place in the queue for what comes first. Who
// has got an unfit one leaves it, and has its place before all others: they would take
// it away from him, who was served before them, and he would have to wait once more.
func (p *pool) take(ctx context.Context, t *Transport, to target, fresh bool, unfit *conn) (*conn, *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = t
	}
	h := p.host(to)
	if unfit == nil {
		p.closed = false
	} else if unfit.gone.CompareAndSwap(false, true) {
		h.open--
	}
	full := t.MaxPerHost > 0 && h.open >= t.MaxPerHost
	if last := len(h.idle) - 1; last >= 0 && (!fresh || full) {
		c := h.idle[last]
		h.idle[last] = nil
		h.idle = h.idle[:last]
		return c, nil
	}
	w := &waiter{host: h, ctx: ctx, fresh: fresh, got: make(chan connected, 1)}
	h.queue(w, unfit != nil)
	if !full {
		h.open++
		p.start(w)
	}
	return nil, w
}

func (p *pool) host(to target) *host {
	h := p.hosts[to]
	if h == nil {
		if p.hosts == nil {
			p.hosts = map[target]*host{}
		}
		h = &host{target: to}
		p.hosts[to] = h
	}
	return h
}

// put keeps a connection, or gives it to who waits for one. It reports whether
// it has.
func (p *pool) put(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.gone.Load() {
		return false
	}
	h := c.host
	if w := h.first(takes); w != nil {
		// Who can do nothing with it has its place as it is closed.
		if w.fresh || !c.quiet() {
			return false
		}
		c.used, c.idleAt = true, time.Time{}
		w.give(c, nil)
		return true
	}
	if p.closed || len(h.idle) >= orDefault(p.of.IdlePerHost, 2) {
		return false
	}
	c.used, c.idleAt = true, time.Now()
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
	p.vacate(h)
}

// vacate is release, called with mu.
func (p *pool) vacate(h *host) {
	if p.of.MaxPerHost > 0 { // else nobody waits for a place
		if w := h.first(hasNoPlace); w != nil {
			p.start(w)
			return
		}
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
	return p.of.IdleTimeout > 0 && !c.idleAt.IsZero() && time.Since(c.idleAt) > p.of.IdleTimeout
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
	for w := range p.dials {
		if !w.waits {
			w.stop()
		}
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
