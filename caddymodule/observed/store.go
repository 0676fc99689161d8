package observed

import (
	"context"
	"time"

	"example.com/sidegate/sessionstore"
)

// Meter is told of each operation how long it took, and whether the store has
// failed to answer. It is called concurrently.
type Meter interface {
	Took(what Operation, d time.Duration, failed bool)
}

// Store is a store that is observed.
type Store struct {
	of    sessionstore.Store
	kind  string
	meter Meter
}

// Before observes the store; kind is what traces call it, such as redis.
func Before(of sessionstore.Store, kind string, meter Meter) *Store { return &Store{of, kind, meter} }

// Get implements sessionstore.Store.
func (s *Store) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	ctx, c := s.begin(ctx, Get)
	found, err := s.of.Get(ctx, key)
	c.end(ctx, err)
	return found, err
}

// Create implements sessionstore.Store.
func (s *Store) Create(ctx context.Context, session *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	ctx, c := s.begin(ctx, Create)
	ended, err := s.of.Create(ctx, session, limit)
	c.end(ctx, err)
	return ended, err
}

// Update implements sessionstore.Store.
func (s *Store) Update(ctx context.Context, session *sessionstore.Session) (*sessionstore.Session, error) {
	ctx, c := s.begin(ctx, Update)
	now, err := s.of.Update(ctx, session)
	c.end(ctx, err)
	return now, err
}

// Touch implements sessionstore.Store.
func (s *Store) Touch(ctx context.Context, session *sessionstore.Session, seen time.Time) error {
	ctx, c := s.begin(ctx, Touch)
	err := s.of.Touch(ctx, session, seen)
	c.end(ctx, err)
	return err
}

// Beat implements sessionstore.Store.
func (s *Store) Beat(ctx context.Context) error {
	ctx, c := s.begin(ctx, Beat)
	err := s.of.Beat(ctx)
	c.end(ctx, err)
	return err
}

// Revoke implements sessionstore.Store.
func (s *Store) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	ctx, c := s.begin(ctx, Revoke)
	was, err := s.of.Revoke(ctx, key)
	c.end(ctx, err)
	return was, err
}

// List implements sessionstore.Store.
func (s *Store) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	ctx, c := s.begin(ctx, List)
	found, err := s.of.List(ctx, userID)
	c.end(ctx, err)
	return found, err
}

// RevokeUser implements sessionstore.Store.
func (s *Store) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	ctx, c := s.begin(ctx, RevokeUser)
	ended, err := s.of.RevokeUser(ctx, userID, except...)
	c.end(ctx, err)
	return ended, err
}

// Sweep implements sessionstore.Sweeper for a store that is one.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	if sw, ok := s.of.(sessionstore.Sweeper); ok {
		return sw.Sweep(ctx)
	}
	return 0, nil
}

// Interface guards
var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Sweeper = (*Store)(nil)
)
