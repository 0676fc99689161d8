package storewatch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
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
	logs *observer.ObservedLogs

	mu          sync.Mutex
	beat, reads error
	firsts      int
}

// becomes has beats, and questions, fail with these errors from now on.
func (n *night) becomes(beat, reads error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.beat, n.reads = beat, reads
}

// state is what beats and questions fail with, and how often the store was looked
// at.
func (n *night) state() (firsts int, beat, reads error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.firsts, n.beat, n.reads
}

func (n *night) looks() int { firsts, _, _ := n.state(); return firsts }

func (n *night) first(context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.firsts++
}

// errAway is what a store that does not answer fails with; the others it has
// answered.
var errAway, errFull, errReplica = errors.New("no answer"), errors.New("FULL of it"), errors.New("READONLY here")

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
			Beat:  func(context.Context) error { _, beat, _ := n.state(); return beat },
			Reads: func(context.Context) error { _, _, reads := n.state(); return reads },
			Answered: func(err error) string {
				word, _, _ := strings.Cut(err.Error(), " ")
				return strings.TrimPrefix(word, "no")
			},
			First: n.first, Served: "some are served", Logger: zap.New(core), Now: time.Now,
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { n.Run(ctx); close(done) }()
		defer func() { cancel(); <-done }() // a test that fails must not leave it running
		synctest.Wait()
		steps(n)
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
		n.becomes(errAway, errAway)
		if !n.fails(errAway) || !n.fails(errAway) { // before the watch knows
			t.Error("a line is not seen to")
		}
		for range 60 {
			n.passes(time.Second)
			n.fails(errAway)
			n.Hold(zap.WarnLevel, "messages are missing", errAway)
		}
		n.becomes(nil, nil)
		n.passes(time.Second)
		n.fails(errAway) // one that began before
		n.passes(time.Minute)
		n.wantLines(t,
			"error nobody can sign in or out: the session store does not answer ... error:no answer ... served:some are served; no session ends for being idle",
			"info people can sign in again ... away:1m0s ... failed:62")
	})
}

func TestAStoreThatIsAwayAtStartIsToldOfWithoutAnyRequest(t *testing.T) {
	liveFrom(t, errAway, func(n *night) { n.wantLines(t, "does not answer") })
}

func TestWhatFailsBeforeTheStoreWasLookedAtIsHeldBack(t *testing.T) {
	w := storewatch.New(storewatch.Config{Now: time.Now})
	w.Begin()
	if !w.Hold(zap.WarnLevel, "messages are missing", errAway) {
		t.Error("a line comes before it is known that the store is away")
	}
}

func TestAStoreThatTakesNoWritesStillServes(t *testing.T) {
	live(t, func(n *night) {
		n.becomes(errFull, nil)
		n.passes(time.Minute)
		n.becomes(nil, nil)
		n.passes(time.Second)
		n.wantLines(t, "error nobody can sign in: the session store takes no writes ... FULL ... who is signed in is served", "info people can sign in again")
	})
}

func TestAStoreThatIsWrittenAndNotReadIsAway(t *testing.T) {
	live(t, func(n *night) {
		n.becomes(nil, errFull)
		n.passes(time.Minute)
		n.wantLines(t) // nobody has asked
		n.fails(errFull)
		n.passes(time.Minute)
		n.becomes(nil, nil)
		n.passes(time.Second)
		n.wantLines(t, "error nobody can sign in or out ... FULL", "info people can sign in again ... failed:1")
	})
}

func TestAnotherReasonIsToldOnceAnOutage(t *testing.T) {
	live(t, func(n *night) {
		for range 10 {
			n.becomes(errAway, errAway)
			n.passes(time.Second)
			n.becomes(errReplica, nil)
			n.passes(time.Second)
		}
		n.wantLines(t, "does not answer", "takes no writes ... READONLY")
	})
}

func TestWhatFailsAtAStoreThatAnswersIsToldOnceAMinute(t *testing.T) {
	live(t, func(n *night) {
		for range 30 {
			n.fails(errFull)
			n.fails(errFull)
			n.passes(time.Second)
		}
		n.wantLines(t, "error a question failed ... FULL ... more_since_last:1")
		n.passes(time.Minute)
		n.fails(errFull)
		n.passes(time.Minute)
		n.wantLines(t, "more_since_last:1", "more_since_last:57", "more_since_last:0")
		n.fails(errReplica)
		n.passes(time.Second)
		n.wantLines(t, "FULL", "FULL", "FULL", "READONLY")
	})
}

// lost is an error of one connection, which has an address of its own.
func lost(port int, why string) error {
	return fmt.Errorf("asking: %w", &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: port}, Err: errors.New(why)})
}

func TestConnectionsThatFailOfOneReasonAreOneLine(t *testing.T) {
	live(t, func(n *night) {
		for i := range 30 {
			n.fails(lost(40_000+i, "i/o timeout"))
			n.fails(lost(50_000+i, "connection reset"))
			n.passes(time.Second)
		}
		reasons := []string{"connection reset ... more_since_last:0", "i/o timeout ... more_since_last:0"}
		if first := n.logs.All()[0]; strings.Contains(fmt.Sprint(first.ContextMap()), "timeout") {
			slices.Reverse(reasons)
		}
		n.wantLines(t, reasons...)
	})
}

func TestErrorsThatAreEachOfTheirOwnAreNotAFlood(t *testing.T) {
	live(t, func(n *night) {
		for i := range 1000 {
			n.fails(fmt.Errorf("number %d", i))
		}
		n.passes(time.Second)
		if lines := n.logs.Len(); lines < 2 || lines > 100 {
			t.Errorf("%d lines", lines)
		}
	})
}

func TestWhatIsHeldBackIsToldAtTheEndOfTheConfiguration(t *testing.T) {
	var logs *observer.ObservedLogs
	live(t, func(n *night) {
		n.fails(errFull)
		logs = n.logs
	})
	if logs.FilterMessage("a question failed").Len() != 1 {
		t.Errorf("the log says %v", logs.All())
	}
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
		if w.Failed(zap.ErrorLevel, "a question failed", errAway) || w.Hold(zap.ErrorLevel, "a question failed", errAway) {
			t.Errorf("%s: a line is lost", name)
		}
	}
}

func TestAStoreIsLookedAtOnceItHasAnswered(t *testing.T) {
	live(t, func(n *night) {
		if n.passes(time.Minute); n.looks() != 1 {
			t.Errorf("it was looked at %d times", n.looks())
		}
	})
	liveFrom(t, errAway, func(n *night) {
		if n.passes(time.Minute); n.looks() != 0 {
			t.Errorf("it was looked at while it was away")
		}
		n.becomes(errReplica, nil)
		if n.passes(time.Minute); n.looks() != 1 {
			t.Errorf("it was looked at %d times", n.looks())
		}
	})
}
