package audit

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
)

// handlers stand for who listens to Caddy's events.
type handlers struct {
	mu     sync.Mutex
	ready  bool
	listen map[string]bool
	asked  int
	heard  []string
	does   func()
}

func (h *handlers) Ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready
}

func (h *handlers) ShouldEmit(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return h.listen[name]
}

func (h *handlers) Emit(name string, _ map[string]any) {
	if h.does != nil {
		h.does()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, name)
}

// heardBy runs a log that they listen to, until the test ends.
func heardBy(h *handlers) (*Log, *observer.ObservedLogs) {
	core, lines := observer.New(zap.WarnLevel)
	return New(Config{Logger: zap.New(core), Digest: func() string { return "" }, Now: time.Now, Events: h}), lines
}

var (
	begins = lifecycle.Event{Kind: lifecycle.Began}
	ending = lifecycle.Event{Kind: lifecycle.SessionEnded, Result: lifecycle.EndDevice, Count: 1}
)

func TestWhoListensHearsOfSessionsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlers{ready: true, listen: map[string]bool{SessionCreated: true, SessionEnded: true}}
		l, _ := heardBy(h)
		for _, e := range []lifecycle.Event{begins, {Kind: endpoint.Refused}, ending, {Kind: lifecycle.BeganBefore}, {Kind: lifecycle.EndedByOperator, Count: 2}} {
			l.Happened(e)
		}
		synctest.Wait()
		if len(h.heard) != 3 || h.heard[0] != SessionCreated || h.heard[1] != SessionEnded || h.heard[2] != SessionEnded {
			t.Errorf("heard is %q", h.heard)
		}
		l.Close()
	})
}

// Who listens is written down while the apps start, and is asked for by nobody meanwhile:
// what happens by then is told after.
func TestNobodyIsAskedForBeforeTheConfigurationHasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlers{listen: map[string]bool{SessionCreated: true}}
		l, _ := heardBy(h)
		l.Happened(begins)
		synctest.Wait()
		if h.asked != 0 {
			t.Error("it was asked who listens")
		}
		h.mu.Lock()
		h.ready = true
		h.mu.Unlock()
		<-time.After(2 * readyEvery)
		synctest.Wait()
		if len(h.heard) != 1 {
			t.Errorf("heard is %q", h.heard)
		}
		l.Close()
	})
}

func TestWhereNobodyListensNothingIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlers{ready: true}
		l, _ := heardBy(h)
		l.Happened(begins)
		synctest.Wait()
		made := testing.AllocsPerRun(10, func() { l.emitter.happened(kinds[lifecycle.Began], begins) })
		if made != 0 || len(h.heard) > 0 {
			t.Errorf("%v allocations, and heard is %q", made, h.heard)
		}
		l.Close()
	})
}

// A handler that blocks keeps nobody from signing in, and fills no memory.
func TestAHandlerThatBlocksHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		h := &handlers{ready: true, listen: map[string]bool{SessionCreated: true}, does: func() { <-released }}
		l, lines := heardBy(h)
		for range 3 * mostWaiting {
			l.Happened(begins)
		}
		synctest.Wait() // until the handler has the first
		before := time.Now()
		l.emitter.settle()
		if waited := time.Since(before); waited != settleTime {
			t.Errorf("the end waits %v", waited)
		}
		if n := lines.Len(); n != 1 {
			t.Errorf("the log has %d lines of events that nobody heard of; want 1 a second", n)
		}
		close(released)
		l.Close()
		synctest.Wait()
		if n := len(h.heard); n < mostWaiting || n > mostWaiting+1 {
			t.Errorf("%d were heard of; want %d", n, mostWaiting)
		}
	})
}

func TestAHandlerThatPanicsIsToldOfAndHearsOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlers{ready: true, listen: map[string]bool{SessionCreated: true}}
		first := true
		h.does = func() {
			if first {
				first = false
				panic("of a\nhandler")
			}
		}
		l, lines := heardBy(h)
		l.Happened(begins)
		l.Happened(begins)
		synctest.Wait()
		if len(h.heard) != 1 || lines.Len() != 1 || lines.All()[0].ContextMap()["panic"] != `of a\u{a}handler` {
			t.Errorf("heard is %q, and the log says %+v", h.heard, lines.All())
		}
		l.Close()
	})
}

// What has happened by the end of a configuration is told before its handlers end.
func TestTheEndOfAConfigurationWaitsForWhoListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handlers{ready: true, listen: map[string]bool{SessionEnded: true}}
		h.does = func() { <-time.After(100 * time.Millisecond) }
		l, _ := heardBy(h)
		for range 5 {
			l.Happened(ending)
		}
		synctest.Wait()
		l.emitter.settle()
		if len(h.heard) != 5 {
			t.Errorf("heard is %q", h.heard)
		}
		l.Close()
	})
}
