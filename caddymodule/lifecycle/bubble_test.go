package lifecycle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// faulty is a store that can be away, and that others write to at the worst
// moment.
type faulty struct {
	sessionstore.Store
	away       atomic.Bool
	denied     atomic.Bool  // the lease is somebody else's
	unreadable atomic.Bool  // records do not open
	before     func(string) // called with the method's name
}

func (f *faulty) at(method string) error {
	if f.before != nil {
		f.before(method)
	}
	if f.away.Load() {
		return errAway
	}
	return nil
}

func (f *faulty) Get(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := f.at("Get"); err != nil {
		return nil, err
	}
	if f.unreadable.Load() {
		return nil, sessionstore.ErrUnknownKey
	}
	return f.Store.Get(ctx, key)
}

func (f *faulty) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	if err := f.at("Create"); err != nil {
		return nil, err
	}
	return f.Store.Create(ctx, s, limit)
}

func (f *faulty) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	if err := f.at("Update"); err != nil {
		return nil, err
	}
	return f.Store.Update(ctx, s)
}

func (f *faulty) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	if err := f.at("Revoke"); err != nil {
		return nil, err
	}
	return f.Store.Revoke(ctx, key)
}

func (f *faulty) Number(ctx context.Context, name string) (int64, error) {
	if err := f.at("Number"); err != nil {
		return 0, err
	}
	return f.Store.Number(ctx, name)
}

func (f *faulty) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	if err := f.at("Hold"); err != nil {
		return false, err
	}
	if f.denied.Load() {
		return false, nil
	}
	return f.Store.Hold(ctx, name, holder, life)
}

// bubble is a gateway on a faulty store, with ada signed in, where time passes
// as soon as all wait for it. What is still under way when the test ends fails
// it.
type bubble struct {
	*testing.T
	store *faulty
	login *teller
	g     *gateway
	ada   *person
}

func inBubble(t *testing.T, name string, test func(b *bubble)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &bubble{T: t, store: &faulty{Store: memory.New(nil)}, login: new(teller)}
			b.login.grants("editor")
			b.g = newGateway(t, b.store, b.login, time.Now)
			b.ada = b.g.settled(t, b.login)
			pass(refreshedEvery)
			test(b)
			synctest.Wait()
		})
	})
}

// pass lets time go by.
func pass(d time.Duration) { <-time.After(d) }

// visit is one request to the app, and what it sets off.
func (b *bubble) visit() {
	b.Helper()
	_, _ = b.g.visit(b.Context(), b.ada.key)
	synctest.Wait()
}

func (b *bubble) wantAsked(want int64) {
	b.Helper()
	if got := b.login.asked.Load(); got != want {
		b.Errorf("the source was asked %d times; want %d", got, want)
	}
}

func (b *bubble) wantKept(want string) {
	b.Helper()
	if s := b.ada.now(b.g); s == nil || s.Kept != want {
		b.Errorf("the session is %+v; want it to keep %s", s, want)
	}
}

const (
	firstKept  = `{"refresh_token":"first"}`
	secondKept = `{"refresh_token":"second"}`
)

// Limits that the tests wait for: how long a lease lives unless it is renewed,
// the longest pause after trouble, and between attempts to write.
const (
	leaseTime   = 15 * time.Second
	maxCooldown = 30 * time.Second
	writePause  = 250 * time.Millisecond
	writeTries  = 3
)

// writesBetween has another gateway change Ada's session in the store when the
// next write to it is under way.
func (b *bubble) writesBetween(change func(newer *sessionstore.Session)) {
	var once bool
	b.store.before = func(method string) {
		if method != "Update" || once {
			return
		}
		once = true
		s, err := b.store.Store.Get(b.Context(), b.ada.key)
		if err != nil {
			b.Fatal(err)
		}
		newer := *s
		change(&newer)
		if _, err := b.store.Store.Update(b.Context(), &newer); err != nil {
			b.Error(err)
		}
	}
}
