package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

func TestWhatWasBegunOnceIsFinishedOnce(t *testing.T) {
	clock := new(watch)
	shared := memory.New(clock.now)
	one, two := newGateway(t, shared, nil, clock.now), newGateway(t, shared, nil, clock.now)
	t.Run("of all who come at the same moment, at two gateways, one is the first", func(t *testing.T) {
		var firsts atomic.Int64
		var asking sync.WaitGroup
		for i := range 50 {
			g := []*gateway{one, two}[i%2]
			asking.Go(func() {
				if first, err := g.Once(t.Context(), "state", time.Minute); first && err == nil {
					firsts.Add(1)
				}
			})
		}
		asking.Wait()
		if n := firsts.Load(); n != 1 {
			t.Errorf("%d were", n)
		}
	})
	t.Run("another is another", func(t *testing.T) {
		if first, err := two.Once(t.Context(), "other", time.Minute); !first || err != nil {
			t.Error(first, err)
		}
	})
	t.Run("it is remembered for so long", func(t *testing.T) {
		clock.forward(59 * time.Second)
		if first, err := two.Once(t.Context(), "state", time.Minute); first || err != nil {
			t.Error(first, err)
		}
	})
	t.Run("when it cannot be told it is not the first", func(t *testing.T) {
		g := newGateway(t, &mute{shared}, nil, clock.now)
		if first, err := g.Once(t.Context(), "new", time.Minute); first || !errors.Is(err, errAway) {
			t.Error(first, err)
		}
	})
}

// mute is a store that counts nothing.
type mute struct{ sessionstore.Store }

func (*mute) Take(ctx context.Context, _ string, _ int, _ time.Duration) (sessionstore.Taken, error) {
	return sessionstore.Taken{}, errAway
}
