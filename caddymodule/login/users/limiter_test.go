package users_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
)

// patience bounds every wait: only a test that fails waits so long.
const patience = 2 * time.Minute

// until spins till so many are counted.
func until(t *testing.T, want int64, what string, count func() int64) {
	t.Helper()
	for giveUp := time.Now().Add(patience); count() != want; runtime.Gosched() {
		if time.Now().After(giveUp) {
			t.Fatalf("waited %v in vain until %d are %s; there are %d", patience, want, what, count())
		}
	}
}

// gated is a method whose comparisons run until they are let go.
type gated struct {
	*users.Method
	running, most, done atomic.Int64
	gate                chan struct{}
}

func newGated(t *testing.T, limiter *users.HashLimiter) *gated {
	g := &gated{
		Method: users.New("staff", fixed{parse(t, demo)}, limiter),
		gate:   make(chan struct{}),
	}
	g.SetCompare(func(string, string) (bool, error) {
		now := g.running.Add(1)
		for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
		}
		<-g.gate
		g.running.Add(-1)
		g.done.Add(1)
		return true, nil
	})
	return g
}

// start begins a sign-in and sends its error when it ends.
func (g *gated) start(ctx context.Context) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := g.SignIn(ctx, login.Typed{Name: "ada@example.com", Password: adaPassword})
		ended <- err
	}()
	return ended
}

func TestHashingIsBounded(t *testing.T) {
	t.Run("no more are hashed at once than allowed", func(t *testing.T) {
		g := newGated(t, users.NewHashLimiter(3, 100))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := <-g.start(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		until(t, 3, "at work", g.running.Load)
		close(g.gate)
		all.Wait()
		if g.most.Load() != 3 || g.done.Load() != 50 {
			t.Errorf("%d at once, %d in all", g.most.Load(), g.done.Load())
		}
	})
	t.Run("who would be one too many to wait is sent away", func(t *testing.T) {
		limiter := users.NewHashLimiter(1, 2)
		g := newGated(t, limiter)
		first := g.start(context.Background())
		until(t, 1, "at work", g.running.Load)
		second, third := g.start(context.Background()), g.start(context.Background())
		until(t, 2, "waiting", limiter.Waiting)
		if err := <-g.start(context.Background()); !errors.Is(err, login.ErrBusy) {
			t.Errorf("the fourth got %v", err)
		}
		close(g.gate)
		if err := errors.Join(<-first, <-second, <-third); err != nil {
			t.Error(err)
		}
		if limiter.Waiting() != 0 {
			t.Errorf("%d still wait", limiter.Waiting())
		}
	})
	t.Run("who gives up waiting is no longer in the way", func(t *testing.T) {
		limiter := users.NewHashLimiter(1, 1)
		g := newGated(t, limiter)
		first := g.start(context.Background())
		until(t, 1, "at work", g.running.Load)
		ctx, giveUp := context.WithCancel(context.Background())
		second := g.start(ctx)
		until(t, 1, "waiting", limiter.Waiting)
		giveUp()
		if err := <-second; !errors.Is(err, context.Canceled) || errors.Is(err, login.ErrRefused) {
			t.Errorf("the second got %v", err)
		}
		third := g.start(context.Background())
		until(t, 1, "waiting", limiter.Waiting)
		close(g.gate)
		if err := errors.Join(<-first, <-third); err != nil {
			t.Error(err)
		}
	})
	t.Run("who has gone already is not hashed for", func(t *testing.T) {
		g := newGated(t, users.NewHashLimiter(1, 1))
		ctx, giveUp := context.WithCancel(context.Background())
		giveUp()
		if err := <-g.start(ctx); !errors.Is(err, context.Canceled) || g.most.Load() != 0 {
			t.Errorf("got %v, %d hashes", err, g.most.Load())
		}
	})
	t.Run("two configurations share one bound", func(t *testing.T) {
		limiter := users.NewHashLimiter(1, 1)
		before, after := newGated(t, limiter), newGated(t, limiter)
		first := before.start(context.Background())
		until(t, 1, "at work", before.running.Load)
		second := after.start(context.Background())
		until(t, 1, "waiting", limiter.Waiting)
		if after.running.Load() != 0 {
			t.Error("both hash at once")
		}
		close(before.gate)
		close(after.gate)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Error(err)
		}
	})
}

func TestLimiterDefaults(t *testing.T) {
	t.Run("half the processors hash, and sixty-four wait", func(t *testing.T) {
		limiter := users.NewHashLimiter(0, -1)
		half := max(1, runtime.GOMAXPROCS(0)/2)
		for range half {
			if err := limiter.Acquire(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, giveUp := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		for range users.DefaultWaiting {
			waiting.Go(func() {
				if err := limiter.Acquire(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("one who waits got %v", err)
				}
			})
		}
		until(t, users.DefaultWaiting, "waiting", limiter.Waiting)
		if err := limiter.Acquire(ctx); !errors.Is(err, login.ErrBusy) {
			t.Errorf("one too many got %v", err)
		}
		giveUp()
		waiting.Wait()
	})
	t.Run("the whole process shares one limiter", func(t *testing.T) {
		if users.SharedLimiter() != users.SharedLimiter() {
			t.Error("there are two")
		}
	})
}
