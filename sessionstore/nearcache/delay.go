package nearcache

import (
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

// maxAwaited bounds the revocations that are measured at once. Beyond it all of
// them are let go, which costs their measurements and nothing else.
const maxAwaited = 1024

// revocationDelay measures how long a revocation takes to reach other gateways.
// This one listens as they do, so it waits for its own message to come back:
// what is sent and what is heard are measured by one clock, where those of two
// machines may differ by more than the delay.
type revocationDelay struct {
	now     func() time.Time
	observe func(time.Duration)

	mu   sync.Mutex
	sent map[sessionstore.Key]time.Time
}

// newRevocationDelay returns nil when nobody asks for the delay; on nil none of
// the methods does anything.
func newRevocationDelay(now func() time.Time, observe func(time.Duration)) *revocationDelay {
	if observe == nil {
		return nil
	}
	return &revocationDelay{now: now, observe: observe, sent: make(map[sessionstore.Key]time.Time)}
}

// send begins to wait for the message that the session of that key ends. Who
// ends it at the same time waits for the same message.
func (d *revocationDelay) send(key sessionstore.Key) {
	if d == nil {
		return
	}
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, waiting := d.sent[key]; waiting {
		return
	}
	if len(d.sent) >= maxAwaited {
		clear(d.sent)
	}
	d.sent[key] = now
}

// heard measures, if the message is one of ours. A second one of the same key
// has nothing more to say.
func (d *revocationDelay) heard(key sessionstore.Key) {
	if d == nil {
		return
	}
	d.mu.Lock()
	at, ours := d.sent[key]
	delete(d.sent, key)
	d.mu.Unlock()
	if ours {
		d.observe(d.now().Sub(at))
	}
}

// forget gives up on a message that may never have been sent.
func (d *revocationDelay) forget(key sessionstore.Key) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sent, key)
}

// forgetAll gives up on messages that may have been lost.
func (d *revocationDelay) forgetAll() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.sent)
}
