package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// wire stands for the network: it answers each write as the test says.
type wire struct {
	mu     sync.Mutex
	answer func(ctx context.Context, commands []goredis.Cmder) error
	// writes are how many commands each had.
	writes []int
}

func (w *wire) DialHook(next goredis.DialHook) goredis.DialHook          { return next }
func (w *wire) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (w *wire) ProcessPipelineHook(goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, commands []goredis.Cmder) error {
		w.mu.Lock()
		w.writes = append(w.writes, len(commands))
		w.mu.Unlock()
		return w.answer(ctx, commands)
	}
}

// echo answers each question with its own key.
func echo(commands []goredis.Cmder) error {
	for _, c := range commands {
		c.SetErr(nil)
		switch c := c.(type) {
		case *goredis.StringCmd:
			c.SetVal("of " + fmt.Sprint(c.Args()[1]))
		case *goredis.DurationCmd:
			c.SetVal(time.Hour)
		}
	}
	return nil
}

// onWire is a server behind that wire, in a bubble of the test.
func onWire(t *testing.T, answer func(ctx context.Context, commands []goredis.Cmder) error) (*wire, *goredis.Client) {
	w := &wire{answer: answer}
	client := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1"})
	client.AddHook(w)
	t.Cleanup(func() { _ = client.Close() })
	return w, client
}

// after answers by echo when that long has passed, or with the deadline.
func after(wait func(write int) time.Duration) func(context.Context, []goredis.Cmder) error {
	var writes atomic.Int64
	return func(ctx context.Context, commands []goredis.Cmder) error {
		select {
		case <-time.After(wait(int(writes.Add(1)))):
			return echo(commands)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func always(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }

// asked is what came of asking for a key.
func asked(t *testing.T, a answer, key string) {
	t.Helper()
	if a.err != nil || string(a.record) != "of "+key || a.kept != time.Hour {
		t.Errorf("%s was answered with %q, kept for %v, %v", key, a.record, a.kept, a.err)
	}
}

func TestALoneLookUpWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := onWire(t, after(always(3*time.Millisecond)))
		l := newLookups(time.Second)
		for range 3 {
			began := time.Now()
			asked(t, l.ask(t.Context(), client, question{key: "a"}), "a")
			if took := time.Since(began); took != 3*time.Millisecond {
				t.Errorf("it took %v of the bubble's time; want the three milliseconds of the server", took)
			}
		}
		if fmt.Sprint(w.writes) != "[2 2 2]" {
			t.Errorf("the writes had %v commands", w.writes)
		}
	})
}

func TestLookUpsThatWaitAtTheSameTimeAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := onWire(t, after(always(3*time.Millisecond)))
		l := newLookups(time.Second)
		go l.ask(t.Context(), client, question{key: "first"})
		synctest.Wait()
		for i := range 100 {
			go func() {
				key := fmt.Sprint("key ", i)
				asked(t, l.ask(t.Context(), client, question{key: key}), key)
			}()
		}
		guess := l.ask(t.Context(), client, question{key: "guess", guess: true})
		if guess.err != nil {
			t.Errorf("the guess was answered with %v", guess.err)
		}
		synctest.Wait()
		if fmt.Sprint(w.writes) != "[2 201]" {
			t.Errorf("the writes had %v commands; want those of the first, and then all others", w.writes)
		}
	})
}

func TestABatchHoldsNoMoreThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := onWire(t, after(always(time.Millisecond)))
		l := newLookups(time.Second)
		go l.ask(t.Context(), client, question{key: "first"})
		synctest.Wait()
		for i := range 5 * mostTogether {
			if _, b, at := l.join(client, question{key: fmt.Sprint(i)}); b == nil || at >= mostTogether {
				t.Errorf("question %d is number %d of a batch", i, at)
			}
		}
		<-time.After(time.Minute) // all have left
	})
}

// Whether anybody else comes or not: what is gathered leaves by itself.
func TestWhoComesBehindALookUpThatHangsDoesNotWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := onWire(t, after(func(write int) time.Duration {
			if write == 1 {
				return time.Hour
			}
			return time.Millisecond
		}))
		l := newLookups(time.Second)
		go l.ask(t.Context(), client, question{key: "hung"})
		synctest.Wait()
		<-time.After(held / 2)
		began := time.Now()
		asked(t, l.ask(t.Context(), client, question{key: "second"}), "second")
		if took := time.Since(began); took != held/2+time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		asked(t, l.ask(t.Context(), client, question{key: "third"}), "third")
		if took := time.Since(began); took > 2*held+2*time.Millisecond {
			t.Errorf("the next was answered after %v", took)
		}
	})
}

