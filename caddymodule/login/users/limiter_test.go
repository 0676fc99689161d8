package users_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
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

// waitingAt counts those who wait.
func waitingAt(gate *login.Gate) func() int64 { return func() int64 { return int64(gate.Waiting()) } }

// gated is a method whose comparisons run until they are let go.
type gated struct {
	*users.Method
	running, most, done atomic.Int64
	gate                chan struct{}
}

func newGated(t *testing.T, gate *login.Gate) *gated {
	g := &gated{
		Method: users.New("staff", fixed{parse(t, demo)}, gate),
		gate:   make(chan struct{}),
	}
	g.SetCompare(g.compare)
	return g
}

func (g *gated) compare(string, string) (bool, error) {
	now := g.running.Add(1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	<-g.gate
	g.running.Add(-1)
	g.done.Add(1)
	return true, nil
}

// weighed is a gated method with its own gate, at which many have room but for
// what their hashes take.
type weighed struct {
	*gated
	at *login.Gate
}

func newWeighed(t *testing.T, hash string) weighed {
	at := users.NewGate(64, 64)
	g := newGated(t, at)
	g.Method = users.New("staff", fixed{parse(t, alone(hash))}, at)
	g.SetCompare(g.compare)
	return weighed{g, at}
}

// alone is a file of one person.
func alone(hash string) string {
	return list("id: 1, email: ada@example.com, password: '" + hash + "'")
}

// swapped is a Source whose file changes.
type swapped struct {
	mu     sync.Mutex
	people *users.People
}

func (s *swapped) People() *users.People {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people
}

func (s *swapped) swap(people *users.People) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people = people
}

