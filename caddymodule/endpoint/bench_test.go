package endpoint_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// turnstile lets everybody in by password, at no cost.
type turnstile struct{ asked *atomic.Int64 }

func (turnstile) Name() string { return "turnstile" }

// SignIn lets the person in: somebody else each time.
func (l turnstile) SignIn(_ context.Context, typed login.Typed) (*profile.Person, error) {
	return &profile.Person{ID: l.asked.Add(1), Email: typed.Name, Roles: []string{"editor"}}, nil
}

// gate is a provider that vouches for everybody, at no cost.
type gate struct{ asked *atomic.Int64 }

func (gate) Name() string { return "gate" }

// Begin sends the browser nowhere in particular.
func (gate) Begin(_ context.Context, state, redirectURI, returnTo string) (string, oidc.Attempt, error) {
	return "https://sso.example.com/authorize", oidc.Attempt{
		Login: "gate", State: state, Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43),
		RedirectURI: redirectURI, ReturnTo: returnTo, Expires: time.Now().Add(time.Minute),
	}, nil
}

// Finish vouches for somebody else each time, whom the store gives a number.
func (l gate) Finish(context.Context, oidc.Attempt, url.Values) (*profile.Person, error) {
	n := strconv.FormatInt(l.asked.Add(1), 10)
	return &profile.Person{
		Email: "ada@example.com", Roles: []string{"editor"}, Issuer: "https://sso.example.com", Subject: "sub-" + n, SourceSession: "sid-" + n,
		Kept: &profile.Kept{RefreshToken: strings.Repeat("r", 500), IDToken: strings.Repeat("i", 1000)},
	}, nil
}

func (gate) EndSession(context.Context, *profile.Kept, string) (oidc.EndSession, bool) {
	return oidc.EndSession{}, false
}

func (gate) VerifyLogoutToken(context.Context, string) (t oidc.LogoutToken, err error) {
	return t, oidc.ErrUnavailable
}

// deaf hears nothing of what happens.
type deaf struct{}

func (deaf) Happened(lifecycle.Event)               {}
func (deaf) Trouble(context.Context, string, error) {}

// cookieName is the session cookie's in these tests.
const cookieName = "sidegate"

// siteOf is the routes in front of a store, with those logins.
func siteOf(t testing.TB, store sessionstore.Store, logins endpoint.Logins) *endpoint.Site {
	t.Helper()
	return endpoint.New(configOf(t, store, logins))
}

func configOf(t testing.TB, store sessionstore.Store, logins endpoint.Logins) endpoint.Config {
	t.Helper()
	ring, err := token.NewRing(token.Config{Secrets: []string{strings.Repeat("s", token.MinSecret)}, Issuer: "sidegate", Now: time.Now})
	must(t, err)
	tokens, err := token.NewCache(ring, 0, 0)
	must(t, err)
	verified, err := token.NewVerified(ring, 0)
	must(t, err)
	roles, err := profile.NewRoles(nil)
	must(t, err)
	logins.Attempts, err = oidc.NewAttemptSealer(ring.CookieKeys(), time.Now)
	must(t, err)
	near := nearcache.New(store, nearcache.Options{})
	logins.Throttle = login.NewThrottle(near, login.Limits{})
	returnTo, err := endpoint.NewReturnTargets("/auth", origin.Origin{}, nil)
	must(t, err)
	return endpoint.Config{
		Address: endpoint.Address{BasePath: "/auth", ReturnTo: returnTo, Cookie: endpoint.Cookie{Name: cookieName, Insecure: true},
			Sites: new(origin.Sites), Check: new(origin.Check)},
		Logins:  logins,
		Callers: caller.NewFinder(caller.Config{Near: near, Ring: ring, Verified: verified, Cookie: cookieName, Trouble: deaf{}.Trouble}),
		Sessions: lifecycle.New(lifecycle.Config{
			Store: near, Backing: store, Drop: near.Drop, Providers: []string{"gate"}, Roles: roles,
			Lifetime: 12 * time.Hour, IdleTimeout: time.Hour, Events: deaf{}, Now: time.Now,
		}),
		Ring: ring, Tokens: tokens, Events: deaf{}, Now: time.Now,
		SignedOut: func(ctx context.Context, key sessionstore.Key) bool { return lifecycle.SignedOut(ctx, store, key) },
		Streams:   streams.NewWatch(), Audience: endpoint.NewAudience(),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// prepared is a request as Caddy hands it to a handler.
func prepared(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, http.NoBody)
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
}

// BenchmarkSignIn is what a sign-in costs the gateway by itself: no password
// hash, no provider, no socket. Each ends the session that the one before
// began. Run it with -cpu 1 for sign-ins per second and core.
func BenchmarkSignIn(b *testing.B) {
	for _, kept := range []struct {
		name string
		open func(testing.TB) sessionstore.Store
	}{
		{"memory", func(testing.TB) sessionstore.Store { return memory.New(nil) }},
		{"embedded", func(t testing.TB) sessionstore.Store {
			db, err := embedded.Open(filepath.Join(t.TempDir(), "sessions.db"))
			must(t, err)
			t.Cleanup(func() { _ = db.Close() })
			return embedded.New(db, storetest.NewSealer(t, 1), time.Now)
		}},
	} {
		b.Run("by password, store "+kept.name, func(b *testing.B) {
			site := siteOf(b, kept.open(b), endpoint.Logins{Passwords: []login.PasswordMethod{turnstile{new(atomic.Int64)}}})
			signIns(b, func(cookie string) *http.Request {
				r := prepared(http.MethodPost, "/auth/login")
				r.Header.Set("Cookie", cookie)
				r.PostForm = url.Values{"email": {"ada@example.com"}, "password": {"p"}}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				return r
			}, site)
		})
		b.Run("through a provider, store "+kept.name, func(b *testing.B) {
			provider := endpoint.Provider{ProviderMethod: gate{new(atomic.Int64)}}
			site := siteOf(b, kept.open(b), endpoint.Logins{Providers: []endpoint.Provider{provider}})
			signIns(b, func(cookie string) *http.Request {
				w := httptest.NewRecorder()
				site.ServeHTTP(w, prepared(http.MethodGet, "/auth/login/gate"))
				attempt, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
				r := prepared(http.MethodGet, "/auth/callback/gate?code=c&state="+strings.Repeat("s", 43))
				r.Header.Set("Cookie", strings.TrimPrefix(cookie+"; "+attempt, "; "))
				return r
			}, site)
		})
	}
}

// signIns signs in again and again, each time with the cookie of the time before.
func signIns(b *testing.B, request func(cookie string) *http.Request, site *endpoint.Site) {
	b.Helper()
	b.ReportAllocs()
	cookie := ""
	for b.Loop() {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, request(cookie))
		cookie = cookieOf(b, w)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
}

// cookieOf is the session's cookie that an answer sets.
func cookieOf(b testing.TB, w *httptest.ResponseRecorder) string {
	b.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == cookieName && w.Code == http.StatusSeeOther {
			return c.Name + "=" + c.Value
		}
	}
	b.Fatalf("nobody was signed in: %d %s", w.Code, w.Body)
	return ""
}
