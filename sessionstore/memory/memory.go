package memory

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

// Store keeps sessions, attempts, leases, links, numbers and their owners in
// memory. It implements sessionstore.Store, sessionstore.Sweeper,
// sessionstore.Notifier and sessionstore.Browser; without sweeps it only grows, and
// by a number per name in any case.
//
// Sessions are held as they are, unsealed, for nothing is at rest here. Those
// held never change: a write puts another in their place, so that Get can
// hand them out without a copy.
type Store struct {
	now func() time.Time

	mu       sync.RWMutex
	sessions map[sessionstore.Key]*sessionstore.Session
	byUser   map[int64]map[sessionstore.Key]struct{}
	owners   map[int64]string
	outages  sessionstore.Outages

	attempts attempts
	leases   leases
	links    links
	numbers  numbers

	changes sessionstore.Changes
}

var (
	_ sessionstore.Store    = (*Store)(nil)
	_ sessionstore.Sweeper  = (*Store)(nil)
	_ sessionstore.Notifier = (*Store)(nil)
	_ sessionstore.Browser  = (*Store)(nil)
)

var errKept = errors.New("a session of this key is kept already: make a new secret for each sign-in")

// New returns an empty store that tells the time by now; nil means time.Now.
func New(now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{
		now:      now,
		sessions: make(map[sessionstore.Key]*sessionstore.Session),
		byUser:   make(map[int64]map[sessionstore.Key]struct{}),
		owners:   make(map[int64]string),
		attempts: attempts{buckets: make(map[string]bucket)},
		leases:   leases{held: make(map[nameHash]lease)},
		links:    links{byName: make(map[nameHash]map[sessionstore.Key]time.Time)},
		numbers:  numbers{byName: make(map[nameHash]int64)},
	}
}

// Get implements sessionstore.Store.
func (st *Store) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.live(key)
}

// Create implements sessionstore.Store.
func (st *Store) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	held := s.Clone()
	held.Version = 1
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.sessions[held.Key] != nil {
		return nil, errKept
	}
	ended, err := st.makeRoom(held.User.ID, limit)
	if err != nil {
		return nil, err
	}
	st.sessions[held.Key] = held
	if st.byUser[held.User.ID] == nil {
		st.byUser[held.User.ID] = make(map[sessionstore.Key]struct{})
	}
	st.byUser[held.User.ID][held.Key] = struct{}{}
	return ended, nil
}

// makeRoom ends what the limit leaves no room for beside a new session. Called
// with mu held.
func (st *Store) makeRoom(userID int64, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	if !limit.Reached(len(st.byUser[userID])) {
		return nil, nil
	}
	var live []sessionstore.Idle
	for key := range st.byUser[userID] {
		if s, err := st.live(key); err == nil {
			live = append(live, sessionstore.Idle{Key: key, LastSeenAt: s.LastSeenAt})
		}
	}
	over, err := limit.Over(live)
	for _, s := range over {
		ended = append(ended, sessionstore.Ended{Key: s.Key, Session: st.remove(s.Key)})
		st.changes.Tell(s.Key)
	}
	return ended, err
}

// Update implements sessionstore.Store.
func (st *Store) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	next := s.Clone()
	st.mu.Lock()
	defer st.mu.Unlock()
	held, err := st.live(s.Key)
	if err != nil {
		return nil, err
	}
	if held.Version != s.Version {
		return nil, sessionstore.ErrConflict
	}
	next.KeepLife(held)
	next.Version++
	st.sessions[next.Key] = next
	st.changes.Tell(next.Key)
	return next, nil
}

// Touch implements sessionstore.Store.
func (st *Store) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	seen = time.UnixMilli(seen.UnixMilli()).UTC()
	st.mu.Lock()
	defer st.mu.Unlock()
	held, err := st.live(s.Key)
	if err != nil {
		held = st.sessions[s.Key]
		if held == nil || !st.outages.TakesLate(held, seen, st.now()) {
			return err
		}
	}
	if !seen.After(held.LastSeenAt) {
		return nil
	}
	// The lists are shared with the session before; neither ever changes them.
	touched := *held
	touched.LastSeenAt = seen
	st.sessions[s.Key] = &touched
	return nil
}

