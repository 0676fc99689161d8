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
		b.fill(sessions)
		keys := make([]sessionstore.Key, 0, sessions)
		for key := range b.walksUser(ada).found {
			keys = append(keys, key)
		}
		for _, m := range browserCalls {
			if m.name == "RevokeUser" {
				b.counts(0)
				b.fill(sessions)
			}
			b.counts(sessions)
			b.letsGo(m.name, sessions, func(ctx context.Context) error { return m.call(ctx, b, keys...) })
		}
		b.counts(0)
	})
}

// fill stores so many sessions of one person.
func (b *bench) fill(sessions int) {
	b.Helper()
	if b.Fill == nil {
		b.createMany(ada, sessions)
		return
	}
	all := make([]*sessionstore.Session, sessions)
	for i := range all {
		all[i] = b.session(ada)
	}
	b.Fill(b.T, b.store, all)
}

// letsGo requires that a call for so many sessions leaves the store to others in
// between, and for each page.
func (b *bench) letsGo(name string, sessions int, call func(context.Context) error) {
	b.Helper()
	between := &betweenPages{Context: b.Context(), b: b}
	b.must(call(between))
	if between.theirs != nil {
		b.must(End(b.Context(), b.store, between.theirs.Key))
	}
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
	theirs *sessionstore.Session
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

// serve has another person's session begin, change and end, by turns.
func (c *betweenPages) serve() error {
	switch c.served % 3 {
	case 0:
		c.theirs = c.b.session(grace)
		return Keep(c.Context, c.b.store, c.theirs)
	case 1:
		_, err := c.b.store.Update(c.Context, &sessionstore.Session{Key: c.theirs.Key, Version: 1, User: c.theirs.User})
		return err
	}
	return End(c.Context, c.b.store, c.theirs.Key)
}
