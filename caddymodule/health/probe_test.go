package health_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/health"
)

// store is one that answers as it is told, and counts who asks.
type store struct {
	asked atomic.Int64
	err   error
	hangs chan struct{} // until it is closed; nil when it does not
	obeys bool          // its time-out, where it hangs
}

func (s *store) ask(ctx context.Context) error {
	s.asked.Add(1)
	if s.hangs == nil {
		return s.err
	}
	if !s.obeys {
		<-s.hangs
		return s.err
	}
	select {
	case <-s.hangs:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// many ask at a time, and are all told the same, after so long.
func many(t *testing.T, p *health.Probe, want error, after time.Duration) {
	t.Helper()
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			begun := time.Now()
			if err := p.Answers(t.Context()); !errors.Is(err, want) || time.Since(begun) != after {
				t.Errorf("got %v after %v; want %v after %v", err, time.Since(begun), want, after)
			}
		})
	}
	asking.Wait()
}

func TestManyWhoAskAreOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(store)
		p := health.New(s.ask, time.Now)
		many(t, p, nil, 0)
		<-time.After(health.Kept - time.Millisecond)
		s.err = errors.New("it is away")
		if many(t, p, nil, 0); s.asked.Load() != 1 {
			t.Errorf("the store was asked %d times in one second", s.asked.Load())
		}
		<-time.After(time.Millisecond)
		many(t, p, s.err, 0)
		<-time.After(health.Kept)
		s.err = nil
		if many(t, p, nil, 0); s.asked.Load() != 3 {
			t.Errorf("the store was asked %d times in three seconds", s.asked.Load())
		}
	})
}

func TestAStoreThatHangsIsWaitedForOneSecond(t *testing.T) {
	for name, obeys := range map[string]bool{"and ends with its time-out": true, "and does not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{hangs: make(chan struct{}), obeys: obeys}
				p := health.New(s.ask, time.Now)
				late := health.ErrLate
				if obeys {
					late = nil // either word will do: the two come together
				}
				begun := time.Now()
				if err := p.Answers(t.Context()); err == nil || late != nil && !errors.Is(err, late) || time.Since(begun) != health.Patience {
					t.Errorf("got %v after %v", err, time.Since(begun))
				}
				if !obeys {
					many(t, p, health.ErrLate, 0) // and is asked no second time
				}
				if s.asked.Load() != 1 {
					t.Errorf("it was asked %d times", s.asked.Load())
				}
				close(s.hangs)
				synctest.Wait()
				<-time.After(health.Kept)
				many(t, p, nil, 0)
			})
		})
	}
}

func TestWhoIsGoneIsNotWaitedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{hangs: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := health.New(s.ask, time.Now).Answers(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(s.hangs)
	})
}
