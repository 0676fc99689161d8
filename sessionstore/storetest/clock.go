package storetest

import (
	"sync"
	"time"
)

// Clock is a clock that stands still until it is put forward: that of this
// suite, and of every other test that needs one. It may be used concurrently.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows the present moment, in UTC and to the
// millisecond, so that the life-times it gives also hold for a store whose
// server has a clock of its own.
func NewClock() *Clock {
	return ClockAt(time.Now().UTC().Truncate(time.Millisecond))
}

// ClockAt returns a clock that shows that moment, for tests in which no other
// clock has a part.
func ClockAt(moment time.Time) *Clock { return &Clock{now: moment} }

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance puts the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
