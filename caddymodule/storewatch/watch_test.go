package storewatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/storewatch"
	"example.com/sidegate/sessionstore"
)

// night is a store in trouble, and what the log says of it.
type night struct {
	*storewatch.Watch
	beat, reads error
	firsts      int
	logs        *observer.ObservedLogs
}

// away is an error that the store did not answer, and refused is one that it did.
var away, full, replica = errors.New("no answer"), errors.New("FULL of it"), errors.New("READONLY here")

// live runs a night in a bubble, which begins with a store that is well.
func live(t *testing.T, steps func(n *night)) {
	t.Helper()
	liveFrom(t, nil, steps)
}

// liveFrom is live for a store that fails with that error from the start.
func liveFrom(t *testing.T, err error, steps func(n *night)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		n := &night{logs: logs, beat: err, reads: err}
		n.Watch = storewatch.New(storewatch.Config{
			Beat: func(context.Context) error { return n.beat }, Reads: func(context.Context) error { return n.reads },
			Answered: func(err error) string {
				word, _, _ := strings.Cut(err.Error(), " ")
				return strings.TrimPrefix(word, "no")
			},
			First: func(context.Context) { n.firsts++ }, Served: "some are served", Logger: zap.New(core), Now: time.Now,
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { n.Run(ctx); close(done) }()
		synctest.Wait()
		steps(n)
		cancel()
		<-done
	})
}

// passes lets time go by in a bubble, which costs none.
func (n *night) passes(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// fails is a person's question that fails.
func (n *night) fails(err error) bool {
	return n.Failed(zap.ErrorLevel, "a question failed", err, zap.Error(err))
}

// wantLines demands these lines and no others, each by its beginning.
func (n *night) wantLines(t *testing.T, lines ...string) {
	t.Helper()
	var said []string
	for _, entry := range n.logs.All() {
		said = append(said, fmt.Sprint(entry.Level, " ", entry.Message, " ", entry.ContextMap()))
	}
	if len(said) != len(lines) {
		t.Fatalf("the log says\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(lines, "\n"))
	}
	for i, parts := range lines {
		for _, part := range strings.Split(parts, " ... ") {
			if !strings.Contains(said[i], part) {
				t.Errorf("line %d is %q; want %q", i, said[i], part)
			}
		}
	}
}

func TestAnOutageIsTwoLines(t *testing.T) {
	live(t, func(n *night) {
		n.passes(time.Minute)
		n.wantLines(t)
		n.beat, n.reads = away, away
		if !n.fails(away) || !n.fails(away) { // before the watch knows
			t.Error("a line is not seen to")
		}
		for range 60 {
			n.passes(time.Second)
			n.fails(away)
			n.Hold(zap.WarnLevel, "messages are missing", away)
		}
		n.beat, n.reads = nil, nil
		n.passes(time.Second)
		n.fails(away) // one that began before
		n.passes(time.Minute)
		n.wantLines(t,
			"error nobody can sign in or out: the session store does not answer ... error:no answer ... served:some are served; no session ends for being idle",
			"info people can sign in again ... away:1m0s ... failed:62")
	})
}

func TestAStoreThatIsAwayAtStartIsToldOfWithoutAnyRequest(t *testing.T) {
	liveFrom(t, away, func(n *night) { n.wantLines(t, "does not answer") })
}

func TestAStoreThatTakesNoWritesStillServes(t *testing.T) {
	live(t, func(n *night) {
		n.beat = full
		n.passes(time.Minute)
		n.beat = nil
		n.passes(time.Second)
		n.wantLines(t, "error nobody can sign in: the session store takes no writes ... FULL ... who is signed in is served", "info people can sign in again")
	})
}

func TestAStoreThatIsWrittenAndNotReadIsAway(t *testing.T) {
	live(t, func(n *night) {
		n.reads = full
		n.passes(time.Minute)
		n.wantLines(t) // nobody has asked
		n.fails(full)
		n.passes(time.Minute)
		n.reads = nil
		n.passes(time.Second)
		n.wantLines(t, "error nobody can sign in or out ... FULL", "info people can sign in again ... failed:1")
	})
}

func TestAnotherReasonIsToldOnceAnOutage(t *testing.T) {
	live(t, func(n *night) {
		n.reads = away
		for range 10 {
			n.beat, n.reads = away, away
			n.passes(time.Second)
			n.beat, n.reads = replica, nil
			n.passes(time.Second)
		}
		n.wantLines(t, "does not answer", "takes no writes ... READONLY")
	})
}

func TestWhatFailsAtAStoreThatAnswersIsToldOnceAMinute(t *testing.T) {
	live(t, func(n *night) {
		for range 30 {
			n.fails(full)
			n.fails(full)
			n.passes(time.Second)
		}
		n.wantLines(t, "error a question failed ... FULL ... more_since_last:1")
		n.passes(time.Minute)
		n.fails(full)
		n.passes(time.Minute)
		n.wantLines(t, "more_since_last:1", "more_since_last:57", "more_since_last:0")
		n.fails(replica)
		n.passes(time.Second)
		n.wantLines(t, "FULL", "FULL", "FULL", "READONLY")
	})
}

func TestTroubleOfOneSessionIsTheCallers(t *testing.T) {
	live(t, func(n *night) {
		for _, err := range []error{sessionstore.ErrCorrupt, sessionstore.ErrFormat, sessionstore.ErrUnknownKey, sessionstore.ErrConflict, sessionstore.ErrTooMany,
			&sessionstore.UnreadableError{Keys: make([]sessionstore.Key, 1)}, nil} {
			if n.fails(err) {
				t.Errorf("%v is held back", err)
			}
		}
	})
}

func TestAWatchThatDoesNotRunHoldsNothingBack(t *testing.T) {
	var none *storewatch.Watch
	for name, w := range map[string]*storewatch.Watch{"none": none, "not running": storewatch.New(storewatch.Config{Now: time.Now})} {
		if w.Failed(zap.ErrorLevel, "a question failed", away) || w.Hold(zap.ErrorLevel, "a question failed", away) {
			t.Errorf("%s: a line is lost", name)
		}
	}
}

func TestAStoreIsLookedAtOnceItHasAnswered(t *testing.T) {
	live(t, func(n *night) {
		if n.passes(time.Minute); n.firsts != 1 {
			t.Errorf("it was looked at %d times", n.firsts)
		}
	})
	liveFrom(t, away, func(n *night) {
		if n.passes(time.Minute); n.firsts != 0 {
			t.Errorf("it was looked at while it was away")
		}
		n.beat, n.reads = replica, nil
		if n.passes(time.Minute); n.firsts != 1 {
			t.Errorf("it was looked at %d times", n.firsts)
		}
	})
}
