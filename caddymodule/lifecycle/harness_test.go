package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

var (
	errAway    = errors.New("the store is away")
	errTrouble = errors.New("the source is in trouble")
)

// refreshedEvery is how old sessions get before they are built anew in these tests.
const refreshedEvery = time.Minute

// teller is a login whose source counts how often it is asked, and says what
// the test told it.
type teller struct {
	asked atomic.Int64
	mu    sync.Mutex
	say   func(context.Context, *sessionstore.Session) (*profile.Person, error)
}

func (*teller) Name() string { return "teller" }

// Rebuild asks the source.
func (l *teller) Rebuild(ctx context.Context, s *sessionstore.Session) (*profile.Person, error) {
	l.asked.Add(1)
	l.mu.Lock()
	say := l.say
	l.mu.Unlock()
	return say(ctx, s)
}

// says has the source give that answer from now on.
func (l *teller) says(say func(context.Context, *sessionstore.Session) (*profile.Person, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say = say
}

// grants has the source say that ada has those roles, and two accounts.
func (l *teller) grants(roles ...string) {
	l.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) { return entryOf(roles...), nil })
}

// fails has the source give no person.
func (l *teller) fails(err error) {
	l.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) { return nil, err })
}

// rotates has the source replace its refresh token, and then fail or not.
func (l *teller) rotates(err error) {
	l.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
		kept := &profile.Kept{RefreshToken: "second"}
		if err != nil {
			return nil, &login.Rotated{Kept: kept, Err: err}
		}
		p := entryOf("editor")
		p.Kept = kept
		return p, nil
	})
}

// blocked has the source answer, once it is released, as before. It is closed
// when the source was asked.
func (l *teller) blocked() (reached <-chan struct{}, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	arrived, goOn, before := make(chan struct{}), make(chan struct{}), l.say
	var once sync.Once
	l.say = func(ctx context.Context, s *sessionstore.Session) (*profile.Person, error) {
		once.Do(func() { close(arrived) })
		<-goOn
		return before(ctx, s)
	}
	return arrived, sync.OnceFunc(func() { close(goOn) })
}

func entryOf(roles ...string) *profile.Person {
	return &profile.Person{ID: 1, Email: "ada@example.com", Roles: roles, Accounts: []sessionstore.Account{
		{AccountID: "acme", AccountName: "Acme"}, {AccountID: "globex", AccountName: "Globex"},
	}}
}

// ear remembers what it hears.
type ear struct {
	mu       sync.Mutex
	heard    []lifecycle.Event
	troubles []string
}

func (e *ear) Happened(event lifecycle.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, event)
}

func (e *ear) Trouble(_ context.Context, what string, _ error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.troubles = append(e.troubles, what)
}

// kinds are what was heard of, in order.
func (e *ear) kinds() (kinds []lifecycle.Kind) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.heard {
		kinds = append(kinds, event.Kind)
	}
	return kinds
}

// gateway is sessions behind a near cache, as one of several gateways on a store.
type gateway struct {
	*lifecycle.Sessions
	near  *nearcache.Cache
	store sessionstore.Store // behind it
	ear   *ear
	now   func() time.Time
	ended func(sessionstore.Key) // hears what is ended here; a test may set it
}

func newGateway(t testing.TB, store sessionstore.Store, m login.Method, now func() time.Time, edits ...func(*lifecycle.Config)) *gateway {
	t.Helper()
	near := nearcache.New(store, nearcache.Options{TTL: time.Hour, Now: now})
	return newGatewayBehind(t, near, store, m, now, edits...)
}

// newGatewayBehind is newGateway with a near cache that is there already.
func newGatewayBehind(t testing.TB, near *nearcache.Cache, store sessionstore.Store, m login.Method, now func() time.Time, edits ...func(*lifecycle.Config)) *gateway {
	t.Helper()
	roles, err := profile.NewRoles(nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{near: near, store: store, ear: new(ear), now: now, ended: func(sessionstore.Key) {}}
	c := lifecycle.Config{
		Store: near, Backing: store, Drop: near.Drop, Roles: roles,
		Lifetime: 12 * time.Hour, IdleTimeout: time.Hour, RefreshEvery: refreshedEvery, Events: g.ear, Now: now,
		Ended: func(key sessionstore.Key) { g.ended(key) },
	}
	if m != nil {
		c.Logins = []login.Method{m}
	}
	for _, edit := range edits {
		edit(&c)
	}
	g.Sessions = lifecycle.New(c)
	return g
}

// fromSSO has the sessions of the login sso be ended by its source.
func fromSSO(c *lifecycle.Config) { c.Providers = []string{"sso"} }

// settled signs ada in, with the role she has so far.
func (g *gateway) settled(t testing.TB, m login.Method) *person {
	t.Helper()
	p := entryOf("viewer")
	p.Kept = &profile.Kept{RefreshToken: "first"}
	s, _, err := g.Begin(t.Context(), m, p, lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, key: s.Key, session: s}
}

// visit is one request of a session, as session_auth makes of it: the session
// that it is served by. ErrNotFound: there is none.
func (g *gateway) visit(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	e, err := g.near.Lookup(ctx, key)
	if err != nil {
		return nil, err
	}
	if now := g.now(); g.Due(e.Session, now) {
		g.RefreshIfDue(e.Session, now)
	}
	return e.Session, nil
}

// person is somebody who is signed in.
type person struct {
	t       testing.TB
	key     sessionstore.Key
	session *sessionstore.Session // as it was at first
}

// refresh asks for the session to be built anew now.
func (p *person) refresh(g *gateway) (*sessionstore.Session, error) {
	p.t.Helper()
	e, err := g.near.Lookup(context.Background(), p.key)
	if err != nil {
		return nil, err
	}
	return g.Refresh(context.Background(), e.Session)
}

// now is the session as the store has it; nil when it is gone.
func (p *person) now(g *gateway) *sessionstore.Session {
	p.t.Helper()
	s, err := g.store.Get(context.Background(), p.key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// wantGone demands that the store has the session no longer.
func (p *person) wantGone(g *gateway) {
	p.t.Helper()
	if p.now(g) != nil {
		p.t.Error("the session is still there")
	}
}

// wantRoles demands that the store has the session, with those roles.
func (p *person) wantRoles(g *gateway, roles ...string) {
	p.t.Helper()
	s := p.now(g)
	if s == nil {
		p.t.Fatal("the session is gone")
	}
	if !slices.Equal(s.User.FlatRolesList, roles) {
		p.t.Errorf("the roles are %v; want %v", s.User.FlatRolesList, roles)
	}
}

// watch is a clock that is put forward by hand.
type watch struct{ ahead atomic.Int64 }

func (w *watch) now() time.Time          { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *watch) forward(d time.Duration) { w.ahead.Add(int64(d)) }

// patience bounds every wait: only a test that fails waits so long.
const patience = 2 * time.Minute

// until waits for what happens behind the requests; state, where it is given,
// says what is there instead when it does not.
func until(t testing.TB, what string, holds func() bool, state ...func() string) {
	t.Helper()
	tick, giveUp := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-giveUp:
			instead := ""
			for _, describe := range state {
				instead += "; instead there is " + describe()
			}
			t.Fatalf("waited %v in vain until %s%s", patience, what, instead)
		}
	}
}

var _ login.Rebuilder = (*teller)(nil)
