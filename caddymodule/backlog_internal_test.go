package caddymodule

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// shaky is a store that answers nothing for a while.
type shaky struct {
	sessionstore.Store
	failures int // how many more questions fail
	asked    int
}

var errAway = errors.New("the store is away")

func (s *shaky) fail() error {
	s.asked++
	if s.failures > 0 {
		s.failures--
		return errAway
	}
	return nil
}

func (s *shaky) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	return s.Store.List(ctx, userID)
}

func (s *shaky) Revoke(ctx context.Context, key sessionstore.Key) error {
	if err := s.fail(); err != nil {
		return err
	}
	return s.Store.Revoke(ctx, key)
}

func (s *shaky) Update(ctx context.Context, session *sessionstore.Session) (*sessionstore.Session, error) {
	if err := s.fail(); err != nil {
		return nil, err
	}
	return s.Store.Update(ctx, session)
}

// register is a login that says of people what it was told.
type register map[int64]profile.Person

func (register) Name() string                      { return "directory" }
func (register) CaddyModule() (m caddy.ModuleInfo) { return m }

func (d register) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	p, ok := d[s.User.ID]
	if !ok {
		return nil, login.ErrUnknown
	}
	return &p, nil
}

// backlogged is a gateway whose store can be away, and whose login knows ada.
func backlogged(t *testing.T) (*gateway, *shaky, register) {
	t.Helper()
	ring, err := token.NewRing(token.Config{Secrets: []string{strings.Repeat("s", token.MinSecret)}})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := token.NewCache(ring, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := profile.NewRoles(nil)
	if err != nil {
		t.Fatal(err)
	}
	known := register{1: {ID: 1, Email: "ada@example.com"}}
	store := &shaky{Store: memory.New(nil)}
	app := &App{
		LoginOptions: LoginOptions{logins: []LoginModule{known}}, RoleOptions: RoleOptions{roles: roles},
		logger: zap.NewNop(), now: time.Now, metrics: newMetrics(),
	}
	return &gateway{app: app, store: store, ring: ring, tokens: tokens, backlog: newBacklog()}, store, known
}

// signIn keeps a session of the person that began through that login.
func (g *gateway) signIn(t *testing.T, userID int64, method string) sessionstore.Key {
	t.Helper()
	now := time.Now()
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(), User: sessionstore.UserSession{ID: userID, Email: "was@example.com"},
		Method: method, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
	}
	if err := g.store.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s.Key
}

// wantEmail demands that the session is kept with that address, or, when it is
// empty, that there is none.
func (g *gateway) wantEmail(t *testing.T, key sessionstore.Key, email string) {
	t.Helper()
	s, err := g.store.Get(t.Context(), key)
	switch {
	case email == "" && !errors.Is(err, sessionstore.ErrNotFound):
		t.Errorf("the session is still there: %v", err)
	case email != "" && err != nil:
		t.Error(err)
	case email != "" && s.User.Email != email:
		t.Errorf("the session is of %s; want %s", s.User.Email, email)
	}
}

func TestABacklogLosesNothingWhileTheStoreIsAway(t *testing.T) {
	for failures := range 10 {
		g, store, _ := backlogged(t)
		disabled, again, changed := g.signIn(t, 2, "directory"), g.signIn(t, 2, "directory"), g.signIn(t, 1, "directory")
		g.backlog.add(personTask{"directory", 2, true})
		g.backlog.add(personTask{"directory", 1, false})
		store.failures = failures
		rounds := 0
		for ; len(g.backlog.tasks) > 0; rounds++ {
			if rounds > failures {
				t.Fatalf("after %d failures there is still a backlog", failures)
			}
			g.workOff(t.Context())
		}
		if rounds != failures+1 {
			t.Errorf("%d failures took %d rounds: a store that is away was asked again in the same round", failures, rounds)
		}
		g.wantEmail(t, disabled, "")
		g.wantEmail(t, again, "")
		g.wantEmail(t, changed, "ada@example.com")
	}
}

func TestBacklog(t *testing.T) {
	t.Run("leaves sessions of another login alone", func(t *testing.T) {
		g, _, _ := backlogged(t)
		other := g.signIn(t, 1, "elsewhere")
		g.backlog.add(personTask{"directory", 1, true})
		g.workOff(t.Context())
		g.wantEmail(t, other, "was@example.com")
	})
	t.Run("leaves sessions of other people alone", func(t *testing.T) {
		g, _, _ := backlogged(t)
		other := g.signIn(t, 7, "directory")
		g.backlog.add(personTask{"directory", 1, true})
		g.workOff(t.Context())
		g.wantEmail(t, other, "was@example.com")
	})
	t.Run("ends the sessions of somebody the login no longer knows", func(t *testing.T) {
		g, _, known := backlogged(t)
		key := g.signIn(t, 1, "directory")
		delete(known, 1)
		g.backlog.add(personTask{"directory", 1, false})
		g.workOff(t.Context())
		g.wantEmail(t, key, "")
	})
	t.Run("leaves a session as it was when the person's entry is not sound", func(t *testing.T) {
		g, _, known := backlogged(t)
		key := g.signIn(t, 1, "directory")
		known[1] = profile.Person{ID: 1, Email: "no address"}
		g.backlog.add(personTask{"directory", 1, false})
		g.workOff(t.Context())
		g.wantEmail(t, key, "was@example.com")
		if len(g.backlog.tasks) != 0 {
			t.Error("it is tried again and again")
		}
	})
	t.Run("does one thing once, however often it is asked for", func(t *testing.T) {
		g, store, _ := backlogged(t)
		for range 5 {
			g.backlog.add(personTask{"directory", 1, false})
		}
		g.workOff(t.Context())
		if store.asked != 1 {
			t.Errorf("the store was asked %d times", store.asked)
		}
	})
	t.Run("asks a store that is away once a round, not once a person", func(t *testing.T) {
		g, store, _ := backlogged(t)
		for id := range int64(100) {
			g.backlog.add(personTask{"directory", id + 1, true})
		}
		store.failures = 1
		g.workOff(t.Context())
		if store.asked != 1 || len(g.backlog.tasks) != 100 {
			t.Errorf("the store was asked %d times, and %d people are left", store.asked, len(g.backlog.tasks))
		}
	})
}
