package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

// shaky is a store that answers nothing for a while.
type shaky struct {
	sessionstore.Store
	failures int    // how many more questions fail
	failing  string // the method that fails
	asked    int
}

func (s *shaky) fail(method string) error {
	s.asked++
	if s.failing == method {
		return errAway
	}
	if s.failures > 0 {
		s.failures--
		return errAway
	}
	return nil
}

// Get fails by its name alone: a look-up is no question that the tests count.
func (s *shaky) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if s.failing == "Get" {
		return nil, errAway
	}
	return s.Store.Get(ctx, key)
}

func (s *shaky) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	if err := s.fail("List"); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, userID)
}

func (s *shaky) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := s.fail("Revoke"); err != nil {
		return nil, err
	}
	return s.Store.Revoke(ctx, key)
}

func (s *shaky) Update(ctx context.Context, session *sessionstore.Session) (*sessionstore.Session, error) {
	if err := s.fail("Update"); err != nil {
		return nil, err
	}
	return s.Store.Update(ctx, session)
}

// register is a login that says of people what it was told.
type register map[int64]profile.Person

func (register) Name() string { return "register" }

func (d register) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	p, ok := d[s.User.ID]
	if !ok {
		return nil, login.ErrUnknown
	}
	return &p, nil
}

// backlogged is a gateway whose store can be away, and whose login knows ada.
type backlogged struct {
	*testing.T
	*gateway
	store *shaky
	known register
}

func newBacklogged(t *testing.T) *backlogged {
	t.Helper()
	b := &backlogged{T: t, store: &shaky{Store: memory.New(nil)}, known: register{1: {ID: 1, Email: "ada@example.com"}}}
	b.gateway = newGateway(t, b.store, b.known, time.Now)
	return b
}

// signedIn keeps a session of the person that began through that login.
func (b *backlogged) signedIn(userID int64, method string) sessionstore.Key {
	b.Helper()
	now := time.Now()
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(), User: sessionstore.UserSession{ID: userID, Email: "was@example.com"},
		Method: method, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
	}
	if err := storetest.Keep(b.Context(), b.store, s); err != nil {
		b.Fatal(err)
	}
	return s.Key
}

// wantEmail demands that the session is kept with that address, or, when it is
// empty, that there is none.
func (b *backlogged) wantEmail(key sessionstore.Key, email string) {
	b.Helper()
	s, err := b.store.Get(b.Context(), key)
	switch {
	case email == "" && !errors.Is(err, sessionstore.ErrNotFound):
		b.Errorf("the session is still there: %v", err)
	case email != "" && err != nil:
		b.Error(err)
	case email != "" && s.User.Email != email:
		b.Errorf("the session is of %s; want %s", s.User.Email, email)
	}
}

func (b *backlogged) wantLeft(n int) {
	b.Helper()
	if got := b.Backlog(); got != n {
		b.Errorf("%d people are left; want %d", got, n)
	}
}

func TestABacklogLosesNothingWhileTheStoreIsAway(t *testing.T) {
	for failures := range 10 {
		b := newBacklogged(t)
		disabled, again, changed := b.signedIn(2, "register"), b.signedIn(2, "register"), b.signedIn(1, "register")
		b.EndPerson("register", 2, nil)
		b.RebuildPerson("register", 1)
		b.store.failures = failures
		rounds := 0
		for ; b.Backlog() > 0; rounds++ {
			if rounds > failures {
				t.Fatalf("after %d failures there is still a backlog", failures)
			}
			b.WorkOff(t.Context())
		}
		if rounds != failures+1 {
			t.Errorf("%d failures took %d rounds: a store that is away was asked again in the same round", failures, rounds)
		}
		b.wantEmail(disabled, "")
		b.wantEmail(again, "")
		b.wantEmail(changed, "ada@example.com")
		if pending := slices.Contains(b.ear.kinds(), lifecycle.Pending); pending != (failures > 0) {
			t.Errorf("after %d failures it is told that work is pending: %v", failures, pending)
		}
	}
}

func TestBacklog(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(b *backlogged)
	}{
		{"leaves sessions of another login alone", func(b *backlogged) {
			other := b.signedIn(1, "elsewhere")
			b.EndPerson("register", 1, nil)
			b.WorkOff(b.Context())
			b.wantEmail(other, "was@example.com")
		}},
		{"leaves sessions of other people alone", func(b *backlogged) {
			other := b.signedIn(7, "register")
			b.EndPerson("register", 1, nil)
			b.WorkOff(b.Context())
			b.wantEmail(other, "was@example.com")
		}},
		{"ends the sessions of somebody the login no longer knows", func(b *backlogged) {
			key := b.signedIn(1, "register")
			delete(b.known, 1)
			b.RebuildPerson("register", 1)
			b.WorkOff(b.Context())
			b.wantEmail(key, "")
			if !slices.Equal(b.ear.kinds(), []lifecycle.Kind{lifecycle.SessionEnded, lifecycle.Ended}) {
				b.Errorf("told of %v", b.ear.kinds())
			}
		}},
		{"signs nobody out whose entry is not sound, and asks no second time", func(b *backlogged) {
			key := b.signedIn(1, "register")
			b.known[1] = profile.Person{ID: 1, Email: "no address"}
			b.RebuildPerson("register", 1)
			b.WorkOff(b.Context())
			b.wantEmail(key, "was@example.com")
			b.wantLeft(0)
			if !slices.Equal(b.ear.kinds(), []lifecycle.Kind{lifecycle.Unmapped}) {
				b.Errorf("told of %v", b.ear.kinds())
			}
		}},
		{"does one thing once, however often it is asked for", func(b *backlogged) {
			for range 5 {
				b.RebuildPerson("register", 1)
			}
			b.WorkOff(b.Context())
			if b.store.asked != 1 {
				b.Errorf("the store was asked %d times", b.store.asked)
			}
		}},
		{"asks a store that is away once a round, not once a person", func(b *backlogged) {
			for id := range int64(100) {
				b.EndPerson("register", id+1, nil)
			}
			b.store.failures = 1
			b.WorkOff(b.Context())
			if b.store.asked != 1 {
				b.Errorf("the store was asked %d times", b.store.asked)
			}
			b.wantLeft(100)
		}},
		{"counts what is being done until it is known that it is", func(b *backlogged) {
			b.signedIn(1, "register")
			b.EndPerson("register", 1, nil)
			b.EndPerson("register", 2, nil)
			counted := 0
			b.gateway.ended = func(sessionstore.Key) { counted = b.Backlog() }
			b.WorkOff(b.Context())
			if counted == 0 {
				b.Error("what is just being done is not counted")
			}
			b.wantLeft(0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(newBacklogged(t)) })
	}
}
