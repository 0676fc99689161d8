package storetest_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/sessionstore"
)

// The stores of broken that break a promise of leases, links, numbers or of what
// sources say.

type generous struct{ sessionstore.Store }

func (st generous) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	_, err := st.Store.Hold(ctx, name, holder, life)
	return err == nil, err
}

// careless gives a lease back in the name of whoever has it.
type careless struct {
	sessionstore.Store
	holder *atomic.Pointer[string]
}

func (st careless) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	held, err := st.Store.Hold(ctx, name, holder, life)
	if held {
		st.holder.Store(&holder)
	}
	return held, err
}

func (st careless) Release(ctx context.Context, name, holder string) error {
	if last := st.holder.Load(); last != nil {
		holder = *last
	}
	return st.Store.Release(ctx, name, holder)
}

type hoarding struct{ sessionstore.Store }

func (hoarding) Release(ctx context.Context, _, _ string) error { return ctx.Err() }

type endless struct{ sessionstore.Store }

func (st endless) Hold(ctx context.Context, name, holder string, _ time.Duration) (bool, error) {
	return st.Store.Hold(ctx, name, holder, 1000*time.Hour)
}

// unprolonged nods at a holder who comes again, and does nothing.
type unprolonged struct {
	sessionstore.Store
	seen *sync.Map
}

func (st unprolonged) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	if _, again := st.seen.Load(name + holder); again {
		return ctx.Err() == nil, ctx.Err()
	}
	held, err := st.Store.Hold(ctx, name, holder, life)
	if held {
		st.seen.Store(name+holder, true)
	}
	return held, err
}

type lastLink struct{ sessionstore.Store }

func (st lastLink) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	before, err := st.Linked(ctx, name)
	if err == nil {
		err = st.Unlink(ctx, name, before...)
	}
	if err != nil {
		return err
	}
	return st.Store.Link(ctx, name, key, life)
}

type folding struct{ sessionstore.Store }

func (st folding) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	return st.Store.Link(ctx, strings.ToLower(name), key, life)
}

func (st folding) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	return st.Store.Linked(ctx, strings.ToLower(name))
}

func (st folding) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	return st.Store.IsLinked(ctx, strings.ToLower(name), key)
}

type bound struct{ sessionstore.Store }

func (st bound) Link(ctx context.Context, name string, key sessionstore.Key, _ time.Duration) error {
	return st.Store.Link(ctx, name, key, 1000*time.Hour)
}

type unlinking struct{ sessionstore.Store }

func (st unlinking) Unlink(ctx context.Context, name string, _ ...sessionstore.Key) error {
	all, err := st.Linked(ctx, name)
	if err != nil {
		return err
	}
	return st.Store.Unlink(ctx, name, all...)
}

type onePage struct{ sessionstore.Store }

func (st onePage) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	keys, err := st.Store.Linked(ctx, name)
	return keys[:min(len(keys), 500)], err
}

type doubling struct{ sessionstore.Store }

func (st doubling) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	keys, err := st.Store.Linked(ctx, name)
	return append(keys, keys[:min(len(keys), 1)]...), err
}

// shortSighted looks for a link on the first page only.
type shortSighted struct{ sessionstore.Store }

func (st shortSighted) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	keys, err := st.Linked(ctx, name)
	return slices.Contains(keys[:min(len(keys), 500)], key), err
}

// anyone takes the link of another for that of the session.
type anyone struct{ sessionstore.Store }

func (st anyone) IsLinked(ctx context.Context, name string, _ sessionstore.Key) (bool, error) {
	keys, err := st.Linked(ctx, name)
	return len(keys) > 0, err
}

// nostalgic says linked of all that were and have not been unlinked.
type nostalgic struct {
	sessionstore.Store
	past *sync.Map
}

type pastLink struct {
	name string
	key  sessionstore.Key
}

func (st nostalgic) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	err := st.Store.Link(ctx, name, key, life)
	if err == nil {
		st.past.Store(pastLink{name, key}, true)
	}
	return err
}

func (st nostalgic) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	err := st.Store.Unlink(ctx, name, keys...)
	for _, key := range keys {
		if err == nil {
			st.past.Delete(pastLink{name, key})
		}
	}
	return err
}

