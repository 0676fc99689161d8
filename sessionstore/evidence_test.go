package sessionstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

var errFull = errors.New("the store is full")

// full is a store that can be read, and not written while it is full.
type full struct {
	sessionstore.Store
	full  bool
	calls int
}

func (f *full) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	f.calls++
	return f.Store.Get(ctx, key)
}

func (f *full) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	f.calls++
	if f.full {
		return errFull
	}
	return f.Store.Touch(ctx, s, seen)
}

// witness is a gateway that has seen activity, and a session that may be idle
// for twenty minutes. Another gateway writes to the store all the while.
type witness struct {
	*testing.T
	clock    *storetest.Clock
	behind   *full
	store    sessionstore.Store
	activity *sessionstore.Activity
	session  *sessionstore.Session
}

func newWitness(t *testing.T) *witness {
	w := &witness{T: t, clock: storetest.NewClock()}
	w.behind = &full{Store: memory.New(w.clock.Now)}
	w.activity = sessionstore.NewActivity(w.behind, w.clock.Now)
	w.store = w.activity.Before(w.behind)
	now := w.clock.Now()
	w.session = &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: 20 * time.Minute,
	}
	if err := storetest.Keep(t.Context(), w.store, w.session); err != nil {
		t.Fatal(err)
	}
	w.session.Version = 1
	return w
}

// pass lets time go by in which somebody can write.
func (w *witness) pass(d time.Duration) {
	w.Helper()
	for ; d > 0; d -= sessionstore.BeatEvery {
		w.clock.Advance(min(d, sessionstore.BeatEvery))
		if err := w.store.Beat(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
}

// active is somebody who is seen every five minutes for that long; what is
// noted is written where the store takes it.
func (w *witness) active(d time.Duration) {
	w.Helper()
	for ; d > 0; d -= 5 * time.Minute {
		w.pass(5 * time.Minute)
		w.activity.Note(w.session)
		if err := w.activity.Flush(w.Context()); err != nil && !errors.Is(err, errFull) {
			w.Fatal(err)
		}
	}
}

// wants asks for the session in both ways that can say that it is gone.
func (w *witness) wants(want error) {
	w.Helper()
	_, err := w.store.Get(w.Context(), w.session.Key)
	if !errors.Is(err, want) {
		w.Fatalf("Get answers %v; want %v", err, want)
	}
	if want != nil && errors.Is(err, sessionstore.ErrNotFound) != errors.Is(want, sessionstore.ErrNotFound) {
		w.Fatalf("Get answers %v, which is definite and not", err)
	}
	next, err := w.store.Update(w.Context(), w.session)
	if !errors.Is(err, want) {
		w.Fatalf("Update answers %v; want %v", err, want)
	}
	if err == nil {
		w.session.Version = next.Version
	}
}

// An idle end that rests on a write that failed is no end.
func TestActivityThatCouldNotBeWrittenIsEvidence(t *testing.T) {
	t.Run("while it cannot be written it cannot be told whether the session is gone", func(t *testing.T) {
		w := newWitness(t)
		w.behind.full = true
		w.active(40 * time.Minute)
		w.wants(sessionstore.ErrUnwritten)
		w.wants(errFull)
	})
	t.Run("once it is written the session is as it would have been", func(t *testing.T) {
		w := newWitness(t)
		w.behind.full = true
		w.active(55 * time.Minute)
		w.behind.full = false
		w.wants(nil)
		s, err := w.store.Get(t.Context(), w.session.Key)
		if err != nil || !s.LastSeenAt.Equal(w.clock.Now()) {
			t.Fatalf("the session was seen at %v, %v; want %v", s.LastSeenAt, err, w.clock.Now())
		}
		w.pass(20 * time.Minute)
		w.wants(sessionstore.ErrNotFound)
	})
	t.Run("and so it is when it is written behind the requests", func(t *testing.T) {
		w := newWitness(t)
		w.behind.full = true
		w.active(55 * time.Minute)
		w.behind.full = false
		if err := w.activity.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.wants(nil)
	})
	t.Run("activity that was yet to be written counts when the idle end comes", func(t *testing.T) {
		w := newWitness(t)
		w.pass(20*time.Minute - time.Second)
		w.activity.Note(w.session)
		w.pass(2 * time.Second)
		w.wants(nil)
	})
	t.Run("who was silent for as long as the idle timeout is gone", func(t *testing.T) {
		w := newWitness(t)
		w.behind.full = true
		w.active(10 * time.Minute)
		w.pass(20 * time.Minute)
		w.activity.Note(w.session) // by a clock that is behind, say
		w.behind.full = false
		w.wants(sessionstore.ErrNotFound)
	})
	t.Run("a session that was revoked is gone, whatever was seen of it", func(t *testing.T) {
		w := newWitness(t)
		w.pass(5 * time.Minute)
		w.activity.Note(w.session)
		if err := storetest.End(t.Context(), w.behind, w.session.Key); err != nil {
			t.Fatal(err)
		}
		w.wants(sessionstore.ErrNotFound)
		if n := w.activity.Pending(); n != 0 {
			t.Errorf("activity of %d sessions waits; want none", n)
		}
	})
	t.Run("a session that nobody has seen costs one question", func(t *testing.T) {
		w := newWitness(t)
		w.activity.Note(w.session)
		before := w.behind.calls
		if _, err := w.store.Get(t.Context(), sessionstore.NewSecret(2).Key()); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Fatalf("Get answers %v", err)
		}
		if n := w.behind.calls - before; n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
	})
}

// One part of a store that is away must not keep the people of the others
// waiting: they would go idle.
func TestActivityOfOthersIsWrittenBesideWhatFails(t *testing.T) {
	a := newActivity()
	away := errors.New("this part is away")
	var lost, kept []*sessionstore.Session
	for i := range 200 {
		s := idler(10 * time.Minute)
		a.Note(s)
		if i%2 == 0 {
			lost = append(lost, s)
		} else {
			kept = append(kept, s)
		}
	}
	a.store.answer = func(key sessionstore.Key) error {
		for _, s := range lost {
			if s.Key == key {
				return away
			}
		}
		return nil
	}
	if err := a.Flush(t.Context()); !errors.Is(err, away) {
		t.Fatalf("got %v", err)
	}
	for _, s := range kept {
		if len(a.store.seen[s.Key]) != 1 {
			t.Fatal("somebody's activity was not written")
		}
	}
	a.wantPending(t, len(lost))
}
