package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

var errNet = &net.OpError{Op: "read", Err: errors.New("broken")}

// server is a breaker before a server that answers err, with a clock.
type server struct {
	breaker
	at    time.Time
	err   error
	asked int
}

func newServer(err error) *server {
	s := &server{at: time.Unix(1_700_000_000, 0), err: err}
	s.now = func() time.Time { return s.at }
	return s
}

// ask is one operation.
func (s *server) ask() error {
	if err := s.allow(); err != nil {
		return err
	}
	s.asked++
	s.settle(s.err)
	return s.err
}

func (s *server) askTimes(n int) {
	for range n {
		_ = s.ask()
	}
}

func TestBreaker(t *testing.T) {
	t.Run("a server that cannot be reached is left alone after five failures in a row", func(t *testing.T) {
		s := newServer(errNet)
		s.askTimes(100)
		if s.asked != breakAfter {
			t.Errorf("it was asked %d times; want %d", s.asked, breakAfter)
		}
	})
	t.Run("what is refused says the last cause", func(t *testing.T) {
		s := newServer(errNet)
		s.askTimes(breakAfter)
		if err := s.ask(); !errors.Is(err, errNet) || !strings.Contains(err.Error(), "redis") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("failures with an answer between them open nothing", func(t *testing.T) {
		s := newServer(nil)
		for i := range 100 {
			s.err = nil
			if i%breakAfter != 0 {
				s.err = errNet
			}
			s.askTimes(1)
		}
		if s.asked != 100 {
			t.Errorf("it was asked %d times; want 100", s.asked)
		}
	})
	t.Run("it is probed once per pause, and the pause doubles up to half a second", func(t *testing.T) {
		s := newServer(errNet)
		s.askTimes(breakAfter)
		for i, pause := range []time.Duration{100, 200, 400, 500, 500, 500} {
			s.at = s.at.Add(pause*time.Millisecond - 1)
			s.askTimes(3)
			if s.asked != breakAfter+i {
				t.Fatalf("probe %d came early", i+1)
			}
			s.at = s.at.Add(1)
			s.askTimes(3)
			if s.asked != breakAfter+i+1 {
				t.Fatalf("when probe %d was due it was asked %d times; want once", i+1, s.asked-breakAfter-i)
			}
		}
	})
	t.Run("the first answer closes it", func(t *testing.T) {
		s := newServer(errNet)
		s.askTimes(breakAfter)
		s.at, s.err = s.at.Add(firstPause), nil
		s.askTimes(10)
		if s.asked != breakAfter+10 {
			t.Errorf("after the answer it was asked %d times; want 10", s.asked-breakAfter)
		}
		s.err = errNet
		s.askTimes(breakAfter - 1)
		if s.allow() != nil {
			t.Error("it opened again before five failures")
		}
	})
}

func TestBreakerCountsOnlyWhatCouldNotBeReached(t *testing.T) {
	for name, err := range map[string]error{
		"no such value":             goredis.Nil,
		"a value of another kind":   goredis.ErrCrossSlot,
		"a caller who went away":    context.Canceled,
		"one who went away, in all": fmt.Errorf("reading: %w", context.Canceled),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(err)
			s.askTimes(10 * breakAfter)
			if s.asked != 10*breakAfter {
				t.Errorf("it was asked %d times; want each time", s.asked)
			}
		})
	}
	for name, err := range map[string]error{
		"a deadline": context.DeadlineExceeded, "a broken connection": errNet, "no connection to be had": goredis.ErrPoolTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(err)
			s.askTimes(10 * breakAfter)
			if s.asked != breakAfter {
				t.Errorf("it was asked %d times; want %d", s.asked, breakAfter)
			}
		})
	}
	t.Run("a caller who went away does not close it either", func(t *testing.T) {
		s := newServer(errNet)
		s.askTimes(breakAfter)
		s.settle(context.Canceled)
		if s.allow() == nil {
			t.Error("it is closed")
		}
	})
}

func TestOfManyAtOnceOneIsTheProbe(t *testing.T) {
	s := newServer(errNet)
	s.askTimes(breakAfter)
	s.at = s.at.Add(firstPause)
	var probes atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if s.allow() == nil {
				probes.Add(1)
			}
		})
	}
	wg.Wait()
	if probes.Load() != 1 {
		t.Fatalf("%d were let through; want 1", probes.Load())
	}
}

func TestGreetingsPassAnOpenBreaker(t *testing.T) {
	g := newGuard(&goredis.Options{}, false)
	for range breakAfter {
		g.breaker.settle(errNet)
	}
	sent := 0
	send := g.ProcessHook(func(context.Context, goredis.Cmder) error { sent++; return nil })
	// The one probe needs a connection, and its greeting is a part of it.
	for _, name := range []string{"hello", "auth", "select"} {
		if err := send(t.Context(), goredis.NewCmd(t.Context(), name)); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
	if err := send(t.Context(), goredis.NewCmd(t.Context(), "get")); err == nil || sent != 3 {
		t.Errorf("%d were sent, the last answered %v; want three and a refusal", sent, err)
	}
}

func BenchmarkBreakerWhileAllIsWell(b *testing.B) {
	s := newServer(nil)
	b.ReportAllocs()
	for b.Loop() {
		if s.allow() != nil {
			b.Fatal("it is open")
		}
		s.settle(nil)
	}
}