// Beat implements sessionstore.Store. Memory can always be written; what beats
// tell here is when this process stood still, or the whole machine.
func (st *Store) Beat(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.outages = st.outages.Beat(st.now())
	return nil
}

// Revoke implements sessionstore.Store. It is told of in any case: somebody may
// keep what has long been ended.
func (st *Store) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	defer st.changes.Tell(key)
	return st.remove(key), nil
}

// List implements sessionstore.Store. It lets go of the store between pages, so
// that it is of no one moment: those that begin or end meanwhile may be on it.
func (st *Store) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	list := []*sessionstore.Session{}
	err := st.WalkUser(ctx, userID, func(page []sessionstore.Found) error {
		for _, found := range page {
			if !found.Ended {
				list = append(list, found.Session)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *sessionstore.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return list, nil
}

// RevokeUser implements sessionstore.Store. It lets go of the store between pages:
// when it is cut short the number says how many have ended, and asking again ends
// the rest. A session that begins meanwhile may be among them.
func (st *Store) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	ended := 0
	err := paged(ctx, &st.mu, st.sessionsOf(userID), func(key sessionstore.Key, _ struct{}) bool {
		if !slices.Contains(except, key) {
			ended += st.end(key)
		}
		return true
	}, nothing)
	return ended, err
}

// end ends a session, tells of it in any case, and says whether it had not ended
// before: 1 or 0. Called with mu held.
func (st *Store) end(key sessionstore.Key) (ended int) {
	if _, err := st.live(key); err == nil {
		ended = 1
	}
	st.remove(key)
	st.changes.Tell(key)
	return ended
}

// Notify implements sessionstore.Notifier. What is told of is told under the lock
// of sessions, and so in the order of the changes.
func (st *Store) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return st.changes.Notify(ctx, changed, gap)
}

// Sweep implements sessionstore.Sweeper. It lets go of the store between pages, and
// keeps readers waiting only while it removes a page of what it has found.
func (st *Store) Sweep(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := st.now()
	st.attempts.sweep(now)
	st.leases.sweep(now)
	st.links.sweep(now)
	removed := 0
	var expired []sessionstore.Key
	err := paged(ctx, st.mu.RLocker(), st.all, func(key sessionstore.Key, s *sessionstore.Session) bool {
		if st.outages.Swept(s, now) {
			expired = append(expired, key)
		}
		return true
	}, func() error {
		removed += st.sweepAway(expired, now)
		expired = expired[:0]
		return nil
	})
	return removed, err
}

func (st *Store) sweepAway(expired []sessionstore.Key, now time.Time) (removed int) {
	if len(expired) == 0 {
		return 0
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, key := range expired {
		// It may have been touched or revoked since it was found.
		if s := st.sessions[key]; s != nil && st.outages.Swept(s, now) {
			st.remove(key)
			removed++
		}
	}
	return removed
}

// live returns the session of that key if it has not expired. Called with mu held.
func (st *Store) live(key sessionstore.Key) (*sessionstore.Session, error) {
	s := st.sessions[key]
	if s == nil || !st.outages.Live(s, st.now()) {
		return nil, sessionstore.ErrNotFound
	}
	return s, nil
}

// remove drops the session, if it is there, and its place in the index, and
// returns it. Called with mu held.
func (st *Store) remove(key sessionstore.Key) *sessionstore.Session {
	s := st.sessions[key]
	if s == nil {
		return nil
	}
	delete(st.sessions, key)
	index := st.byUser[s.User.ID]
	delete(index, key)
	if len(index) == 0 {
		delete(st.byUser, s.User.ID)
	}
	return s
}
