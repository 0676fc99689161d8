package sessionstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// touches is a store that only takes activity; each touch is remembered.
type touches struct {
	sessionstore.Store
	mu   sync.Mutex
	seen map[sessionstore.Key][]time.Time
	// answer is what the next touch gets; nil: it is taken.
	answer func(sessionstore.Key) error
}

func (s *touches) Touch(ctx context.Context, session *sessionstore.Session, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.answer != nil {
		if err := s.answer(session.Key); err != nil {
			return err
		}
	}
	s.seen[session.Key] = append(s.seen[session.Key], at)
	return nil
}

// activity is an Activity at noon, with its store.
type activity struct {
	*sessionstore.Activity
	store *touches
	now   time.Time
}

func newActivity() *activity {
	a := &activity{store: &touches{seen: make(map[sessionstore.Key][]time.Time)}, now: noon}
	a.Activity = sessionstore.NewActivity(a.store, func() time.Time { return a.now })
	return a
}

// wantSeen flushes and demands that the store then knows these times.
func (a *activity) wantSeen(t *testing.T, s *sessionstore.Session, want ...time.Duration) {
	t.Helper()
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := a.store.seen[s.Key]
	if len(got) != len(want) {
		t.Fatalf("touched at %v; want %v after noon", got, want)
	}
	for i := range want {
		if !got[i].Equal(noon.Add(want[i])) {
			t.Errorf("touch %d was of %v; want %v after noon", i+1, got[i], want[i])
		}
	}
}

// idler is a session with an idle timeout of one hour that was seen so long
// before noon.
func idler(before time.Duration) *sessionstore.Session {
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1}, IdleTimeout: time.Hour,
		LastSeenAt: noon.Add(-before), ExpiresAt: noon.Add(12 * time.Hour),
	}
}

func TestActivityIsWrittenAtMostOncePerTenth(t *testing.T) {
	for _, c := range []struct {
		name   string
		before time.Duration
		idle   time.Duration
		want   []time.Duration
	}{
		{"within a tenth of the idle timeout nothing is written", 6*time.Minute - 1, time.Hour, nil},
		{"after a tenth it is", 6 * time.Minute, time.Hour, []time.Duration{0}},
		{"just before the end it is", time.Hour - 1, time.Hour, []time.Duration{0}},
		{"a session that was just seen, by a clock a little ahead of ours, is not written", -6*time.Minute + 1, time.Hour, nil},
		{"one that was seen far in the future, by a clock that is wrong, is", -6 * time.Minute, time.Hour, []time.Duration{0}},
		{"without an idle timeout nothing is written", 10 * time.Hour, 0, nil},
		{"a negative idle timeout is none", 10 * time.Hour, -time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, s := newActivity(), idler(c.before)
			s.IdleTimeout = c.idle
			a.Note(s)
			a.wantSeen(t, s, c.want...)
		})
	}
}

func TestActivityIsWrittenOnceForManyRequests(t *testing.T) {
	a, s, other := newActivity(), idler(10*time.Minute), idler(10*time.Minute)
	for range 100 {
		a.Note(s)
		a.now = a.now.Add(time.Second)
	}
	a.Note(other)
	t.Run("with the newest time", func(t *testing.T) { a.wantSeen(t, s, 99*time.Second) })
	t.Run("and once for each session", func(t *testing.T) { a.wantSeen(t, other, 100*time.Second) })
	t.Run("and never again", func(t *testing.T) { a.wantSeen(t, s, 99*time.Second) })
}

