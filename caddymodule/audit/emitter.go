package audit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/withheld"
)

// Names of the events that Caddy's event handlers hear of.
const (
	SessionCreated = "session_created"
	SessionEnded   = "session_ended"
)

// Events are Caddy's: see CaddyEvents.
type Events interface {
	// Ready reports whether the configuration has started, with all who listen.
	Ready() bool
	// ShouldEmit reports whether anybody listens. It is asked once Ready has said yes.
	ShouldEmit(name string) bool
	// Emit has all who listen hear of it, and returns when they have.
	Emit(name string, data map[string]any)
}

const (
	// mostWaiting bounds the events that wait for who listens.
	mostWaiting = 1024
	// readyEvery is how often it is looked whether a configuration has started.
	readyEvery = 50 * time.Millisecond
	// settleTime is how long the end of a configuration waits for who listens.
	settleTime = time.Second
)

// emitter tells who listens, behind whoever makes something happen: a handler takes its
// time, blocks or panics, and nobody waits for it (Caddy's events are synchronous). On
// nil it tells nobody.
type emitter struct {
	events Events
	logger *zap.Logger
	now    func() time.Time
	ready  atomic.Bool
	begin  sync.Once
	queue  chan emission
	closed chan struct{}
	close1 sync.Once
	lost   withheld.Lines
}

// emission is one event, or a mark that is closed when all before it were told.
type emission struct {
	name string
	data map[string]any
	mark chan struct{}
}

func newEmitter(events Events, logger *zap.Logger, now func() time.Time) *emitter {
	return &emitter{events: events, logger: logger, now: now, queue: make(chan emission, mostWaiting), closed: make(chan struct{})}
}

// happened has who listens told of a session that began or ended. Where nobody listens
// nothing is made.
func (m *emitter) happened(w what, e lifecycle.Event) {
	name := SessionEnded
	switch {
	case m == nil || e.Kind != lifecycle.Began && !ended(e):
		return
	case e.Kind == lifecycle.Began:
		name = SessionCreated
	}
	if m.ready.Load() && !m.events.ShouldEmit(name) {
		return
	}
	m.begin.Do(func() { go m.run() })
	select {
	case m.queue <- emission{name: name, data: dataOf(w, e)}:
	default:
		if m.lost.Tell(m.now()) {
			m.logger.Warn("an event of a session is not told to Caddy's event handlers: too many wait, for one of them takes its time",
				zap.String("name", name), m.lost.More())
		}
	}
}

// dataOf is what who listens is told: no credential, and nothing that a client made up.
func dataOf(w what, e lifecycle.Event) map[string]any {
	data := map[string]any{
		"user_id": e.UserID, "session": idOf(e.Session), "login": shown(e.Login, longestName), "client": clientOf(e),
		"by": shown(entry{what: w, Event: e}.byWhom(), longestPath),
	}
	if ended(e) {
		data["why"], data["count"] = w.result, e.Count
	}
	return data
}

func (m *emitter) run() {
	for {
		select {
		case e := <-m.queue:
			m.emit(e)
		case <-m.closed:
			for {
				select {
				case e := <-m.queue:
					m.emit(e)
				default:
					return
				}
			}
		}
	}
}

// emit waits until all who listen are there: they are written down while the apps start,
// and may not be looked for meanwhile.
func (m *emitter) emit(e emission) {
	if e.mark != nil {
		close(e.mark)
		return
	}
	if !m.awaitReady() || !m.events.ShouldEmit(e.name) {
		return
	}
	defer func() {
		if what := recover(); what != nil {
			m.logger.Error("a handler of Caddy's events panicked; sessions are as they were", zap.String("name", e.name),
				zap.String("panic", shown(fmt.Sprint(what), longestWhy)))
		}
	}()
	m.events.Emit(e.name, e.data)
}

func (m *emitter) awaitReady() bool {
	if m.ready.Load() {
		return true
	}
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for !m.events.Ready() {
		select {
		case <-m.closed:
			return false
		case <-tick.C:
		}
	}
	m.ready.Store(true)
	return true
}

// settle waits until who listens has heard of all so far, for settleTime at most.
func (m *emitter) settle() {
	if m == nil || !m.ready.Load() {
		return
	}
	late := time.NewTimer(settleTime)
	defer late.Stop()
	mark := make(chan struct{})
	select {
	case m.queue <- emission{mark: mark}:
	case <-late.C:
		return
	}
	select {
	case <-mark:
	case <-late.C:
	}
}

// close ends the work.
func (m *emitter) close() {
	if m != nil {
		m.close1.Do(func() { close(m.closed) })
	}
}
