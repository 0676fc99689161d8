package observed

import (
	"context"
	"time"

	"example.com/sidegate/sessionstore"
)

// Take implements sessionstore.Attempts.
func (s *Store) Take(ctx context.Context, bucket string, limit int, window time.Duration) (sessionstore.Taken, error) {
	ctx, c := s.begin(ctx, Attempts)
	taken, err := s.of.Take(ctx, bucket, limit, window)
	c.end(ctx, err)
	return taken, err
}

// Return implements sessionstore.Attempts.
func (s *Store) Return(ctx context.Context, bucket string) error {
	ctx, c := s.begin(ctx, Attempts)
	err := s.of.Return(ctx, bucket)
	c.end(ctx, err)
	return err
}

// Forget implements sessionstore.Attempts.
func (s *Store) Forget(ctx context.Context, bucket string) error {
	ctx, c := s.begin(ctx, Attempts)
	err := s.of.Forget(ctx, bucket)
	c.end(ctx, err)
	return err
}

// Hold implements sessionstore.Leases.
func (s *Store) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	ctx, c := s.begin(ctx, Leases)
	held, err := s.of.Hold(ctx, name, holder, life)
	c.end(ctx, err)
	return held, err
}

// Release implements sessionstore.Leases.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	ctx, c := s.begin(ctx, Leases)
	err := s.of.Release(ctx, name, holder)
	c.end(ctx, err)
	return err
}

// Link implements sessionstore.Links.
func (s *Store) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	ctx, c := s.begin(ctx, Links)
	err := s.of.Link(ctx, name, key, life)
	c.end(ctx, err)
	return err
}

// Linked implements sessionstore.Links.
func (s *Store) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	ctx, c := s.begin(ctx, Links)
	keys, err := s.of.Linked(ctx, name)
	c.end(ctx, err)
	return keys, err
}

// IsLinked implements sessionstore.Links.
func (s *Store) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	ctx, c := s.begin(ctx, Links)
	linked, err := s.of.IsLinked(ctx, name, key)
	c.end(ctx, err)
	return linked, err
}

// Unlink implements sessionstore.Links.
func (s *Store) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	ctx, c := s.begin(ctx, Links)
	err := s.of.Unlink(ctx, name, keys...)
	c.end(ctx, err)
	return err
}

// Number implements sessionstore.Numbers.
func (s *Store) Number(ctx context.Context, name string) (int64, error) {
	ctx, c := s.begin(ctx, Numbers)
	number, err := s.of.Number(ctx, name)
	c.end(ctx, err)
	return number, err
}

// Numbered implements sessionstore.Numbers.
func (s *Store) Numbered(ctx context.Context, n int64) (bool, error) {
	ctx, c := s.begin(ctx, Numbers)
	given, err := s.of.Numbered(ctx, n)
	c.end(ctx, err)
	return given, err
}

// Own implements sessionstore.Owners.
func (s *Store) Own(ctx context.Context, claim sessionstore.Claim) (string, error) {
	ctx, c := s.begin(ctx, Owners)
	owner, err := s.of.Own(ctx, claim)
	c.end(ctx, err)
	return owner, err
}
