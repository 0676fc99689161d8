package adminapi

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// countEvery is how long a count is good: the store is asked no more often,
	// and by one at a time.
	countEvery = 5 * time.Second
	// countPatience bounds how long one takes, whoever waits for it.
	countPatience = 5 * time.Minute
)

// counter counts sessions for all who ask.
type counter struct {
	now func() time.Time

	mu    sync.Mutex
	under chan struct{} // closed when the one under way is done; nil: there is none
	n     int
	at    time.Time // when that was counted
	tried time.Time
	err   error // why the last was not
}

// count is how many sessions there are, and when that was so. Who comes while they are
// counted anew is told what is known, or waits where nothing is.
func (c *counter) count(ctx context.Context, b sessionstore.Browser) (int, time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := !c.at.IsZero() && c.err == nil
	if c.under == nil && c.now().Sub(c.tried) >= countEvery {
		known, c.under = false, make(chan struct{})
		go c.ask(context.WithoutCancel(ctx), b, c.under)
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

func (c *counter) ask(ctx context.Context, b sessionstore.Browser, done chan struct{}) {
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
