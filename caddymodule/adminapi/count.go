package adminapi

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// countEvery is how long a count is good: the store is asked no more often,
	// and by one at a time; see counter.pause for one that fails.
	countEvery = 5 * time.Second
	// countPatience bounds how long one takes, whoever waits for it.
	countPatience = 5 * time.Minute
)

// counter counts sessions for all who ask.
type counter struct {
	now func() time.Time
	// failedFor is how long a failure is good: as long as an answer of GET ready, which
	// says when to repeat the request.
	failedFor time.Duration

	mu    sync.Mutex
	under chan struct{} // closed when the one under way is done; nil: there is none
	n     int
	at    time.Time     // when that was counted
	tried time.Time     // when the last ended
	took  time.Duration // and how long it took
	err   error         // why it was not
}

// count is how many sessions there are, and when that was so. Who comes while they are
// counted anew is told what is known, or waits where nothing is.
func (c *counter) count(ctx context.Context, b sessionstore.Browser) (int, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := !c.at.IsZero() && c.err == nil
	if since := c.now().Sub(c.tried); c.under == nil && since >= c.good() {
		known, c.under = false, make(chan struct{})
		go c.ask(context.WithoutCancel(ctx), b, c.under, c.pause()-since)
	}
	if done := c.under; done != nil && !known {
		c.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if ctx.Err() != nil {
			return 0, time.Time{}, ctx.Err()
		}
	}
	return c.n, c.at, c.err
}

// good is how long the answer that is known is told.
func (c *counter) good() time.Duration {
	if c.err != nil {
		return c.failedFor
	}
	return countEvery
}

// pause is how long the store is left alone after a count. One that failed may have cost
// as much, so it is as long as that took, up to countEvery: who asks before waits.
func (c *counter) pause() time.Duration {
	return max(c.good(), min(c.took, countEvery))
}

// ask counts once the store was left alone for that much longer.
func (c *counter) ask(ctx context.Context, b sessionstore.Browser, done chan struct{}, pause time.Duration) {
	<-time.After(pause)
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	at := c.now()
	n, err := b.Count(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err = err; err == nil {
		c.n, c.at = n, at
	}
	c.tried, c.under = c.now(), nil
	c.took = c.tried.Sub(at)
	close(done)
}

func count(c *call) error {
	d, err := c.browsing()
	if err != nil {
		return err
	}
	n, at, err := d.counter.count(c.r.Context(), d.browser)
	if err != nil {
		return away(err)
	}
	return c.reply(struct {
		Count int       `json:"count"`
		At    time.Time `json:"at"`
	}{n, at.UTC()})
}
