package login

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// othersEvery is how often the next one is the first of those who have not
	// signed in there before: so they have a share beside those who have.
	othersEvery = 4
	// oldestEvery is how often it is who waits longest, whatever their turn: so
	// nobody waits for ever. It is rare, for in a flood that is one of the flood.
	oldestEvery = 16
)

// GateLimits are how many a Gate lets through at once.
type GateLimits struct {
	// Running are at work at once; below one means one.
	Running int
	// Waiting are waiting at once.
	Waiting int
	// Weight bounds what those at work weigh together; zero and below is no
	// bound. Who is alone may weigh more.
	Weight int64
}

// Gate is in front of what is dear and must not be done too often at once. It
// is no queue: whose Turn is better goes first, and when too many wait the one
// with the worst is sent away. In a queue a flood of wrong passwords takes the
// places, and so refuses people who type the right one. Equal turns are shared out
// between accounts, or networks, by whom was let in lately. Safe for concurrent use.
type Gate struct {
	limits func() GateLimits

	mu      sync.Mutex
	running int
	weight  int64
	let     uint64
	waiting []*waiter // in the order of arrival
	lately  shares
}

// waiter is somebody who waits.
type waiter struct {
	turn   Turn
	beside int // how many of the same sharer wait, and came before
	weight int64
	let    chan bool // false: sent away
}

// compare is below zero when a goes before b. Of equals it is who has waited longer:
// they wait in that order.
func (g *Gate) compare(a, b *waiter) int {
	return cmp.Or(
		cmp.Compare(g.rank(b), g.rank(a)),
		cmp.Compare(a.turn.Failed, b.turn.Failed),
		cmp.Compare(max(b.turn.Known, KnownAccount), max(a.turn.Known, KnownAccount)),
		cmp.Compare(g.share(a), g.share(b)),
		cmp.Compare(b.turn.Known, a.turn.Known), // a name is easily guessed
	)
}

// rank is zero for what an account wants beyond its share: it comes after everybody.
func (g *Gate) rank(w *waiter) int {
	switch {
	case w.turn.Known != KnownBoth:
		return 1
	case g.share(w) < mostOfOne:
		return 2
	}
	return 0
}

// share is how much the one whom it is for has had, or is to have before.
func (g *Gate) share(w *waiter) int { return g.lately.count[w.turn.sharer()] + w.beside }

// NewGate makes a gate with those limits.
func NewGate(limits GateLimits) *Gate { return NewGateOf(func() GateLimits { return limits }) }

// NewGateOf makes a gate that asks for its limits each time that somebody comes or
// leaves: they may change. It asks one at a time.
func NewGateOf(limits func() GateLimits) *Gate { return &Gate{limits: limits} }

// Enter waits for a place, which leave gives back: call it once. The error is
// ErrBusy for who is sent away, else the context's.
func (g *Gate) Enter(ctx context.Context, turn Turn, weight int64) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("waiting to check a password: %w", err)
	}
	w := g.arrive(turn, weight)
	select {
	case let := <-w.let:
		if !let {
			return nil, ErrBusy
		}
		return func() { g.leave(weight) }, nil
	case <-ctx.Done():
		g.giveUp(w)
		return nil, fmt.Errorf("waiting to check a password: %w", ctx.Err())
	}
}

// Waiting is how many wait now.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// arrive lets somebody wait, and sends the last one away if that is one too many.
func (g *Gate) arrive(turn Turn, weight int64) *waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := &waiter{turn: turn, weight: weight, let: make(chan bool, 1)}
	for _, other := range g.waiting {
		if other.turn.sharer() == turn.sharer() {
			w.beside++
		}
	}
	g.waiting = append(g.waiting, w)
	g.admit()
	if len(g.waiting) > max(0, g.limits().Waiting) {
		g.take(g.last()).let <- false
	}
	return w
}

// admit lets people in while there is room.
func (g *Gate) admit() {
	now := time.Now()
	g.lately.forget(now)
	for len(g.waiting) > 0 {
		next := g.next()
		if !g.fits(g.waiting[next]) {
			return
		}
		w := g.take(next)
		g.running++
		g.weight += w.weight
		g.let++
		g.lately.let(w.turn.sharer(), now)
		w.let <- true
	}
}

// take takes somebody out of those who wait.
func (g *Gate) take(at int) *waiter {
	w := g.waiting[at]
	g.waiting = slices.Delete(g.waiting, at, at+1)
	for _, behind := range g.waiting[at:] {
		if behind.turn.sharer() == w.turn.sharer() {
			behind.beside--
		}
	}
	return w
}

// next is the place of who goes next. It is the same until they have gone or
// somebody better has come: what is heavy is not passed by for ever.
func (g *Gate) next() int {
	switch {
	case (g.let+1)%oldestEvery == 0:
		return 0
	case (g.let+1)%othersEvery == 0:
		if others := g.first(func(w *waiter) bool { return w.turn.Known != KnownBoth }); others >= 0 {
			return others
		}
	}
	return g.first(func(*waiter) bool { return true })
}

// first is the place of who goes first of those, -1 when there is none.
func (g *Gate) first(of func(*waiter) bool) int {
	first := -1
	for i, w := range g.waiting {
		if of(w) && (first < 0 || g.compare(w, g.waiting[first]) < 0) {
			first = i
		}
	}
	return first
}

// last is the place of who goes last.
func (g *Gate) last() int {
	last := 0
	for i, w := range g.waiting {
		if g.compare(w, g.waiting[last]) >= 0 {
			last = i
		}
	}
	return last
}

func (g *Gate) fits(w *waiter) bool {
	if g.running == 0 {
		return true
	}
	limits := g.limits()
	return g.running < limits.Running && (limits.Weight <= 0 || g.weight+w.weight <= limits.Weight)
}

func (g *Gate) leave(weight int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.weight -= weight
	g.admit()
}

// giveUp takes who has gone out of the way, and gives back the place that they
// may have had meanwhile.
func (g *Gate) giveUp(w *waiter) {
	g.mu.Lock()
	at := slices.Index(g.waiting, w)
	if at >= 0 {
		g.take(at)
		g.admit() // they may have been next, and too heavy
	}
	g.mu.Unlock()
	if at < 0 && <-w.let {
		g.leave(w.weight)
	}
}
