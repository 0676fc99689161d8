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
	// ahead are the sessions that were seen later than now, by the clock of
	// another gateway, and when each was last noted here.
	ahead map[Key]seen
	// writing is how many a Flush has taken and not written yet.
	writing int
}

type seen struct {
	session *Session
	at      time.Time
}

// NewActivity returns an Activity that Flush writes to the store.
func NewActivity(store Store, now func() time.Time) *Activity {
	return &Activity{store: store, now: now, pending: make(map[Key]seen), ahead: make(map[Key]seen)}
}

// Note says that the person of the session is active. It never blocks on the
// store.
//
// A session may have been seen in the future: by a gateway whose clock is ahead
// of this one's. To wait until the clock here gets there could last longer than
// the idle timeout, so such activity is written too. The store does not put
// last seen back for that, which is why it is remembered here when it was noted.
func (a *Activity) Note(s *Session) {
	if s.IdleTimeout <= 0 {
		return
	}
	now := a.now()
	if (seen{s, s.LastSeenAt}).recent(now) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.pending[s.Key]; !known && len(a.pending) >= maxPending {
		return
	}
	if now.Before(s.LastSeenAt) && !a.noteAhead(s, now) {
		return
	}
	a.pending[s.Key] = seen{s, now}
}

// recent reports whether it was within a tenth of the idle timeout, before or
// after now.
func (s seen) recent(now time.Time) bool {
	return now.Sub(s.at).Abs() < s.session.IdleTimeout/10
}

// noteAhead reports whether activity of a session that was seen in the future
// is due to be written, and remembers that it was. Called with mu held.
func (a *Activity) noteAhead(s *Session, now time.Time) bool {
	last, known := a.ahead[s.Key]
	if known && last.recent(now) || !known && len(a.ahead) >= maxPending {
		return false
	}
	a.ahead[s.Key] = seen{s, now}
	return true
}

// forgetAhead forgets what no longer keeps a write back. Called with mu held.
func (a *Activity) forgetAhead() {
	now := a.now()
	for key, last := range a.ahead {
		if !last.recent(now) {
			delete(a.ahead, key)
		}
	}
}

// Pending is how many sessions have activity that is yet to be written.
func (a *Activity) Pending() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.pending) + a.writing
}

// Flush writes what is pending, and answers with the first error. What the
// store could not take is kept for the next Flush; a record that nobody can
// read is not, for it would fail every time.
func (a *Activity) Flush(ctx context.Context) error {
	a.mu.Lock()
	batch := a.pending
	a.pending = make(map[Key]seen)
	a.forgetAhead()
	a.writing += len(batch)
	a.mu.Unlock()

	var unreadable error
	for key, s := range batch {
		err := a.store.Touch(ctx, s.session, s.at)
		switch {
		case err == nil || errors.Is(err, ErrNotFound):
		case IsUnreadable(err):
			unreadable = err
		default:
			a.keep(batch)
			return err
		}
		delete(batch, key)
		a.written()
	}
	return unreadable
}

func (a *Activity) written() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writing--
}

// keep puts back what was not written, unless newer activity is pending.
func (a *Activity) keep(batch map[Key]seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writing -= len(batch)
	for key, s := range batch {
		if _, newer := a.pending[key]; !newer && len(a.pending) < maxPending {
			a.pending[key] = s
		}
	}
}
