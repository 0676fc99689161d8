package caddymodule

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// maxEchoes bounds the sign-outs that are measured at once. Beyond it all of
// them are let go, which costs their measurements and nothing else.
const maxEchoes = 1024

// echoes measures how long a sign-out takes to reach other gateways. This one
// listens as they do, so it waits for its own message to come back: what is
// sent and what is heard are measured by one clock, where those of two
// machines may differ by more than the delay.
type echoes struct {
	nearcache.Notifier
	now     func() time.Time
	observe func(seconds float64)

	mu   sync.Mutex
	sent map[sessionstore.Key]time.Time
}

func newEchoes(n nearcache.Notifier, now func() time.Time, observe func(seconds float64)) *echoes {
	return &echoes{Notifier: n, now: now, observe: observe, sent: make(map[sessionstore.Key]time.Time)}
}

// Notify implements nearcache.Notifier.
func (e *echoes) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return e.Notifier.Notify(ctx,
		func(key sessionstore.Key) { changed(key); e.heard(key) },
		func() { e.forgetAll(); gap() })
}

// send begins to wait for the message that the session of that key ends. Who
// ends it at the same time waits for the same message. On nil, where nobody
// listens, neither this nor forget does anything.
func (e *echoes) send(key sessionstore.Key) {
	if e == nil {
		return
	}
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, waiting := e.sent[key]; waiting {
		return
	}
	if len(e.sent) >= maxEchoes {
		clear(e.sent)
	}
	e.sent[key] = now
}

// heard measures, if the message is one of ours. A second one of the same key
// has nothing more to say.
func (e *echoes) heard(key sessionstore.Key) {
	e.mu.Lock()
	at, ours := e.sent[key]
	delete(e.sent, key)
	e.mu.Unlock()
	if ours {
		e.observe(e.now().Sub(at).Seconds())
	}
}

// forget gives up on a message that may never have been sent.
func (e *echoes) forget(key sessionstore.Key) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sent, key)
}

// forgetAll gives up on messages that may have been lost.
func (e *echoes) forgetAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.sent)
}

// Interface guards
var _ nearcache.Notifier = (*echoes)(nil)