// Of a batch that never comes back a connection may be to blame, and no server.
func TestABatchThatHangsHoldsNobodyUpWhoComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, client := onWire(t, after(func(write int) time.Duration {
			if write == 1 {
				return time.Hour
			}
			return time.Millisecond
		}))
		l := newLookups(time.Second)
		hung := make(chan answer)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // as every look-up of a store has
		defer cancel()
		go func() { hung <- l.ask(ctx, client, question{key: "hung"}) }()
		synctest.Wait()
		gathered := make(chan answer, 1)
		go func() { gathered <- l.ask(t.Context(), client, question{key: "gathered"}) }()
		<-time.After(held)
		asked(t, l.ask(t.Context(), client, question{key: "late"}), "late")
		asked(t, <-gathered, "gathered")
		if fmt.Sprint(w.writes) != "[2 4]" {
			t.Errorf("the writes had %v commands; want the one that hangs, and one beside it", w.writes)
		}
		if a := <-hung; !errors.Is(a.err, context.DeadlineExceeded) {
			t.Errorf("who hung was answered with %v; want the time-out of the store", a.err)
		}
	})
}

func TestWhoseContextEndsLeavesAtOnceAndTheOthersAreAnswered(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"a deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Millisecond)
		}, context.DeadlineExceeded},
		{"a request that has gone", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, client := onWire(t, after(always(100*time.Millisecond)))
				l := newLookups(time.Second)
				patient := make(chan answer, 1)
				go func() { patient <- l.ask(t.Context(), client, question{key: "patient"}) }()
				ctx, cancel := c.end(t.Context())
				defer cancel()
				began := time.Now()
				a := l.ask(ctx, client, question{key: "hasty"})
				if took := time.Since(began); took != 5*time.Millisecond || !errors.Is(a.err, c.want) {
					t.Errorf("answered with %v after %v; want %v after 5 ms", a.err, took, c.want)
				}
				asked(t, <-patient, "patient")
				if a := l.ask(ctx, client, question{key: "gone before"}); !errors.Is(a.err, c.want) || len(w.writes) > 2 {
					t.Errorf("who has gone already was answered with %v, and there were %d writes", a.err, len(w.writes))
				}
			})
		})
	}
}

func TestAPanicOfOneBatchIsNoAnswerAndEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panics := true
		_, client := onWire(t, func(_ context.Context, commands []goredis.Cmder) error {
			if panics {
				panic("with a secret")
			}
			return echo(commands)
		})
		l := newLookups(time.Second)
		a := l.ask(t.Context(), client, question{key: "a"})
		if a.err == nil || errors.Is(a.err, goredis.Nil) || strings.Contains(a.err.Error(), "secret") {
			t.Errorf("answered with %v; want an error that is no definite answer, without what the panic says", a.err)
		}
		synctest.Wait()
		panics = false
		asked(t, l.ask(t.Context(), client, question{key: "b"}), "b")
	})
}

// refused is an error that a server answers.
type refused string

func (r refused) Error() string { return string(r) }
func (refused) RedisError()     {}

// go-redis says of the whole alone that the server has refused the connection: a
// question that nobody answered must not be taken for an empty record.
func TestWhatWasNotAskedHasNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"a server that refuses the connection", refused("NOAUTH Authentication required."), refused("NOAUTH Authentication required.")},
		{"a connection that breaks", context.DeadlineExceeded, context.DeadlineExceeded},
		{"a client that says nothing", nil, errUnasked},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := onWire(t, func(context.Context, []goredis.Cmder) error { return c.err })
				a := newLookups(time.Second).ask(t.Context(), client, question{key: "a"})
				if !errors.Is(a.err, c.want) || a.record != nil {
					t.Errorf("answered with %q, %v; want %v", a.record, a.err, c.want)
				}
			})
		})
	}
}

func TestEachIsAnsweredByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := onWire(t, after(always(time.Millisecond)))
		w, other := onWire(t, func(_ context.Context, commands []goredis.Cmder) error {
			<-time.After(time.Millisecond) // for the others to come
			_ = echo(commands)
			for _, c := range commands {
				switch key := fmt.Sprint(c.Args()[1]); {
				case c.Name() == "get" && key == "none":
					c.SetErr(goredis.Nil)
				case c.Name() == "get" && key == "moved":
					c.SetErr(refused("MOVED 1 127.0.0.1:2"))
				case c.Name() == "pttl" && key == "ended":
					c.(*goredis.DurationCmd).SetVal(-2)
				}
			}
			return commands[0].Err()
		})
		l := newLookups(time.Second)
		var answered sync.WaitGroup
		for key, want := range map[string]error{"none": goredis.Nil, "moved": refused("MOVED 1 127.0.0.1:2"), "ended": goredis.Nil} {
			answered.Go(func() {
				if a := l.ask(t.Context(), other, question{key: key}); !errors.Is(a.err, want) {
					t.Errorf("%s was answered with %v; want %v", key, a.err, want)
				}
			})
		}
		asked(t, l.ask(t.Context(), other, question{key: "there"}), "there")
		answered.Wait()
		synctest.Wait()
		if len(w.writes) > 2 {
			t.Errorf("there were %d writes", len(w.writes))
		}
		asked(t, l.ask(t.Context(), client, question{key: "there"}), "there")
		if len(l.lanes) != 1 {
			t.Errorf("%d servers are remembered; want the one that was asked last, for the other has gone", len(l.lanes))
		}
	})
}
