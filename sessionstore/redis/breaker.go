package redis

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// breakAfter is how many operations in a row must fail to reach a server
	// before it is left alone.
	breakAfter = 5
	// It is then asked once per pause, which doubles with each try.
	firstPause = 100 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// breaker keeps requests from queueing up before a server that cannot be
// reached: after breakAfter failures in a row all fail at once, but for one
// probe per pause. The first answer closes it. An error that the server itself
// answers is an answer. While all is well it costs two atomic reads.
type breaker struct {
	now      func() time.Time
	failures atomic.Int32
	outage   atomic.Pointer[outage] // nil while the server is asked
}

// outage is never changed once it can be seen.
type outage struct {
	cause   error
	probeAt time.Time
	pause   time.Duration
}

// allow is nil when the server may be asked. Of all that come when a probe is
// due, one gets it.
func (b *breaker) allow() error {
	o := b.outage.Load()
	if o == nil {
		return nil
	}
	now := b.now()
	if !now.Before(o.probeAt) {
		pause := min(2*o.pause, lastPause)
		if b.outage.CompareAndSwap(o, &outage{o.cause, now.Add(pause), pause}) {
			return nil
		}
	}
	return fmt.Errorf("redis could not be reached and is left alone for a moment: %w", o.cause)
}

// settle learns from what came of an operation.
func (b *breaker) settle(err error) {
	switch {
	case alive(err):
		if b.failures.Load() != 0 {
			b.failures.Store(0)
		}
		if b.outage.Load() != nil {
			b.outage.Store(nil)
		}
	case errors.Is(err, context.Canceled):
		// The caller went away, which says nothing of the server: people who
		// close their browsers must not shut the store for the others.
	case b.failures.Add(1) >= breakAfter:
		b.fail(err)
	}
}

// fail opens the breaker, or renews the cause when it is open.
func (b *breaker) fail(cause error) {
	next := &outage{cause, b.now().Add(firstPause), firstPause}
	o := b.outage.Load()
	if o != nil {
		next = &outage{cause, o.probeAt, o.pause}
	}
	b.outage.CompareAndSwap(o, next)
}

// alive reports whether an operation had an answer, be it an error.
func alive(err error) bool {
	if err == nil {
		return true
	}
	var answer goredis.Error
	return errors.As(err, &answer)
}
