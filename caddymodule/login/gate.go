package login

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// oldestEvery is how often the next one is who waits longest, whatever their
// turn: so nobody waits for ever, and people whom nothing is known of have a
// share beside those who were here before.
const oldestEvery = 4

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
// places, and so refuses people who type the right one. Safe for concurrent use.
type Gate struct {
	limits GateLimits

	mu      sync.Mutex
	running int
	weight  int64
	arrived uint64
	let     uint64
	waiting []*waiter // the best turn first
}

// waiter is somebody who waits.
type waiter struct {
	turn   Turn
	number uint64 // in the order of arrival
	weight int64
	let    chan bool // false: sent away
}

// before reports whether w goes first. Of two equal turns that is who has waited
// longer.
func (w *waiter) before(other *waiter) bool {
	if order := w.turn.compare(other.turn); order != 0 {
		return order < 0
	}
	return w.number < other.number
}

// NewGate makes a gate with those limits.
func NewGate(limits GateLimits) *Gate {
	limits.Running, limits.Waiting = max(1, limits.Running), max(0, limits.Waiting)
	return &Gate{limits: limits}
}

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

// arrive lets somebody stand where their turn is, and sends the last one away if
// that is one too many.
func (g *Gate) arrive(turn Turn, weight int64) *waiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived++
	w := &waiter{turn: turn, number: g.arrived, weight: weight, let: make(chan bool, 1)}
	at, _ := slices.BinarySearchFunc(g.waiting, w, func(a, b *waiter) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	g.waiting = slices.Insert(g.waiting, at, w)
	g.admit()
	if last := len(g.waiting) - 1; last >= g.limits.Waiting {
		g.waiting[last].let <- false
		g.waiting = slices.Delete(g.waiting, last, last+1)
	}
	return w
}

// admit lets people in while there is room.
func (g *Gate) admit() {
	for len(g.waiting) > 0 {
		next := g.next()
		w := g.waiting[next]
		if !g.fits(w) {
			return
		}
		g.waiting = slices.Delete(g.waiting, next, next+1)
		g.running++
		g.weight += w.weight
		g.let++
		w.let <- true
	}
}

// next is the place of who goes next. It is the same until they have gone: what
// is heavy is not passed by for ever.
func (g *Gate) next() int {
	if (g.let+1)%oldestEvery != 0 {
		return 0
	}
	oldest := 0
	for i, w := range g.waiting {
		if w.number < g.waiting[oldest].number {
			oldest = i
		}
	}
	return oldest
}

func (g *Gate) fits(w *waiter) bool {
	if g.running == 0 {
		return true
	}
	return g.running < g.limits.Running && (g.limits.Weight <= 0 || g.weight+w.weight <= g.limits.Weight)
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
		g.waiting = slices.Delete(g.waiting, at, at+1)
		g.admit() // they may have been next, and too heavy
	}
	g.mu.Unlock()
	if at < 0 && <-w.let {
		g.leave(w.weight)
	}
}
