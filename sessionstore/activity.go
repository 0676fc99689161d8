package sessionstore

import (
	"context"
	"errors"
	"sync"
	"time"
)

// maxPending bounds the sessions whose activity waits to be written. Beyond
// it activity is dropped, which costs those sessions a part of their idle time.
const maxPending = 200_000

// Activity writes down that people are active: behind the requests, at most
// once per tenth of the idle timeout, and once for all the requests between.
type Activity struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	pending map[Key]seen
}

type seen struct {
	session *Session
	at      time.Time
}

// NewActivity returns an Activity that Flush writes to the store.
func NewActivity(store Store, now func() time.Time) *Activity {
	return &Activity{store: store, now: now, pending: make(map[Key]seen)}
}

// Note says that the person of the session is active. It never blocks on the
// store.
func (a *Activity) Note(s *Session) {
	if s.IdleTimeout <= 0 {
		return
	}
	now := a.now()
	if now.Sub(s.LastSeenAt) < s.IdleTimeout/10 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.pending[s.Key]; known || len(a.pending) < maxPending {
		a.pending[s.Key] = seen{s, now}
	}
}

// Flush writes what is pending, and answers with the first error. What the
// store could not take is kept for the next Flush; a record that nobody can
// read is not, for it would fail every time.
func (a *Activity) Flush(ctx context.Context) error {
	a.mu.Lock()
	batch := a.pending
	a.pending = make(map[Key]seen)
	a.mu.Unlock()

	var unreadable error
	for key, s := range batch {
		err := a.store.Touch(ctx, s.session, s.at)
		switch {
		case err == nil || errors.Is(err, ErrNotFound):
		case errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat):
			unreadable = err
		default:
			a.keep(batch)
			return err
		}
		delete(batch, key)
	}
	return unreadable
}

// keep puts back what was not written, unless newer activity is pending.
func (a *Activity) keep(batch map[Key]seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, s := range batch {
		if _, newer := a.pending[key]; !newer && len(a.pending) < maxPending {
			a.pending[key] = s
		}
	}
}
