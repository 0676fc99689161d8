package storetest

import (
	"context"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// Crowded requires of a store that can be looked through that so many sessions of
// one person keep nobody waiting while they are listed, handed out, counted, looked
// for and ended: between pages of them somebody else begins, changes and ends a
// session. A store asks its context between pages, and there it is looked at.
func Crowded(t *testing.T, h Harness, sessions int) {
	if h.Patience == 0 {
		h.Patience = 30 * time.Second
	}
	browsing(t, h, "many sessions of one person keep nobody waiting", func(b *bench) {
		b.createMany(ada, sessions)
		keys := make([]sessionstore.Key, 0, sessions)
		for key := range b.walksUser(ada).found {
			keys = append(keys, key)
		}
		for _, m := range browserCalls {
			if m.name == "RevokeUser" {
				b.counts(0)
				b.createMany(ada, sessions)
			}
			b.counts(sessions)
			b.letsGo(m.name, sessions, func(ctx context.Context) error { return m.call(ctx, b, keys...) })
		}
		b.counts(0)
	})
}

// letsGo requires that a call for so many sessions leaves the store to others in
// between, and for each page.
func (b *bench) letsGo(name string, sessions int, call func(context.Context) error) {
	b.Helper()
	between := &betweenPages{Context: b.Context(), b: b}
	b.must(call(between))
	if least := sessions / largestPage; between.served < least {
		b.Fatalf("%s: somebody else was served %d times meanwhile; want %d at least", name, between.served, least)
	}
}

// betweenPages is a context that has somebody else served each time that it is asked
// whether it has ended.
type betweenPages struct {
	context.Context
	b      *bench
	served int
	kept   bool // waiting, in vain
}

// Err implements context.Context.
func (c *betweenPages) Err() error {
	if c.kept {
		return context.DeadlineExceeded
	}
	done := make(chan error, 1)
	go func() { done <- c.serve() }()
	select {
	case err := <-done:
		if err != nil {
			c.b.Errorf("somebody else is refused: %v", err)
		}
		c.served++
		return c.Context.Err()
	case <-time.After(c.b.Patience):
		c.kept = true
		c.b.Error("somebody else is kept waiting between two pages")
		return context.DeadlineExceeded
	}
}

// serve has another person's session begin, change and end.
func (c *betweenPages) serve() error {
	s := c.b.session(grace)
	if err := Keep(c.Context, c.b.store, s); err != nil {
		return err
	}
	s.Version = 1
	if _, err := c.b.store.Update(c.Context, s); err != nil {
		return err
	}
	return End(c.Context, c.b.store, s.Key)
}
