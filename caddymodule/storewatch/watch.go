// Package storewatch tells the log when the session store goes away and when it
// is back, once each, and keeps quiet about all that fails for it in between.
package storewatch

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/sessionstore"
)

// Config says what is watched, and for whom it is told.
type Config struct {
	// Beat proves that the store can be written: see sessionstore.Store.
	Beat func(context.Context) error
	// Reads is nil when the store answers a question.
	Reads func(context.Context) error
	// Answered is the word of an error that the store itself has answered, and
	// empty when it did not answer at all. nil: whatever fails has answered.
	Answered func(error) string
	// First is called, once, when the store has answered for the first time. nil
	// is for none.
	First func(context.Context)
	// Served says who is served while the store does not answer.
	Served string
	Logger *zap.Logger
	Now    func() time.Time
}

// What the log says of a store.
const (
	awayLine      = "nobody can sign in or out: the session store does not answer"
	unwritable    = "nobody can sign in: the session store takes no writes"
	backLine      = "people can sign in again: the session store answers, and takes writes"
	servedOfReads = "who is signed in is served"
	noIdleEnd     = "; no session ends for being idle meanwhile"
)

const (
	// settling is for how long after the store is back what fails may have begun
	// before it was.
	settling = 2 * sessionstore.BeatEvery
	// heldEvery is how often a line comes again of what fails at a store that
	// answers.
	heldEvery = time.Minute
	// mostHeld is how many lines are told apart by their reasons.
	mostHeld = 32
)

// Watch knows whether the store is away. It is safe for concurrent use; on nil
// it knows nothing, and holds nothing back.
type Watch struct {
	given Config

	mu       sync.Mutex
	running  bool
	first    sync.Once
	since    time.Time // the store is away since then; zero when it is there
	backAt   time.Time
	failures int             // of people's questions, since it was last known to be there
	told     map[string]bool // reasons, of this outage
	held     map[subject]*notice
}

// subject is what a line is about: its message, and why it is said.
type subject struct{ message, reason string }

// notice is a line that waits until it is known whether the store is away.
type notice struct {
	level    zapcore.Level
	fields   []zap.Field
	withheld int
	toldAt   time.Time
	due      bool
}

// New returns a watch that does nothing until Run.
func New(given Config) *Watch {
	if given.Answered == nil {
		given.Answered = func(error) string { return "an answer" }
	}
	return &Watch{given: given, told: make(map[string]bool), held: make(map[subject]*notice)}
}

// Begin holds back what fails from now on. Run follows, which finds out whether the
// store is away: what begins beside it may have failed by then.
func (w *Watch) Begin() { w.run(true) }

// Run asks the store every sessionstore.BeatEvery, at once at first, until ctx is
// done.
func (w *Watch) Run(ctx context.Context) {
	w.Begin()
	defer w.run(false)
	tick := time.NewTicker(sessionstore.BeatEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *Watch) run(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = on
	if !on && w.since.IsZero() {
		w.tellHeld(w.given.Now()) // nobody else will
	}
}

// look asks the store once. While it can be written it is asked a question too
// only if something has failed: one may be refused and the other not.
func (w *Watch) look(ctx context.Context) {
	err := w.given.Beat(ctx)
	writesFail := err != nil
	if writesFail || w.doubtful() {
		if reads := w.given.Reads(ctx); reads != nil {
			writesFail, err = false, reads
		}
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return
	case err == nil:
		w.isBack()
	default:
		w.isAway(err, writesFail && w.given.Answered(err) != "")
	}
	if w.given.First != nil && (err == nil || w.given.Answered(err) != "") {
		w.first.Do(func() { w.given.First(ctx) })
	}
}

// Away reports whether the store is known not to answer, or not to take writes. A
// watch that has not looked yet knows of none.
func (w *Watch) Away() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.since.IsZero()
}

// doubtful reports whether something has failed since the last look.
func (w *Watch) doubtful() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.since.IsZero() {
		return true
	}
	for _, n := range w.held {
		if n.due {
			return true
		}
	}
	return false
}

// isAway tells of an outage once, and again when it has another reason.
func (w *Watch) isAway(err error, readable bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.given.Now()
	if w.since.IsZero() {
		w.since = now
		clear(w.told)
	}
	clear(w.held)
	message, served := awayLine, w.given.Served+noIdleEnd
	if readable {
		message, served = unwritable, servedOfReads
	}
	reason := message + w.given.Answered(err)
	if w.told[reason] {
		return
	}
	w.told[reason] = true
	w.given.Logger.Error(message, zap.Error(err), zap.String("served", served), zap.String("since", w.since.Format(time.RFC3339)))
}

// isBack ends an outage, or tells what has failed although there is none.
func (w *Watch) isBack() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.given.Now()
	if !w.since.IsZero() {
		w.given.Logger.Info(backLine, zap.Duration("away", now.Sub(w.since)), zap.Int("failed", w.failures))
		w.since, w.backAt = time.Time{}, now
	}
	w.failures = 0
	w.tellHeld(now)
}

// tellHeld tells what is due, and forgets what has not come again.
func (w *Watch) tellHeld(now time.Time) {
	for of, n := range w.held {
		switch {
		case n.due && (n.toldAt.IsZero() || now.Sub(n.toldAt) >= heldEvery):
			w.given.Logger.Log(n.level, of.message, append(n.fields, zap.Int("more_since_last", n.withheld-1))...)
			n.due, n.withheld, n.toldAt = false, 0, now
		case now.Sub(n.toldAt) >= heldEvery:
			delete(w.held, of)
		}
	}
}

// Failed takes a line of what the store has failed a person in. It reports
// whether the line is seen to: it is counted while the store is away, and for moments
// after, when what fails may have begun before; else it comes within a second. False: it
// is the caller's.
func (w *Watch) Failed(level zapcore.Level, message string, err error, fields ...zap.Field) bool {
	return w.take(1, level, message, err, fields)
}

// Hold is Failed for what nobody waits for, and so is not counted.
func (w *Watch) Hold(level zapcore.Level, message string, err error, fields ...zap.Field) bool {
	return w.take(0, level, message, err, fields)
}

func (w *Watch) take(count int, level zapcore.Level, message string, err error, fields []zap.Field) bool {
	if w == nil || ofOne(err) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return false
	}
	w.failures += count
	if !w.since.IsZero() || w.given.Now().Sub(w.backAt) < settling {
		return true
	}
	of := subject{message, reasonOf(err)}
	if w.held[of] == nil && len(w.held) >= mostHeld {
		of.reason = "" // errors that are each of their own
	}
	n := w.held[of]
	if n == nil {
		n = new(notice)
		w.held[of] = n
	}
	n.level, n.fields, n.due = level, fields, true
	n.withheld++
	return true
}

// reasonOf is the error without what differs from one connection to the next: its
// address at our side.
func reasonOf(err error) string {
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Err != nil {
		return failed.Op + ": " + failed.Err.Error()
	}
	return err.Error()
}

// ofOne reports whether an error is of one session or person, whatever the store
// is like.
func ofOne(err error) bool {
	for _, target := range []error{sessionstore.ErrMalformed, sessionstore.ErrConflict, sessionstore.ErrTooMany} {
		if errors.Is(err, target) {
			return true
		}
	}
	_, some := sessionstore.Unreadable(err)
	return err == nil || some || sessionstore.IsUnreadable(err)
}
