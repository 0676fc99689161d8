package nearcache

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// Follow waits from 100 ms to 5 s before it subscribes again: between one and
// two of these, so that gateways do not come back all at once.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 2500 * time.Millisecond
)

// Notifier tells of changes that others make in a store.
type Notifier interface {
	// Notify subscribes and calls changed for each session that is changed or
	// ended, until ctx is done or the subscription breaks, and returns why. It
	// calls gap whenever messages may have been lost, and so each time that a
	// subscription has come to stand: what went before it was missed. Neither
	// function waits for the store; both may be called concurrently.
	Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error
}

// Follow drops what the notifier says has changed, until ctx is done. When the
// subscription breaks everything is doubted, for nobody knows what was missed:
// the store is asked first, and only while it cannot tell is a session served,
// no longer than it would have been without the break. It subscribes again after
// a pause of 100 ms to 5 s. Each break is told to interrupted, which may be nil.
func (c *Cache) Follow(ctx context.Context, n Notifier, interrupted func(error)) {
	pause := firstBackoff
	for ctx.Err() == nil {
		heard, err := c.listen(ctx, n)
		c.doubtAll()
		if ctx.Err() != nil {
			return
		}
		if interrupted != nil {
			interrupted(err)
		}
		if heard {
			pause = firstBackoff
		}
		wait(ctx, pause+rand.N(pause)) // #nosec G404 -- spreads load, hides nothing
		pause = min(2*pause, lastBackoff)
	}
}

// listen follows one subscription to its end and reports whether it ever stood.
func (c *Cache) listen(ctx context.Context, n Notifier) (heard bool, err error) {
	var stood atomic.Bool
	err = n.Notify(ctx,
		func(key sessionstore.Key) { stood.Store(true); c.Drop(key); c.delay.heard(key) },
		func() { stood.Store(true); c.delay.forgetAll(); c.doubtAll() })
	return stood.Load(), err
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
