package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// teller is a login whose source counts how often it is asked, and says what
// the test told it.
type teller struct {
	asked atomic.Int64
	mu    sync.Mutex
	say   func(context.Context, *sessionstore.Session) (*profile.Person, error)
}

func (*teller) Name() string                      { return "teller" }
func (*teller) CaddyModule() (m caddy.ModuleInfo) { return m }

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

func entryOf(roles ...string) *profile.Person {
	return &profile.Person{ID: 1, Email: "ada@example.com", Roles: roles, Accounts: []sessionstore.Account{
		{AccountID: "acme", AccountName: "Acme"}, {AccountID: "globex", AccountName: "Globex"},
	}}
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

// shelf is a store module whose store is there already: gateways share it.
type shelf struct{ sessionstore.Store }

func (shelf) CaddyModule() (m caddy.ModuleInfo) { return m }
func (shelf) Shared() bool                      { return true }
func (s shelf) Open(*sessionstore.Sealer, func() time.Time) (sessionstore.Store, func() error, error) {
	return s.Store, func() error { return nil }, nil
}

// refreshedEvery is how old sessions get before they are built anew in these tests.
const refreshedEvery = time.Minute

// refreshing is a gateway with that store and login, as one of several.
func refreshing(t testing.TB, store StoreModule, l LoginModule, now func() time.Time) *gateway {
	t.Helper()
	roles, err := profile.NewRoles(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &App{
		DirectoryOptions: DirectoryOptions{RefreshEvery: caddy.Duration(refreshedEvery)},
		Cache:            CacheConfig{TTL: caddy.Duration(time.Hour)},
		SecretOptions:    SecretOptions{secrets: []string{testSecret}}, StoreOptions: StoreOptions{store: store},
		LoginOptions: LoginOptions{logins: []LoginModule{l}}, RoleOptions: RoleOptions{roles: roles},
		logger: zap.NewNop(), metrics: newMetrics(), now: now,
	}
	a.LifeOptions.setDefaults()
	a.Cookie = CookieConfig{Insecure: true}
	a.Cookie.setDefaults()
	a.Token.setDefaults("")
	if err := a.orderLogins(nil); err != nil {
		t.Fatal(err)
	}
	g, err := a.open()
	if err != nil {
		t.Fatal(err)
	}
	a.gateway = func() (*gateway, error) { return g, nil }
	return g
}

// settled signs ada in, with the role she has so far.
func (g *gateway) settled(t testing.TB) *person {
	t.Helper()
	secret := sessionstore.NewSecret(1)
	b, err := g.build(t.Context(), g.app.logins[0], entryOf("viewer"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.kept = `{"refresh_token":"first"}`
	s := g.newSession(prepared(http.MethodPost, "/auth/login"), secret.Key(), g.app.logins[0], b)
	if err := g.store.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return &person{t: t, key: s.Key, cookie: g.app.Cookie.Name + "=" + secret.Encode(), session: s}
}

// person is somebody who is signed in.
type person struct {
	t       testing.TB
	key     sessionstore.Key
	cookie  string
	session *sessionstore.Session // as it was at first
}

// request is one of theirs that has found its session at the gateway already.
func (p *person) request(g *gateway, method, path string) *http.Request {
	r := prepared(method, path)
	r.Header.Set("Cookie", p.cookie)
	g.caller(r)
	return r
}

// refresh asks POST /auth/refresh.
func (p *person) refresh(g *gateway) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	postRefresh(g, w, p.request(g, http.MethodPost, "/auth/refresh"))
	return w
}

// visit asks the app behind the gateway, which answers with the roles it hears.
func (p *person) visit(g *gateway, r *http.Request) *httptest.ResponseRecorder {
	p.t.Helper()
	auth := &SessionAuth{app: g.app}
	var err error
	if auth.identity, err = newInjector(auth); err != nil {
		p.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	err = auth.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		_, err := w.Write([]byte(r.Header.Get("X-Session-Roles")))
		return err
	}))
	if err != nil {
		p.t.Error(err)
	}
	return w
}

// now is the session as the store has it; nil when it is gone.
func (p *person) now(g *gateway) *sessionstore.Session {
	p.t.Helper()
	s, err := g.backing.Get(context.Background(), p.key)
	if err == sessionstore.ErrNotFound {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return s
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

// resting reports whether no refresh is under way.
func (f *refresher) resting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.flights) == 0
}

// until waits for what happens behind the requests.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick, giveUp := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-giveUp:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// watch is a clock that is put forward by hand.
type watch struct{ ahead atomic.Int64 }

func (w *watch) now() time.Time          { return time.Now().Add(time.Duration(w.ahead.Load())) }
func (w *watch) forward(d time.Duration) { w.ahead.Add(int64(d)) }

var _ login.Rebuilder = (*teller)(nil)
