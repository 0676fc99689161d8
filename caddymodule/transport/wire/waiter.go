package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// waiter is a request that found no idle connection. It takes what comes first: one
// that another request no longer uses, or the one that is dialled for it. An app whose
// queue for connections is short lets those wait for seconds that it has no room for,
// while the ones it has become free.
type waiter struct {
	host  *host
	ctx   context.Context // of the request
	fresh bool            // whether it takes none that was used
	got   chan connected  // one at most

	// These are read and written with the pool's mu.
	waits bool   // whether it is in the queue
	stop  func() // ends its dial; there is none before it has a place
}

// connected is what comes of waiting.
type connected struct {
	c   *conn
	err error
}

// queue has it wait, before all others or behind them.
func (h *host) queue(w *waiter, ahead bool) {
	w.waits = true
	if ahead {
		h.waiters = slices.Insert(h.waiters, 0, w)
	} else {
		h.waiters = append(h.waiters, w)
	}
}

// first is who waits for the longest time of those that it is for.
func (h *host) first(is func(*waiter) bool) *waiter {
	if i := slices.IndexFunc(h.waiters, is); i >= 0 {
		return h.waiters[i]
	}
	return nil
}

// takes reports whether a connection that is free is for it, be it for its place.
func takes(w *waiter) bool { return !w.fresh || hasNoPlace(w) }

func hasNoPlace(w *waiter) bool { return w.stop == nil }

// leave ends the wait.
func (w *waiter) leave() {
	w.waits = false
	i := slices.Index(w.host.waiters, w)
	w.host.waiters = slices.Delete(w.host.waiters, i, i+1)
}

func (w *waiter) give(c *conn, err error) {
	w.leave()
	w.got <- connected{c, err}
}

// await returns what comes first. Who leaves before leaves its dial going, as
// net/http does: what it brings is for the next one.
func (p *pool) await(ctx context.Context, w *waiter) (*conn, error) {
	select {
	case came := <-w.got:
		return came.c, came.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	waits := w.waits
	if waits {
		w.leave()
		p.forget(w.host)
	}
	p.mu.Unlock()
	if !waits { // it was given one meanwhile, or an error
		if c := (<-w.got).c; c != nil && !p.of.keep(c) {
			c.kill()
		}
	}
	return nil, context.Cause(ctx)
}

// start dials for who has a place now. It is called with mu.
//
// The dial has the values of the request and not its end, for it may be another one
// that gets the connection. It ends by the time that the dialer has, or with the pool
// if nobody waits for it.
func (p *pool) start(w *waiter) {
	ctx, stop := context.WithCancel(context.WithoutCancel(w.ctx))
	w.stop = stop
	if p.dials == nil {
		p.dials = map[*waiter]struct{}{}
	}
	p.dials[w] = struct{}{}
	go p.dial(ctx, w)
}

// errNoConn is of a dialer that returns with nothing.
var errNoConn = errors.New("the dialer has made no connection")

func (p *pool) dial(ctx context.Context, w *waiter) {
	var c *conn
	err := errNoConn
	defer func() {
		if v := recover(); v != nil { // on a goroutine that nobody else recovers
			c, err = nil, fmt.Errorf("connecting to the app panicked: %v", v)
		}
		w.stop()
		p.dialled(w, c, err)
	}()
	n, failed := p.of.Dial(ctx, w.host.network, w.host.address)
	switch {
	case failed != nil:
		err = failed
	case n != nil:
		c, err = newConn(n, p, w.host, p.of), nil
	}
}

// dialled gives it to who it is for, or else to whoever wants it. An error is nobody
// else's.
func (p *pool) dialled(w *waiter, c *conn, err error) {
	p.mu.Lock()
	delete(p.dials, w)
	waits := w.waits
	if waits {
		w.give(c, err)
	}
	if c == nil {
		p.vacate(w.host)
	}
	p.mu.Unlock()
	if c != nil && !waits && !p.of.keep(c) {
		c.kill()
	}
}