// soon ends by itself, where the test fails.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
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
		g := newGated(t, users.NewGate(3, 100))
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
		gate := users.NewGate(1, 2)
		g := newGated(t, gate)
		first := g.start(context.Background())
		until(t, 1, "at work", g.running.Load)
		second, third := g.start(context.Background()), g.start(context.Background())
		until(t, 2, "waiting", waitingAt(gate))
		if err := <-g.start(context.Background()); !errors.Is(err, login.ErrBusy) {
			t.Errorf("the fourth got %v", err)
		}
		close(g.gate)
		if err := errors.Join(<-first, <-second, <-third); err != nil {
			t.Error(err)
		}
		if gate.Waiting() != 0 {
			t.Errorf("%d still wait", gate.Waiting())
		}
	})
	t.Run("who gives up waiting is no longer in the way", func(t *testing.T) {
		gate := users.NewGate(1, 1)
		g := newGated(t, gate)
		first := g.start(context.Background())
		until(t, 1, "at work", g.running.Load)
		ctx, giveUp := context.WithCancel(context.Background())
		second := g.start(ctx)
		until(t, 1, "waiting", waitingAt(gate))
		giveUp()
		if err := <-second; !errors.Is(err, context.Canceled) || errors.Is(err, login.ErrRefused) {
			t.Errorf("the second got %v", err)
		}
		third := g.start(context.Background())
		until(t, 1, "waiting", waitingAt(gate))
		close(g.gate)
		if err := errors.Join(<-first, <-third); err != nil {
			t.Error(err)
		}
	})
	t.Run("who has gone already is not hashed for", func(t *testing.T) {
		g := newGated(t, users.NewGate(1, 1))
		ctx, giveUp := context.WithCancel(context.Background())
		giveUp()
		if err := <-g.start(ctx); !errors.Is(err, context.Canceled) || g.most.Load() != 0 {
			t.Errorf("got %v, %d hashes", err, g.most.Load())
		}
	})
	t.Run("hashes take no more memory at once than is allowed, whatever each takes", func(t *testing.T) {
		const large = users.HashMemory / 2
		g := newWeighed(t, strings.Replace(adaArgon, "m=64", fmt.Sprintf("m=%d", large>>10), 1))
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				if err := <-g.start(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		until(t, 2, "at work", g.running.Load)
		until(t, 10, "waiting", waitingAt(g.at))
		close(g.gate)
		all.Wait()
		if g.most.Load() != 2 {
			t.Errorf("%d at once, of %d bytes each", g.most.Load(), large)
		}
	})
	t.Run("the largest hash that is allowed is computed alone", func(t *testing.T) {
		g := newWeighed(t, strings.Replace(adaArgon, "m=64", fmt.Sprintf("m=%d", users.MaxArgon2Memory), 1))
		first, second := g.start(context.Background()), g.start(context.Background())
		until(t, 1, "at work", g.running.Load)
		until(t, 1, "waiting", waitingAt(g.at))
		close(g.gate)
		if err := errors.Join(<-first, <-second); err != nil || g.most.Load() != 1 {
			t.Errorf("%d at once, error %v", g.most.Load(), err)
		}
	})
	t.Run("a hash that became larger during the wait has room, too", func(t *testing.T) {
		source := &swapped{people: parse(t, alone(adaArgon))}
		gate := users.NewGate(8, 8)
		g := newGated(t, gate)
		g.Method = users.New("staff", source, gate)
		g.SetCompare(g.compare)
		leave, err := gate.Enter(context.Background(), login.Turn{}, users.HashMemory)
		if err != nil {
			t.Fatal(err)
		}
		first := g.start(context.Background())
		until(t, 1, "waiting", waitingAt(gate))
		source.swap(parse(t, alone(strings.Replace(adaArgon, "m=64", "m=128", 1))))
		leave()
		until(t, 1, "at work", g.running.Load)
		if _, err := gate.Enter(soon(t), login.Turn{}, users.HashMemory-128<<10); err != nil {
			t.Errorf("there is no room for the rest: %v", err)
		}
		close(g.gate)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
	t.Run("two configurations share one bound", func(t *testing.T) {
		gate := users.NewGate(1, 1)
		before, after := newGated(t, gate), newGated(t, gate)
		first := before.start(context.Background())
		until(t, 1, "at work", before.running.Load)
		second := after.start(context.Background())
		until(t, 1, "waiting", waitingAt(gate))
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

// limited has the process under a memory limit from now on, as caddy run has.
func limited(t *testing.T, limit int64) {
	before := debug.SetMemoryLimit(limit)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
}

// A limit that is passed is the end of the process, and so of everybody's requests.
func TestHashesTakeAThirdOfTheMemoryLimitAtMost(t *testing.T) {
	const usual = 46 << 20 // of `caddy hash-password`
	for name, test := range map[string]struct {
		limit int64
		want  int64 // at once
	}{
		"of a container with 512 MiB":     {460 << 20, 3},
		"of one in which there is little": {100 << 20, 1}, // one alone may always run
		"of a machine that has more":      {16 << 30, 22}, // HashMemory
		"where there is no limit":         {math.MaxInt64, 22},
	} {
		t.Run(name, func(t *testing.T) {
			g := newWeighed(t, strings.Replace(adaArgon, "m=64", fmt.Sprintf("m=%d", usual>>10), 1))
			limited(t, test.limit) // when the gate is there already
			var all sync.WaitGroup
			const people = 60
			for range people {
				all.Go(func() {
					if err := <-g.start(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			until(t, test.want, "at work", g.running.Load)
			until(t, people-test.want, "waiting", waitingAt(g.at))
			close(g.gate)
			all.Wait()
			if g.most.Load() != test.want {
				t.Errorf("%d at once, want %d", g.most.Load(), test.want)
			}
		})
	}
}

// Caddy sets them when it starts, and a configuration may have been tried before that.
func TestHalfTheProcessorsAreThoseThatThereAreNow(t *testing.T) {
	gate := users.NewGate(0, 0)
	before := runtime.GOMAXPROCS(8)
	defer runtime.GOMAXPROCS(before)
	for range 4 {
		if _, err := gate.Enter(context.Background(), login.Turn{}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := gate.Enter(context.Background(), login.Turn{}, 1); !errors.Is(err, login.ErrBusy) {
		t.Errorf("the fifth of eight processors got %v", err)
	}
}

func TestLimiterDefaults(t *testing.T) {
	t.Run("half the processors hash, and sixty-four wait", func(t *testing.T) {
		gate := users.NewGate(0, -1)
		half := max(1, runtime.GOMAXPROCS(0)/2)
		for range half {
			if _, err := gate.Enter(context.Background(), login.Turn{}, 1); err != nil {
				t.Fatal(err)
			}
		}
		ctx, giveUp := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		for range users.DefaultWaiting {
			waiting.Go(func() {
				if _, err := gate.Enter(ctx, login.Turn{}, 1); !errors.Is(err, context.Canceled) {
					t.Errorf("one who waits got %v", err)
				}
			})
		}
		until(t, users.DefaultWaiting, "waiting", waitingAt(gate))
		if _, err := gate.Enter(ctx, login.Turn{}, 1); !errors.Is(err, login.ErrBusy) {
			t.Errorf("one too many got %v", err)
		}
		giveUp()
		waiting.Wait()
	})
	t.Run("the whole process shares one gate", func(t *testing.T) {
		if users.SharedGate() != users.SharedGate() {
			t.Error("there are two")
		}
	})
}
