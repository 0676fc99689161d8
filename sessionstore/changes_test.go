package sessionstore_test

import (
	"context"
	"testing"
	"testing/synctest"

	"example.com/sidegate/sessionstore"
)

// hearer hears of changes.
type hearer struct {
	turn    chan struct{} // whoever takes what is in it holds the hearer up
	changed []sessionstore.Key
	gaps    int
}

func (h *hearer) holdUp() { <-h.turn }
func (h *hearer) goesOn() { h.turn <- struct{}{} }

// hears runs a test beside somebody who listens.
func hears(t *testing.T, test func(c *sessionstore.Changes, h *hearer)) {
	synctest.Test(t, func(t *testing.T) {
		c, h := new(sessionstore.Changes), &hearer{turn: make(chan struct{}, 1)}
		h.goesOn()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = c.Notify(ctx,
				func(key sessionstore.Key) { h.holdUp(); defer h.goesOn(); h.changed = append(h.changed, key) },
				func() { h.holdUp(); defer h.goesOn(); h.gaps++ })
		}()
		synctest.Wait()
		test(c, h)
		cancel()
		<-ended
	})
}

func TestChanges(t *testing.T) {
	keys := make([]sessionstore.Key, 1<<16)
	for i := range keys {
		keys[i].Shard = uint16(i)
	}
	t.Run("are told in order", func(t *testing.T) {
		hears(t, func(c *sessionstore.Changes, h *hearer) {
			c.Tell(keys[:2]...)
			c.Tell(keys[2])
			c.Tell()
			synctest.Wait()
			if len(h.changed) != 3 || h.changed[0] != keys[0] || h.changed[2] != keys[2] || h.gaps != 1 {
				t.Errorf("%d changes and %d gaps are told", len(h.changed), h.gaps)
			}
		})
	})
	t.Run("keep nobody waiting who makes them, and wait for who hears slowly", func(t *testing.T) {
		hears(t, func(c *sessionstore.Changes, h *hearer) {
			h.holdUp()
			c.Tell(keys[0])
			synctest.Wait() // it has taken that one, and is held up
			c.Tell(keys...)
			h.goesOn()
			synctest.Wait()
			if len(h.changed) != 1+len(keys) || h.gaps != 1 {
				t.Errorf("%d changes and %d gaps are told; want all of %d", len(h.changed), h.gaps, 1+len(keys))
			}
		})
	})
	t.Run("are a gap when too many wait, and are told again after it", func(t *testing.T) {
		hears(t, func(c *sessionstore.Changes, h *hearer) {
			h.holdUp()
			c.Tell(keys[0])
			synctest.Wait()
			c.Tell(keys...)
			c.Tell(keys[0])
			c.Tell(keys[1])
			h.goesOn()
			synctest.Wait()
			c.Tell(keys[2])
			synctest.Wait()
			if len(h.changed) != 2 || h.changed[1] != keys[2] || h.gaps != 2 {
				t.Errorf("%d changes and %d gaps are told; want the first, a gap and the last", len(h.changed), h.gaps)
			}
		})
	})
	t.Run("that nobody hears are let go", func(t *testing.T) {
		c := new(sessionstore.Changes)
		c.Tell(keys...)
		if n := testing.AllocsPerRun(100, func() { c.Tell(keys...) }); n != 0 {
			t.Errorf("to tell nobody allocates %v times", n)
		}
	})
}
