package nearcache

import (
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

// Nobody sees from outside what a sweep gives back of guesses: they have
// expired by then.
func TestASweepForgetsGuesses(t *testing.T) {
	clock := storetest.NewClock()
	c := New(memory.New(clock.Now), Options{TTL: time.Second, Now: clock.Now})
	_, _ = c.Lookup(t.Context(), sessionstore.NewSecret(1).Key())
	remembered := func() (n int) {
		for i := range c.shards {
			n += len(c.shards[i].unknown)
		}
		return n
	}
	if n := remembered(); n != 1 {
		t.Fatalf("%d guesses are remembered; want 1", n)
	}
	clock.Advance(10 * time.Second)
	if _, err := c.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := remembered(); n != 0 {
		t.Errorf("%d guesses are remembered after a sweep", n)
	}
}