func (st nostalgic) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	_, was := st.past.Load(pastLink{name, key})
	return was && ctx.Err() == nil, ctx.Err()
}

// assured takes cannot tell for not linked.
type assured struct{ sessionstore.Store }

func (st assured) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	is, _ := st.Store.IsLinked(ctx, name, key)
	return is, nil
}

type renumbering struct {
	sessionstore.Store
	last *atomic.Int64
}

func (st renumbering) Number(ctx context.Context, _ string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return st.last.Add(1), nil
}

type oneForAll struct{ sessionstore.Store }

func (st oneForAll) Number(ctx context.Context, _ string) (int64, error) {
	return st.Store.Number(ctx, "everybody")
}

type fromZero struct{ sessionstore.Store }

func (st fromZero) Number(ctx context.Context, name string) (int64, error) {
	n, err := st.Store.Number(ctx, name)
	return max(n-1, 0), err
}

type beyond struct{ sessionstore.Store }

func (st beyond) Number(ctx context.Context, name string) (int64, error) {
	n, err := st.Store.Number(ctx, name)
	if err != nil {
		return 0, err
	}
	return n + sessionstore.MaxNumber, nil
}

// deaf does what it was asked although nobody waits for it.
type deaf struct{ sessionstore.Store }

func (st deaf) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	held, err := st.Store.Hold(context.WithoutCancel(ctx), name, holder, life)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return held, err
}

type clinging struct{ sessionstore.Store }

func (st clinging) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	next := s.Clone()
	if held, err := st.Get(ctx, s.Key); err == nil && next.Kept == "" {
		next.Kept = held.Kept
	}
	return st.Store.Update(ctx, next)
}

type bare struct{ sessionstore.Store }

func (st bare) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	s = s.Clone()
	s.Attributes = nil
	return st.Store.Create(ctx, s, limit)
}

type boundless struct{ sessionstore.Store }

func (st boundless) Create(ctx context.Context, s *sessionstore.Session, _ sessionstore.Limit) ([]sessionstore.Ended, error) {
	return st.Store.Create(ctx, s, sessionstore.Limit{})
}

type welcoming struct{ sessionstore.Store }

func (st welcoming) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	limit.Refuse = false
	return st.Store.Create(ctx, s, limit)
}

type crowded struct{ sessionstore.Store }

func (st crowded) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	limit.Replaced = nil
	return st.Store.Create(ctx, s, limit)
}

// tacit ends sessions and does not say what they were.
type tacit struct{ sessionstore.Store }

func (st tacit) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	_, err := st.Store.Revoke(ctx, key)
	return nil, err
}

// repeating says what a session was to all who end it at once.
type repeating struct{ sessionstore.Store }

func (st repeating) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	was, _ := st.Get(ctx, key)
	runtime.Gosched() // here others come in between
	_, err := st.Store.Revoke(ctx, key)
	return was, err
}

// hasty looks first, and then keeps the session.
type hasty struct{ sessionstore.Store }

func (st hasty) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	all, err := st.List(ctx, s.User.ID)
	if err != nil {
		return nil, err
	}
	var live []sessionstore.Idle
	for _, other := range all {
		live = append(live, sessionstore.Idle{Key: other.Key, LastSeenAt: other.LastSeenAt})
	}
	over, err := limit.Over(live)
	if err != nil {
		return nil, err
	}
	for _, one := range over {
		was, err := st.Revoke(ctx, one.Key)
		if err != nil {
			return ended, err
		}
		ended = append(ended, sessionstore.Ended{Key: one.Key, Session: was})
	}
	runtime.Gosched() // here others come in between
	return st.keep(ctx, s, ended)
}

func (st hasty) keep(ctx context.Context, s *sessionstore.Session, ended []sessionstore.Ended) ([]sessionstore.Ended, error) {
	_, err := st.Store.Create(ctx, s, sessionstore.Limit{})
	return ended, err
}

// numb does not notice that it was away.
type numb struct{ sessionstore.Store }

func (st numb) Beat(context.Context) error { return nil }

// punctual signs people out whose activity was written a moment too late.
type punctual struct{ sessionstore.Store }

func (st punctual) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	if _, err := st.Get(ctx, s.Key); err != nil {
		return err
	}
	return st.Store.Touch(ctx, s, seen)
}
