package sessionstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxPending bounds the sessions whose activity waits to be written. Beyond
	// it activity is dropped, which costs those sessions a part of their idle time.
	maxPending = 200_000
	// maxFailures is how many writes in a row must fail for a Flush to give up:
	// one part of a store that is away must not keep the others' people waiting.
	maxFailures = 50
)

// Activity writes down that people are active: behind the requests, at most
// once per tenth of the idle timeout, and once for all the requests between.
// What it could not write yet is evidence all the same: see Before.
type Activity struct {
	store Store
	now   func() time.Time

	mu      sync.Mutex
	pending map[Key]seen
	// ahead are the sessions that were seen later than now, by the clock of
	// another gateway, and when each was last noted here.
	ahead map[Key]seen
}

// seen is activity of a session: first and last are of one row, in which the
// person was never silent for as long as the idle timeout.
type seen struct {
	session     *Session
	first, last time.Time
}

// NewActivity returns an Activity that Flush writes to the store.
func NewActivity(store Store, now func() time.Time) *Activity {
	return &Activity{store: store, now: now, pending: make(map[Key]seen), ahead: make(map[Key]seen)}
}

// Through has Flush write through front, a cache before the store that knows what
// it holds. It is to be called before anything else is.
func (a *Activity) Through(front Store) { a.store = front }

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
	noted := seen{s, now, now}
	if (seen{session: s, last: s.LastSeenAt}).recent(now) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before, known := a.pending[s.Key]
	if !known && len(a.pending) >= maxPending {
		return
	}
	if now.Before(s.LastSeenAt) && !a.noteAhead(noted) {
		return
	}
	if known && now.Sub(before.last) < s.IdleTimeout {
		noted.first = before.first
	}
	a.pending[s.Key] = noted
}

// recent reports whether it was within a tenth of the idle timeout, before or
// after now.
func (s seen) recent(now time.Time) bool {
	return now.Sub(s.last).Abs() < s.session.IdleTimeout/10
}

// noteAhead reports whether activity of a session that was seen in the future
// is due to be written, and remembers that it was. Called with mu held.
func (a *Activity) noteAhead(noted seen) bool {
	key := noted.session.Key
	before, known := a.ahead[key]
	if known && before.recent(noted.last) || !known && len(a.ahead) >= maxPending {
		return false
	}
	a.ahead[key] = noted
	return true
}

// forgetAhead forgets what no longer keeps a write back. Called with mu held.
func (a *Activity) forgetAhead() {
	now := a.now()
	for key, before := range a.ahead {
		if !before.recent(now) {
			delete(a.ahead, key)
		}
	}
}

// Pending is how many sessions have activity that is yet to be written.
func (a *Activity) Pending() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.pending)
}

// Flush writes what is pending, and answers with the first error. What the
// store could not take is kept for the next Flush; a record that nobody can
// read is not, for it would fail every time.
func (a *Activity) Flush(ctx context.Context) error {
	var first error
	failures := 0
	for _, key := range a.due() {
		err := a.write(ctx, a.store, key)
		if first == nil && !errors.Is(err, ErrNotFound) {
			first = err
		}
		if settled(err) {
			failures = 0
		} else if failures++; failures == maxFailures || ctx.Err() != nil {
			break
		}
	}
	return first
}

// settled reports whether activity need not be written again: the store has
// taken it, or has said for certain that it never will.
func settled(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || IsUnreadable(err)
}

// due are the sessions whose activity is pending now.
func (a *Activity) due() []Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetAhead()
	return slices.Collect(maps.Keys(a.pending))
}

// write writes the activity of that session, if there is any, and forgets it
// once that is settled.
func (a *Activity) write(ctx context.Context, store Store, key Key) error {
	a.mu.Lock()
	s, known := a.pending[key]
	a.mu.Unlock()
	if !known {
		return nil
	}
	err := s.write(ctx, store)
	if settled(err) {
		a.settle(key, s)
	}
	return err
}

// write touches the session. Where the store takes it for ended it may be that
// it could not be told of the activity before: the row of activity is then
// written step by step, each of which lets the next one count.
func (s seen) write(ctx context.Context, store Store) error {
	err := store.Touch(ctx, s.session, s.last)
	if !errors.Is(err, ErrNotFound) || !s.first.Before(s.last) {
		return err
	}
	step := max(s.session.IdleTimeout*9/10, time.Millisecond)
	for at := s.first; at.Before(s.last); at = at.Add(step) {
		if err := store.Touch(ctx, s.session, at); err != nil {
			return err
		}
	}
	return store.Touch(ctx, s.session, s.last)
}

// settle forgets activity, but not what was noted while it was written.
func (a *Activity) settle(key Key, s seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	newer, known := a.pending[key]
	if !known || newer.last.Equal(s.last) {
		delete(a.pending, key)
		return
	}
	newer.first = newer.last
	a.pending[key] = newer
}

// waits reports whether activity of that session waits to be written.
func (a *Activity) waits(key Key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.pending[key]
	return known
}
