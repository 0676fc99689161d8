package sessionstore

import (
	"context"
	"sync"
)

// mostUnheard bounds the changes that wait for one subscriber, 34 bytes each.
// Beyond it they are let go, and the subscriber is told of a gap.
const mostUnheard = 1 << 16

// Changes is the Notifier of a store that lives in this process. Subscribers
// hear of changes in a goroutine of their own: whoever makes one does not wait
// for them, and they may ask the store. The zero value is ready for use.
type Changes struct {
	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
}

// subscriber is what somebody has not heard yet. It is guarded by mu of its
// Changes.
type subscriber struct {
	unheard []Key
	lost    bool
	wake    chan struct{} // has one when there is something to hear
}

var _ Notifier = (*Changes)(nil)

// Tell has each subscriber told that these sessions were changed or ended. It
// waits for nobody, so that the store may be locked. It is to be called once the
// change can be seen in the store, or before its lock is given back.
func (c *Changes) Tell(keys ...Key) {
	if len(keys) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.subscribers {
		s.take(keys)
	}
}

func (s *subscriber) take(keys []Key) {
	if s.lost = s.lost || len(s.unheard)+len(keys) > mostUnheard; s.lost {
		s.unheard = nil // the gap stands for all of them
	} else {
		s.unheard = append(s.unheard, keys...)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Notify implements Notifier. It ends with ctx alone, and calls each function in
// the goroutine of its caller.
func (c *Changes) Notify(ctx context.Context, changed func(Key), gap func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := c.subscribe()
	defer c.unsubscribe(s)
	gap()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
		unheard, lost := c.take(s)
		if lost {
			gap()
		}
		for _, key := range unheard {
			if err := ctx.Err(); err != nil {
				return err
			}
			changed(key)
		}
	}
}

func (c *Changes) subscribe() *subscriber {
	s := &subscriber{wake: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscribers == nil {
		c.subscribers = make(map[*subscriber]struct{})
	}
	c.subscribers[s] = struct{}{}
	return s
}

func (c *Changes) unsubscribe(s *subscriber) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscribers, s)
}

// take is what the subscriber has not heard yet, which it then has.
func (c *Changes) take(s *subscriber) (unheard []Key, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	unheard, lost = s.unheard, s.lost
	s.unheard, s.lost = nil, false
	return unheard, lost
}
