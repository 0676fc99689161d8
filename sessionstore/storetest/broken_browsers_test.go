package storetest_test

import (
	"context"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"example.com/sidegate/sessionstore"
)

// The stores of broken that break a promise to those who look through them.

// browsed is a store that can be looked through.
type browsed interface {
	sessionstore.Store
	sessionstore.Notifier
	sessionstore.Browser
}

func init() {
	for name, breaks := range map[string]func(browsed) sessionstore.Store{
		"a store that hands out the first page only":          func(st browsed) sessionstore.Store { return firstPage{st} },
		"a store that hands out everybody's as one person's":  func(st browsed) sessionstore.Store { return indiscreet{st} },
		"a store that hands out all in one page":              func(st browsed) sessionstore.Store { return atOnce{st} },
		"a store that goes on after an error of a page":       func(st browsed) sessionstore.Store { return unimpressed{st} },
		"a store that finds by a pattern":                     func(st browsed) sessionstore.Store { return globbing{st} },
		"a store that counts what has begun":                  func(st browsed) sessionstore.Store { return optimist{st, new(atomic.Int64)} },
		"a store that reports as many ends as it was told of": func(st browsed) sessionstore.Store { return obliging{st} },
		"a store that does not tell of ends by keys":          func(st browsed) sessionstore.Store { return discreet{st, new(sync.Map)} },
		"a store that ends a page of keys only":               func(st browsed) sessionstore.Store { return tired{st} },
		"a store that keeps others waiting while it counts":   func(st browsed) sessionstore.Store { return occupied{st, new(sync.RWMutex)} },
		"a store that counts on for who has gone":             func(st browsed) sessionstore.Store { return absorbed{st} },
		"a store that passes over what it keeps for late":     func(st browsed) sessionstore.Store { return overlooking{st} },
		"a store that hands out what has ended as live":       func(st browsed) sessionstore.Store { return undiscerning{st} },
	} {
		broken[name] = func(st sessionstore.Store) sessionstore.Store { return breaks(st.(browsed)) }
	}
}

type firstPage struct{ browsed }

func (st firstPage) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	pages := 0
	return st.browsed.WalkUser(ctx, userID, func(found []sessionstore.Found) error {
		if pages++; pages > 1 {
			return nil
		}
		return page(found)
	})
}

type indiscreet struct{ browsed }

func (st indiscreet) WalkUser(ctx context.Context, _ int64, page func([]sessionstore.Found) error) error {
	return st.WalkAll(ctx, page)
}

type atOnce struct{ browsed }

func (st atOnce) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	var all []sessionstore.Found
	err := st.browsed.WalkAll(ctx, func(found []sessionstore.Found) error {
		all = append(all, found...)
		return nil
	})
	if err != nil || len(all) == 0 {
		return err
	}
	return page(all)
}

func (st atOnce) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	return st.WalkAll(ctx, func(all []sessionstore.Found) error {
		var theirs []sessionstore.Found
		for _, found := range all {
			if found.Session.User.ID == userID {
				theirs = append(theirs, found)
			}
		}
		return page(theirs)
	})
}

type unimpressed struct{ browsed }

func (st unimpressed) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	var failed error
	err := st.browsed.WalkAll(ctx, func(found []sessionstore.Found) error {
		if err := page(found); err != nil {
			failed = err
		}
		return nil
	})
	if err == nil {
		err = failed
	}
	return err
}

// globbing takes a public name for what Redis matches names by.
type globbing struct{ browsed }

func (st globbing) FindID(ctx context.Context, id string) (one sessionstore.Found, ok bool, err error) {
	err = st.WalkAll(ctx, func(found []sessionstore.Found) error {
		for _, f := range found {
			if matches, _ := path.Match(id, f.Key.ID()); matches {
				one, ok = f, true
			}
		}
		return nil
	})
	return one, ok, err
}

type optimist struct {
	browsed
	begun *atomic.Int64
}

func (st optimist) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	st.begun.Add(1)
	return st.browsed.Create(ctx, s, limit)
}

func (st optimist) Count(ctx context.Context) (int, error) { return int(st.begun.Load()), ctx.Err() }

type obliging struct{ browsed }

func (st obliging) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	_, err := st.browsed.RevokeFound(ctx, found...)
	return len(found), err
}

type discreet struct {
	browsed
	ended *sync.Map
}

func (st discreet) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	for _, key := range sessionstore.KeysOf(found) {
		st.ended.Store(key, true)
	}
	return st.browsed.RevokeFound(ctx, found...)
}

func (st discreet) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return st.browsed.Notify(ctx, func(key sessionstore.Key) {
		if _, quiet := st.ended.Load(key); !quiet {
			changed(key)
		}
	}, gap)
}

type tired struct{ browsed }

func (st tired) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	return st.browsed.RevokeFound(ctx, found[:min(len(found), 500)]...)
}

// occupied lets nobody in while it counts.
type occupied struct {
	browsed
	mu *sync.RWMutex
}

func (st occupied) Count(ctx context.Context) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.browsed.Count(ctx)
}

func (st occupied) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.browsed.Create(ctx, s, limit)
}

type overlooking struct{ browsed }

func (st overlooking) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	return st.browsed.WalkAll(ctx, func(found []sessionstore.Found) error {
		return page(slices.DeleteFunc(found, func(f sessionstore.Found) bool { return f.Ended }))
	})
}

type undiscerning struct{ browsed }

func (st undiscerning) FindID(ctx context.Context, id string) (sessionstore.Found, bool, error) {
	f, ok, err := st.browsed.FindID(ctx, id)
	f.Ended = false
	return f, ok, err
}

type absorbed struct{ browsed }

func (st absorbed) Count(ctx context.Context) (int, error) {
	return st.browsed.Count(context.WithoutCancel(ctx))
}
