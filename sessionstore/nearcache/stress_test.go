package nearcache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// seat is a session of the stress test, and what has been acknowledged of it.
type seat struct {
	session *sessionstore.Session
	created atomic.Bool
	revoked atomic.Bool
	version atomic.Uint64
}

// crowd is what the goroutines of the stress test share.
type crowd struct {
	*bench
	seats [200]atomic.Pointer[seat]
	found atomic.Int64
}

func (c *crowd) sitDown(i int) {
	s := &seat{session: c.session(int64(i % 20))}
	c.seats[i].Store(s)
	if err := storetest.Keep(c.Context(), c.cache, s.session); err != nil {
		c.Errorf("creating: %v", err)
	}
	s.created.Store(true)
}

// look requires an answer that fits what had been acknowledged before it.
func (c *crowd) look(s *seat) {
	created, revoked, version := s.created.Load(), s.revoked.Load(), s.version.Load()
	e, err := c.cache.Lookup(c.Context(), s.session.Key)
	switch {
	case err == nil && revoked:
		c.Error("a session was accepted after its acknowledged revocation")
	case err == nil && (e.Session.Key != s.session.Key || e.Session.User.ID != s.session.User.ID):
		c.Error("an entry belongs to another key")
	case err == nil && e.Session.Version < version:
		c.Errorf("version %d was served after version %d was acknowledged", e.Session.Version, version)
	case err == nil:
		c.found.Add(1)
	case !errors.Is(err, sessionstore.ErrNotFound):
		c.Errorf("looking up: %v", err)
	case created && !s.revoked.Load():
		c.revokedMeanwhile(s)
	}
}

// revokedMeanwhile lets RevokeUser and Revoke, which may be under way, be the
// only reasons for there being none: the store itself must say so.
func (c *crowd) revokedMeanwhile(s *seat) {
	if _, err := c.store.Store.Get(c.Context(), s.session.Key); err == nil {
		c.Error("a live session was not found")
	}
}

// revoke ends a session, but not one that is about to be created: a revocation
// before that ends nothing.
func (c *crowd) revoke(i int, s *seat) {
	if !s.created.Load() {
		return
	}
	if err := storetest.End(c.Context(), c.cache, s.session.Key); err != nil {
		c.Errorf("revoking: %v", err)
	}
	s.revoked.Store(true)
	c.look(s)
	c.sitDown(i)
}

func (c *crowd) update(s *seat) {
	held, err := c.cache.Get(c.Context(), s.session.Key)
	if err != nil {
		return
	}
	next, err := c.cache.Update(c.Context(), held)
	if err != nil {
		return // another was faster, or it is gone
	}
	for v := s.version.Load(); v < next.Version && !s.version.CompareAndSwap(v, next.Version); {
		v = s.version.Load()
	}
	c.look(s)
}

// revokeUser ends all sessions of a person that it knows to be there.
func (c *crowd) revokeUser(user int) {
	var ended []*seat
	for i := user; i < len(c.seats); i += 20 {
		if s := c.seats[i].Load(); s.created.Load() {
			ended = append(ended, s)
		}
	}
	if _, err := c.cache.RevokeUser(c.Context(), int64(user)); err != nil {
		c.Errorf("revoking a person's sessions: %v", err)
	}
	for _, s := range ended {
		s.revoked.Store(true)
		c.look(s)
	}
}

func (c *crowd) act(random *rand.Rand) {
	i := random.IntN(len(c.seats))
	s := c.seats[i].Load()
	switch n := random.IntN(1000); {
	case n < 60:
		c.revoke(i, s)
	case n < 120:
		c.update(s)
	case n < 130:
		c.revokeUser(i % 20)
	case n < 135:
		c.cache.Clear()
	case n < 140:
		c.cache.Drop(s.session.Key)
	case n < 145:
		c.cache.Sweep(c.Context())
	default:
		c.look(s)
	}
}

func TestManyAtOnce(t *testing.T) {
	for name, opts := range map[string]nearcache.Options{
		"with room for all": {},
		"with little room":  {Entries: 20},
	} {
		t.Run("nobody gets what is not theirs or no longer is, "+name, func(t *testing.T) {
			c := &crowd{bench: newBench(t, opts)}
			yield := func(context.Context, sessionstore.Key) { runtime.Gosched() }
			c.store.before, c.store.after = yield, yield
			for i := range c.seats {
				c.sitDown(i)
			}
			var wg sync.WaitGroup
			for g := range 16 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(uint64(g), 1))
					for range 3000 {
						c.act(random)
					}
				})
			}
			wg.Wait()
			c.settled(opts.Entries)
		})
	}
}

// settled requires that the cache was of use and has not lost count.
func (c *crowd) settled(room int) {
	s := c.cache.Stats()
	if c.found.Load() == 0 || s.Hits == 0 || s.Joined == 0 {
		c.Errorf("%d sessions were found, with %+v", c.found.Load(), s)
	}
	if room > 0 && s.Entries > room {
		c.Errorf("%d sessions are held where there is room for %d", s.Entries, room)
	}
	c.cache.Clear()
	if n := c.cache.Stats().Entries; n != 0 {
		c.Errorf("%d sessions are counted in an empty cache", n)
	}
}
