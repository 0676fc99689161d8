package sessionstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// ErrMayNotListen is what Notify ends with when the store lets us not listen,
// which passes only when an operator has changed something there.
var ErrMayNotListen = errors.New("the store lets nobody listen to it")

// Notifier is a Store that tells of sessions that are changed or ended, whoever
// does that: this gateway, another one, or another configuration of this one.
type Notifier interface {
	// Notify subscribes and calls changed for each session that Update has
	// changed and that Revoke, RevokeUser, or Create for want of room, has
	// ended, once that can be seen in the store. It may call it for others,
	// such as one that was revoked and had ended already, but never for what
	// Touch and time do: activity takes no right away, and when a session ends
	// by itself stands in it.
	//
	// It calls gap whenever calls of changed may have been lost, and so each
	// time that a subscription has come to stand: what went before it was
	// missed.
	//
	// It returns when ctx is done or the subscription breaks, and says why:
	// with ErrMayNotListen when it is no use to try again soon. Neither function
	// is called once it has returned. Both may be called concurrently, and
	// neither waits for the store or for people: while it does, others wait for
	// what they are to be told.
	Notify(ctx context.Context, changed func(Key), gap func()) error
}

// Listener hears of what changes in a store. Its functions keep to what
// Notifier demands of those that it calls.
type Listener struct {
	// Changed is told of a session that was changed or ended. Required.
	Changed func(Key)
	// Missed is called when messages may have been lost, so that anything may
	// have changed: when a subscription stands, and when one has broken or could
	// not be had. Required.
	Missed func()
	// Interrupted is told why a subscription has broken, or could not be had,
	// after Missed. nil is for nobody.
	Interrupted func(error)
}

// Follow waits from 100 to 500 ms before it subscribes again: between one and
// two of these, so that gateways do not come back all at once. It may take that
// long until changes are heard of in a store that is back, however long it was
// away. A store that is away or about to come up bears it: a hundred gateways try
// less than three hundred times a second, each by a connection or two.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 250 * time.Millisecond
	// unwelcomePause is for a store that answers and lets us not listen: all that
	// is kept is in doubt with each attempt, and so asked for again.
	unwelcomePause = 2500 * time.Millisecond
)

// Follow has the listener hear what the notifier tells, until ctx is done. It
// subscribes again after a pause of 100 to 500 ms, or of 2.5 to 5 s when the
// notifier answers ErrMayNotListen.
func Follow(ctx context.Context, n Notifier, l Listener) {
	pause := firstPause
	for ctx.Err() == nil {
		stood, err := listen(ctx, n, l)
		l.Missed()
		if ctx.Err() != nil {
			return
		}
		if l.Interrupted != nil {
			l.Interrupted(err)
		}
		switch {
		case errors.Is(err, ErrMayNotListen):
			pause = unwelcomePause
		case stood:
			pause = firstPause
		default:
			pause = min(pause, lastPause)
		}
		wait(ctx, pause)
		pause *= 2
	}
}

// listen follows one subscription to its end and reports whether it ever stood.
func listen(ctx context.Context, n Notifier, l Listener) (bool, error) {
	var stood atomic.Bool
	err := n.Notify(ctx,
		func(key Key) { stood.Store(true); l.Changed(key) },
		func() { stood.Store(true); l.Missed() })
	return stood.Load(), err
}

// wait waits between once and twice as long, or until ctx is done.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d + rand.N(d)) // #nosec G404 -- spreads load, hides nothing
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
