package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"example.com/sidegate/sessionstore"
)

// pageSize is how many sessions are looked at or ended while others wait.
const pageSize = 500

// paged visits the entries of a map, and lets go of the lock after each page of
// them: others may change the map then, and what is added meanwhile may be visited
// or not, as in any loop over a map that is changed within. Between pages it asks
// the context. It calls handOver without the lock, after each page and at the end;
// and it ends early when visit says so.
func paged[V any](ctx context.Context, lock sync.Locker, index func() map[sessionstore.Key]V,
	visit func(sessionstore.Key, V) bool, handOver func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	visited := 0
	lock.Lock()
	for key, value := range index() {
		if !visit(key, value) {
			break
		}
		if visited++; visited%pageSize > 0 {
			continue
		}
		lock.Unlock()
		if err := cmp.Or(handOver(), ctx.Err()); err != nil {
			return err
		}
		lock.Lock()
	}
	lock.Unlock()
	return handOver()
}

// nothing is handed over.
func nothing() error { return nil }

// all are the sessions of everybody.
func (st *Store) all() map[sessionstore.Key]*sessionstore.Session { return st.sessions }

// sessionsOf are those of one person.
func (st *Store) sessionsOf(userID int64) func() map[sessionstore.Key]struct{} {
	return func() map[sessionstore.Key]struct{} { return st.byUser[userID] }
}

// WalkUser implements sessionstore.Browser.
func (st *Store) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	return walk(ctx, st, st.sessionsOf(userID), page)
}

// WalkAll implements sessionstore.Browser.
func (st *Store) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	return walk(ctx, st, st.all, page)
}

func walk[V any](ctx context.Context, st *Store, index func() map[sessionstore.Key]V, page func([]sessionstore.Found) error) error {
	var found []sessionstore.Found
	return paged(ctx, st.mu.RLocker(), index, func(key sessionstore.Key, _ V) bool {
		if f, ok := st.look(key); ok {
			found = append(found, f)
		}
		return true
	}, func() error {
		if len(found) == 0 {
			return nil
		}
		these := found
		found = nil // whoever is given a page may keep it
		return page(these)
	})
}

// look is a session for a Browser. False: its life is over, or there is none. Called
// with mu held.
func (st *Store) look(key sessionstore.Key) (sessionstore.Found, bool) {
	s, now := st.sessions[key], st.now()
	if s == nil || !now.Before(s.ExpiresAt) {
		return sessionstore.Found{}, false
	}
	return sessionstore.Found{Key: key, Session: s, Ended: !st.outages.Live(s, now)}, true
}

// FindID implements sessionstore.Browser.
func (st *Store) FindID(ctx context.Context, id string) (found sessionstore.Found, ok bool, err error) {
	begins, malformed := sessionstore.ParseID(id)
	if malformed != nil {
		return found, false, ctx.Err()
	}
	err = paged(ctx, st.mu.RLocker(), st.all, func(key sessionstore.Key, _ *sessionstore.Session) bool {
		if !bytes.HasPrefix(key.Hash[:], begins) {
			return true
		}
		found, ok = st.look(key)
		return !ok
	}, nothing)
	return found, ok, err
}

// Count implements sessionstore.Browser.
func (st *Store) Count(ctx context.Context) (live int, err error) {
	err = paged(ctx, st.mu.RLocker(), st.all, func(key sessionstore.Key, _ *sessionstore.Session) bool {
		if _, err := st.live(key); err == nil {
			live++
		}
		return true
	}, nothing)
	return live, err
}

// RevokeFound implements sessionstore.Browser.
func (st *Store) RevokeFound(ctx context.Context, found ...sessionstore.Found) (ended int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for page := range slices.Chunk(sessionstore.KeysOf(found), pageSize) {
		if err := ctx.Err(); err != nil {
			return ended, err
		}
		ended += st.endPage(page)
	}
	return ended, nil
}

func (st *Store) endPage(keys []sessionstore.Key) (ended int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, key := range keys {
		ended += st.end(key)
	}
	return ended
}