// A gateway whose clock is behind must not wait for the other's to be reached:
// the session would end idle before that.
func TestActivityOfASessionSeenInTheFuture(t *testing.T) {
	t.Run("is written once per tenth of the idle timeout", func(t *testing.T) {
		a, s := newActivity(), idler(-5*time.Hour)
		for range 15 * 60 { // a quarter of an hour
			a.Note(s)
			a.now = a.now.Add(time.Second)
			if err := a.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		a.wantSeen(t, s, 0, 6*time.Minute, 12*time.Minute)
	})
	t.Run("is written when the clock here is put back too", func(t *testing.T) {
		a, s := newActivity(), idler(-5*time.Hour)
		a.Note(s)
		a.wantSeen(t, s, 0)
		a.now = a.now.Add(-time.Hour)
		a.Note(s)
		a.wantSeen(t, s, 0, -time.Hour)
	})
	t.Run("does not keep others from being written", func(t *testing.T) {
		a, s := newActivity(), idler(10*time.Minute)
		a.Note(idler(-5 * time.Hour))
		a.Note(s)
		a.wantSeen(t, s, 0)
	})
}

func TestActivityThatCannotBeWritten(t *testing.T) {
	away := errors.New("the store is away")
	t.Run("is kept until the store takes it, with its own time", func(t *testing.T) {
		a, s := newActivity(), idler(10*time.Minute)
		a.Note(s)
		a.store.answer = func(sessionstore.Key) error { return away }
		for range 3 {
			a.now = a.now.Add(time.Minute)
			if err := a.Flush(t.Context()); !errors.Is(err, away) {
				t.Fatalf("got %v", err)
			}
		}
		a.store.answer = nil
		a.wantSeen(t, s, 0)
	})
	t.Run("gives way to newer activity", func(t *testing.T) {
		a, s := newActivity(), idler(10*time.Minute)
		a.Note(s)
		a.store.answer = func(sessionstore.Key) error {
			// The person is active while the store is asked.
			a.now = noon.Add(time.Minute)
			a.Note(s)
			return away
		}
		if err := a.Flush(t.Context()); !errors.Is(err, away) {
			t.Fatalf("got %v", err)
		}
		a.store.answer = nil
		a.wantSeen(t, s, time.Minute)
	})
	t.Run("is kept when the time to write is over", func(t *testing.T) {
		a, s := newActivity(), idler(10*time.Minute)
		a.Note(s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Flush(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		a.wantSeen(t, s, 0)
	})
	t.Run("is kept for each session, though a row of failures ends the round", func(t *testing.T) {
		a := newActivity()
		all := make([]*sessionstore.Session, 200)
		for i := range all {
			all[i] = idler(10 * time.Minute)
			a.Note(all[i])
		}
		taken := 0
		a.store.answer = func(sessionstore.Key) error {
			if taken++; taken > 20 {
				return away
			}
			return nil
		}
		if err := a.Flush(t.Context()); !errors.Is(err, away) {
			t.Fatalf("got %v", err)
		}
		if taken != 20+50 {
			t.Errorf("the store that is away was asked %d times", taken-20)
		}
		a.store.answer = nil
		for _, s := range all {
			a.wantSeen(t, s, 0)
		}
	})
	t.Run("is dropped when the session is gone", func(t *testing.T) {
		a, gone, s := newActivity(), idler(10*time.Minute), idler(10*time.Minute)
		a.Note(gone)
		a.Note(s)
		a.store.answer = func(key sessionstore.Key) error {
			if key == gone.Key {
				return sessionstore.ErrNotFound
			}
			return nil
		}
		a.wantSeen(t, s, 0)
		a.store.answer = nil
		a.wantSeen(t, gone)
	})
}

// A flood of sessions while the store is away must not eat up the memory.
func TestActivityIsBounded(t *testing.T) {
	const bound = 200_000
	a, known := newActivity(), idler(10*time.Minute)
	a.Note(known)
	one := idler(10 * time.Minute)
	for i := range bound + 10 {
		s := *one
		s.Key.Hash[0], s.Key.Hash[1], s.Key.Hash[2] = byte(i), byte(i>>8), byte(i>>16)
		a.Note(&s)
	}
	a.now = noon.Add(time.Minute)
	a.Note(known)
	late := idler(10 * time.Minute)
	a.Note(late)
	t.Run("what is known is still noted", func(t *testing.T) { a.wantSeen(t, known, time.Minute) })
	t.Run("what came too late is not", func(t *testing.T) { a.wantSeen(t, late) })
	t.Run("and no more than the bound is written", func(t *testing.T) {
		if n := len(a.store.seen); n != bound {
			t.Errorf("%d sessions", n)
		}
	})
	t.Run("and then there is room again", func(t *testing.T) {
		a.Note(late)
		a.wantSeen(t, late, time.Minute)
	})
}

func TestActivityIsSafeForConcurrentUse(t *testing.T) {
	a, s := newActivity(), idler(10*time.Minute)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				a.Note(s)
				a.Note(idler(10 * time.Minute))
			}
		})
		wg.Go(func() {
			for range 50 {
				if err := a.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(a.store.seen); n != 8*200+1 {
		t.Errorf("%d sessions were written; want %d", n, 8*200+1)
	}
}

func TestPending(t *testing.T) {
	t.Run("a session counts once, from its activity until it is written", func(t *testing.T) {
		a := newActivity()
		one, other := idler(30*time.Minute), idler(30*time.Minute)
		other.Key = sessionstore.NewSecret(2).Key()
		for _, s := range []*sessionstore.Session{one, other, one} {
			a.Note(s)
		}
		a.wantPending(t, 2)
		a.store.answer = func(sessionstore.Key) error { a.wantPending(t, 2); a.store.answer = nil; return nil }
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.wantPending(t, 0)
	})
	t.Run("what could not be written goes on counting", func(t *testing.T) {
		a := newActivity()
		a.Note(idler(30 * time.Minute))
		a.store.answer = func(sessionstore.Key) error { return errors.New("away") }
		for range 3 {
			if err := a.Flush(t.Context()); err == nil {
				t.Fatal("it is said to be written")
			}
			a.wantPending(t, 1)
		}
	})
	for _, unreadable := range []error{sessionstore.ErrCorrupt, sessionstore.ErrFormat, sessionstore.ErrUnknownKey} {
		t.Run("a record that nobody can read is not tried again: "+unreadable.Error(), func(t *testing.T) {
			a := newActivity()
			a.Note(idler(30 * time.Minute))
			a.store.answer = func(sessionstore.Key) error { return unreadable }
			if err := a.Flush(t.Context()); !errors.Is(err, unreadable) {
				t.Fatalf("a record that nobody can read is said to be written: %v", err)
			}
			a.wantPending(t, 0)
		})
	}
}

func (a *activity) wantPending(t *testing.T, want int) {
	t.Helper()
	if got := a.Pending(); got != want {
		t.Errorf("%d sessions are pending; want %d", got, want)
	}
}
