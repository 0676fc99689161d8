package storetest_test

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// notify is Notify of a store that is one within.
func notify(ctx context.Context, st sessionstore.Store, changed func(sessionstore.Key), gap func()) error {
	return st.(sessionstore.Notifier).Notify(ctx, changed, gap)
}

// silent does not tell of sessions that go on.
type silent struct{ sessionstore.Store }

func (st silent) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return notify(ctx, st.Store, func(key sessionstore.Key) {
		if _, err := st.Get(ctx, key); err != nil {
			changed(key)
		}
	}, gap)
}

// telltale tells of activity too, at once.
type telltale struct {
	sessionstore.Store
	ears *sync.Map
}

func (st telltale) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	tellAll(st.ears, s.Key)
	return st.Store.Touch(ctx, s, seen)
}

func (st telltale) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	st.ears.Store(new(int), changed)
	return notify(ctx, st.Store, changed, gap)
}

func tellAll(ears *sync.Map, key sessionstore.Key) {
	ears.Range(func(_, changed any) bool { changed.(func(sessionstore.Key))(key); return true })
}

// rash tells of the end of a session, and then ends it.
type rash struct {
	sessionstore.Store
	ears *sync.Map
}

func (st rash) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	tellAll(st.ears, key)
	return st.Store.Revoke(ctx, key)
}

func (st rash) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	st.ears.Store(new(int), changed)
	return notify(ctx, st.Store, changed, gap)
}

// partial tells all of it to the first who listens.
type partial struct {
	sessionstore.Store
	taken *atomic.Bool
}

func (st partial) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	if st.taken.Swap(true) {
		return silent{st.Store}.Notify(ctx, changed, gap)
	}
	return notify(ctx, st.Store, changed, gap)
}

// haunting goes on telling those who listen no longer.
type haunting struct {
	sessionstore.Store
	ears *sync.Map
}

func (st haunting) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	s, err := st.Store.Revoke(ctx, key)
	tellAll(st.ears, key)
	return s, err
}

func (st haunting) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	st.ears.Store(new(int), changed)
	return notify(ctx, st.Store, changed, gap)
}
