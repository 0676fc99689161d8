package memory

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

// minWindow keeps a refusal recognisable, which is told by a wait above zero.
const minWindow = time.Millisecond

// attempts has a lock of its own, so that a flood of sign-ins does not keep
// those waiting who are signed in.
type attempts struct {
	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	count int
	ends  time.Time
}

// Take implements sessionstore.Attempts.
func (st *Store) Take(ctx context.Context, name string, limit int, window time.Duration) (sessionstore.Taken, error) {
	if err := ctx.Err(); err != nil {
		return sessionstore.Taken{}, err
	}
	return st.attempts.take(name, limit, max(window, minWindow), st.now()), nil
}

// Return implements sessionstore.Attempts.
func (st *Store) Return(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.attempts.giveBack(name, st.now())
	return nil
}

// Forget implements sessionstore.Attempts.
func (st *Store) Forget(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.attempts.mu.Lock()
	defer st.attempts.mu.Unlock()
	delete(st.attempts.buckets, name)
	return nil
}

func (a *attempts) take(name string, limit int, window time.Duration, now time.Time) sessionstore.Taken {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.open(name, now)
	if b.count == 0 {
		b.ends = now.Add(window)
	}
	if b.count >= limit {
		return sessionstore.Taken{Count: b.count, Wait: b.ends.Sub(now)}
	}
	b.count++
	a.buckets[name] = b
	return sessionstore.Taken{Count: b.count}
}

func (a *attempts) giveBack(name string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.open(name, now)
	if b.count <= 1 {
		delete(a.buckets, name) // an empty bucket has no window
		return
	}
	b.count--
	a.buckets[name] = b
}

// open returns the bucket if its window is open, else an empty one.
func (a *attempts) open(name string, now time.Time) bucket {
	if b := a.buckets[name]; now.Before(b.ends) {
		return b
	}
	return bucket{}
}

func (a *attempts) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, b := range a.buckets {
		if !now.Before(b.ends) {
			delete(a.buckets, name)
		}
	}
}
