package endpoint

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
)

const (
	// listenersOfSession is how many streams of events a session may have open at
	// one gateway: a browser's tabs over HTTP/2, and some more. Over HTTP/1.1
	// browsers open six connections to a host, whatever for.
	listenersOfSession = 16
	// listenersInAll bounds the memory that they take, about a gigabyte.
	listenersInAll = 50_000
)

const (
	// beatEvery is how often a client that has nothing to hear hears that. Proxies
	// and browsers give up on what is silent for a minute, and some for half of one.
	beatEvery = 15 * time.Second
	// takeTime is how long a client may take to take one block, and partTime that
	// when the server shuts down, which waits for it.
	takeTime = 10 * time.Second
	partTime = time.Second
)

// Audience is who listens to what becomes of their sessions: the clients of
// GET /auth/events of one configuration. It may be used concurrently.
type Audience struct {
	ofSession, inAll int
	beat             time.Duration
	take, part       time.Duration

	mu        sync.Mutex
	of        map[sessionstore.Key]int
	listeners map[*listener]struct{}
	dismissed chan struct{} // closed by Dismiss
	within    time.Duration // in which they come back then
}

// NewAudience returns one of nobody.
func NewAudience() *Audience {
	return &Audience{
		ofSession: listenersOfSession, inAll: listenersInAll, beat: beatEvery, take: takeTime, part: partTime,
		of: make(map[sessionstore.Key]int), listeners: make(map[*listener]struct{}), dismissed: make(chan struct{}),
	}
}

// Dismiss sends everybody away, to come back one after the other: the server shuts
// down, and waits for them. Who comes later is sent away at once.
func (a *Audience) Dismiss() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isDismissed() {
		return
	}
	a.within = comeBackWithin(len(a.listeners))
	close(a.dismissed)
	for l := range a.listeners {
		l.hurry(a.part)
	}
}

func (a *Audience) isDismissed() bool {
	select {
	case <-a.dismissed:
		return true
	default:
		return false
	}
}

const (
	soonest = time.Second
	latest  = 30 * time.Second
	// perSecond is how many come back in a second: each is a look-up, and perhaps a
	// new connection.
	perSecond = 500
)

// comeBackWithin is the time over which so many come back.
func comeBackWithin(listeners int) time.Duration {
	return min(soonest+time.Duration(listeners)*time.Second/perSecond, latest)
}

// comesBack is when one of those comes back who were sent away.
func (a *Audience) comesBack() time.Duration {
	return anyTime(soonest, a.within)
}

// anyTime is one between the two.
func anyTime(least, most time.Duration) time.Duration {
	return least + rand.N(most-least+1) // #nosec G404 -- spreads load, hides nothing
}

// admit gives a client its place, or says why there is none.
func (a *Audience) admit(key sessionstore.Key, w http.ResponseWriter) (*listener, *refusal.Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.of[key] >= a.ofSession:
		return nil, refusal.Listeners
	case len(a.listeners) >= a.inAll:
		return nil, refusal.Crowded
	}
	l := &listener{key: key, to: w, control: http.NewResponseController(w), patience: a.take}
	if a.isDismissed() {
		l.patience = a.part
	}
	a.of[key]++
	a.listeners[l] = struct{}{}
	return l, nil
}

// leave gives the place back. Nothing of the response is touched after that.
func (a *Audience) leave(l *listener) {
	l.rest()
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, l)
	if a.of[l.key]--; a.of[l.key] <= 0 {
		delete(a.of, l.key)
	}
}

// listener is one client.
type listener struct {
	key     sessionstore.Key
	to      http.ResponseWriter
	control *http.ResponseController

	mu       sync.Mutex
	patience time.Duration // with a client that takes nothing
	writing  bool
}

// send writes a block, and fails where the client does not take it in time. It
// leaves no deadline behind, so that none of the server's meets a stream that is
// quiet.
func (l *listener) send(block []byte) error {
	l.begin()
	defer l.end()
	if _, err := l.to.Write(block); err != nil {
		return err
	}
	return l.control.Flush()
}

// begin and its neighbours set deadlines. A response that has none is no server's.
func (l *listener) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = true
	_ = l.control.SetWriteDeadline(time.Now().Add(l.patience))
}

func (l *listener) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = false
	_ = l.control.SetWriteDeadline(time.Time{})
}

// rest bounds what the server writes behind the last block.
func (l *listener) rest() { l.begin() }

// hurry has the client taken leave of by then, whatever it takes.
func (l *listener) hurry(patience time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.patience = patience
	if l.writing { // beneath what only who writes may use
		_ = http.NewResponseController(streams.Innermost(l.to)).SetWriteDeadline(time.Now().Add(patience))
	}
}
