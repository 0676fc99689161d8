package nearcache_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// Ada and Grace are the people of these tests.
const (
	ada   = int64(1)
	grace = int64(2)
)

var errDown = errors.New("the store is down")

// fakeStore is a memory store that counts what it is asked, and can be made to
// fail, to answer nonsense, and to stop in the middle of an answer.
type fakeStore struct {
	*memory.Store
	asked atomic.Int64
	// down makes every call but the attempts' fail.
	down atomic.Bool
	// before and after run around the reading of an answer; nil means not.
	before, after func(ctx context.Context, key sessionstore.Key)
	// writing runs in the middle of every write; nil means not.
	writing func()
}

func (f *fakeStore) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	f.asked.Add(1)
	if f.before != nil {
		f.before(ctx, key)
	}
	if f.down.Load() {
		return nil, errDown
	}
	s, err := f.Store.Get(ctx, key)
	if f.after != nil {
		f.after(ctx, key)
	}
	return s, err
}

// write runs a write of the memory store between the two halves of its hook.
func (f *fakeStore) write(do func() error) error {
	if f.writing != nil {
		f.writing()
	}
	if f.down.Load() {
		return errDown
	}
	return do()
}

func (f *fakeStore) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	err = f.write(func() error { ended, err = f.Store.Create(ctx, s, limit); return err })
	return ended, err
}

func (f *fakeStore) Update(ctx context.Context, s *sessionstore.Session) (next *sessionstore.Session, err error) {
	err = f.write(func() error { next, err = f.Store.Update(ctx, s); return err })
	return next, err
}

func (f *fakeStore) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	return f.write(func() error { return f.Store.Touch(ctx, s, seen) })
}

func (f *fakeStore) Revoke(ctx context.Context, key sessionstore.Key) (was *sessionstore.Session, err error) {
	err = f.write(func() error { was, err = f.Store.Revoke(ctx, key); return err })
	return was, err
}

func (f *fakeStore) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (n int, err error) {
	err = f.write(func() error { n, err = f.Store.RevokeUser(ctx, userID, except...); return err })
	return n, err
}

// bench is what one test works at: a cache in front of a store of its own.
type bench struct {
	testing.TB
	clock *storetest.Clock
	store *fakeStore
	cache *nearcache.Cache
}

func newBench(tb testing.TB, opts nearcache.Options) *bench {
	clock := storetest.NewClock()
	store := &fakeStore{Store: memory.New(clock.Now)}
	opts.Now = clock.Now
	return &bench{TB: tb, clock: clock, store: store, cache: nearcache.New(store, opts)}
}

// session is a new session of that person, which lives for twelve hours.
func (b *bench) session(userID int64) *sessionstore.Session {
	now := b.clock.Now()
	return &sessionstore.Session{
		Key:       sessionstore.NewSecret(userID).Key(),
		User:      sessionstore.UserSession{ID: userID, Email: fmt.Sprintf("person-%d@example.com", userID)},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour),
	}
}

// stored is a new session that the store holds and the cache does not know.
func (b *bench) stored(userID int64, edit ...func(*sessionstore.Session)) *sessionstore.Session {
	b.Helper()
	s := b.session(userID)
	for _, e := range edit {
		e(s)
	}
	b.must(storetest.Keep(b.Context(), b.store.Store, s))
	s.Version = 1
	return s
}

// cached is a new session that the cache holds too.
func (b *bench) cached(userID int64, edit ...func(*sessionstore.Session)) *sessionstore.Session {
	b.Helper()
	s := b.stored(userID, edit...)
	b.lookup(s.Key)
	return s
}

// lookup requires that the session is found.
func (b *bench) lookup(key sessionstore.Key) *nearcache.Entry {
	b.Helper()
	e, err := b.cache.Lookup(b.Context(), key)
	b.must(err)
	if e.Session.Key != key {
		b.Fatalf("the entry is of another session")
	}
	return e
}

// fails requires that the look-up ends with that error.
func (b *bench) fails(key sessionstore.Key, want error) {
	b.Helper()
	if e, err := b.cache.Lookup(b.Context(), key); !errors.Is(err, want) || e != nil {
		b.Fatalf("Lookup answers %v, %v; want the error %v", e, err, want)
	}
}

// asks requires that f asks the store that many times.
func (b *bench) asks(want int64, f func()) {
	b.Helper()
	before := b.store.asked.Load()
	f()
	if got := b.store.asked.Load() - before; got != want {
		b.Fatalf("the store was asked %d times; want %d", got, want)
	}
}

// holds requires that the session is served without asking the store.
func (b *bench) holds(key sessionstore.Key) {
	b.Helper()
	b.asks(0, func() { b.Helper(); b.lookup(key) })
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("unexpected error: %v", err)
	}
}

// revokeElsewhere ends a session as another gateway would: unknown to the cache.
func (b *bench) revokeElsewhere(key sessionstore.Key) {
	b.Helper()
	b.must(storetest.End(b.Context(), b.store.Store, key))
}
