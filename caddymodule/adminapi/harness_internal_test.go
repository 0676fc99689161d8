package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// readyFor is how long the gateways of these tests keep an answer of ready.
const readyFor = time.Second

var errAway = errors.New("dialing redis://gateway:hunter2@127.0.0.1:6379: refused")

// shelf is a memory store that may be away, and counts how often it is walked and read.
type shelf struct {
	*memory.Store
	away          atomic.Bool
	walks, counts atomic.Int64
	counting      chan struct{}                // a count waits for it; nil: none does
	paged         func([]sessionstore.Found)   // hears of each page that is walked
	revoked       func(ended int) (stop error) // of each page that has ended
}

func newShelf() *shelf { return &shelf{Store: memory.New(time.Now)} }

func (s *shelf) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if s.away.Load() {
		return nil, errAway
	}
	return s.Store.Get(ctx, key)
}

func (s *shelf) walked(page func([]sessionstore.Found) error) func([]sessionstore.Found) error {
	s.walks.Add(1)
	return func(found []sessionstore.Found) error {
		if s.paged != nil {
			s.paged(found)
		}
		if s.away.Load() {
			return errAway
		}
		return page(found)
	}
}

func (s *shelf) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	if s.away.Load() {
		return errAway
	}
	return s.Store.WalkUser(ctx, userID, s.walked(page))
}

func (s *shelf) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	if s.away.Load() {
		return errAway
	}
	return s.Store.WalkAll(ctx, s.walked(page))
}

func (s *shelf) FindID(ctx context.Context, id string) (sessionstore.Found, bool, error) {
	if s.away.Load() {
		return sessionstore.Found{}, false, errAway
	}
	return s.Store.FindID(ctx, id)
}

func (s *shelf) Count(ctx context.Context) (int, error) {
	s.counts.Add(1)
	if s.counting != nil {
		<-s.counting
	}
	if s.away.Load() {
		return 0, errAway
	}
	return s.Store.Count(ctx)
}

func (s *shelf) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	if s.away.Load() {
		return 0, errAway
	}
	n, err := s.Store.RevokeFound(ctx, found...)
	if s.revoked != nil && len(found) > 0 && err == nil {
		err = s.revoked(n)
	}
	return n, err
}

// add keeps a new session of somebody.
func (s *shelf) add(t testing.TB, userID int64, email, login string, created time.Time) *sessionstore.Session {
	t.Helper()
	kept := &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(), User: sessionstore.UserSession{ID: userID, Email: email}, Method: login,
		Address: "192.0.2.7", UserAgent: "curl", CreatedAt: created, LastSeenAt: created, ExpiresAt: created.Add(24 * time.Hour),
	}
	if _, err := s.Create(context.Background(), kept, sessionstore.Limit{}); err != nil {
		t.Fatal(err)
	}
	return kept
}

// heard remembers what happened.
type heard struct{ events []lifecycle.Event }

func (h *heard) Happened(e lifecycle.Event)             { h.events = append(h.events, e) }
func (h *heard) Trouble(context.Context, string, error) {}

// asking is the desk of a gateway with that store, as it is asked by HTTP.
type asking struct {
	testing.TB
	desk  *Desk
	heard *heard
}

func newAsking(t testing.TB, s sessionstore.Store, now func() time.Time) *asking {
	t.Helper()
	a := &asking{TB: t, heard: new(heard)}
	browser, _ := s.(sessionstore.Browser)
	a.desk = New(Config{
		Operators: lifecycle.NewOperators(lifecycle.New(lifecycle.Config{Store: s, Browser: browser, Events: a.heard, Now: now})),
		Store:     s, Digest: func() string { return "0011223344556677" }, Version: "v1", Now: now,
		Ready: func(context.Context) error { return nil }, ReadyFor: readyFor,
	})
	return a
}

// ask is one request and what is answered, as Caddy writes errors.
func (a *asking) ask(ctx context.Context, method, path string) (int, string) {
	a.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	c := &call{w: w, r: r, desk: func() (*Desk, error) { return a.desk, nil }}
	err := c.answer(routes)
	if err == nil {
		return w.Code, w.Body.String()
	}
	fault, ok := errors.AsType[caddy.APIError](err)
	if !ok {
		a.Fatalf("%s %s: %v is no error of the admin endpoint", method, path, err)
	}
	return fault.HTTPStatus, fault.Message
}

func (a *asking) want(method, path string, into any) {
	a.Helper()
	code, body := a.ask(a.Context(), method, path)
	if code != http.StatusOK {
		a.Fatalf("%s %s: %d %s", method, path, code, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		a.Fatalf("%s %s: %v in %s", method, path, err, body)
	}
}

// all lists whose sessions the query says, page by page.
func (a *asking) all(query string) (sessions []Session, pages int) {
	a.Helper()
	for cursor := ""; ; pages++ {
		var l sessionList
		a.want(http.MethodGet, "/sidegate/sessions?"+query+cursor, &l)
		sessions = append(sessions, l.Sessions...)
		if l.Cursor == "" {
			return sessions, pages + 1
		}
		cursor = "&cursor=" + l.Cursor
	}
}
