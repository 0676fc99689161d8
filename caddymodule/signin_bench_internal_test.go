package caddymodule

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

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore/memory"
)

// turnstile lets everybody in by password, at no cost.
type turnstile struct{ asked *atomic.Int64 }

func (turnstile) Name() string                      { return "turnstile" }
func (turnstile) CaddyModule() (m caddy.ModuleInfo) { return m }

// SignIn lets the person in: somebody else each time.
func (l turnstile) SignIn(_ context.Context, email, _ string) (*profile.Person, error) {
	p := entryOf("editor")
	p.ID, p.Email = l.asked.Add(1), email
	return p, nil
}

// gate is a provider that vouches for everybody, at no cost.
type gate struct {
	elsewhere
	asked *atomic.Int64
}

func (gate) Name() string                      { return "gate" }
func (gate) CaddyModule() (m caddy.ModuleInfo) { return m }

// Begin sends the browser nowhere in particular.
func (gate) Begin(_ context.Context, redirectURI, returnTo string) (string, oidc.Attempt, error) {
	return "https://sso.example.com/authorize", oidc.Attempt{
		Login: "gate", State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43),
		RedirectURI: redirectURI, ReturnTo: returnTo, Expires: time.Now().Add(time.Minute),
	}, nil
}

// Finish vouches for somebody else each time, whom the store gives a number.
func (l gate) Finish(context.Context, oidc.Attempt, url.Values) (*profile.Person, error) {
	p := entryOf("editor")
	n := strconv.FormatInt(l.asked.Add(1), 10)
	p.ID, p.Issuer, p.Subject, p.SourceSession = 0, "https://sso.example.com", "sub-"+n, "sid-"+n
	p.Kept = &profile.Kept{RefreshToken: strings.Repeat("r", 500), IDToken: strings.Repeat("i", 1000)}
	return p, nil
}

// BenchmarkSignIn is what a sign-in costs the gateway by itself: no password
// hash, no provider, no socket. Each ends the session that the one before
// began. Run it with -cpu 1 for
// sign-ins per second and core.
func BenchmarkSignIn(b *testing.B) {
	for _, kept := range []struct {
		name string
		open func(testing.TB) StoreModule
	}{
		{"memory", func(testing.TB) StoreModule { return shelf{memory.New(nil)} }},
		{"embedded", func(t testing.TB) StoreModule {
			e := &EmbeddedStore{Path: filepath.Join(t.TempDir(), "sessions.db")}
			if err := e.Provision(caddy.Context{}); err != nil {
				t.Fatal(err)
			}
			return e
		}},
	} {
		b.Run("by password, store "+kept.name, func(b *testing.B) {
			g := signingIn(b, kept.open(b), turnstile{new(atomic.Int64)})
			cookie := ""
			for b.Loop() {
				r := prepared(http.MethodPost, "/auth/login")
				r.Body = http.NoBody
				r.Header.Set("Cookie", cookie)
				r.PostForm = url.Values{"email": {"ada@example.com"}, "password": {"p"}}
				r.Header.Set("Content-Type", mediaForm)
				cookie = cookieOf(b, g, func(w http.ResponseWriter) { postLogin(g, w, r) })
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
		})
		b.Run("through a provider, store "+kept.name, func(b *testing.B) {
			p := gate{asked: new(atomic.Int64)}
			g := signingIn(b, kept.open(b), p)
			cookie, callback := "", "/auth/callback/gate?code=c&state="+strings.Repeat("s", 43)
			for b.Loop() {
				begin := prepared(http.MethodGet, "/auth/login/gate")
				w := httptest.NewRecorder()
				getProviderLogin(g, p, w, begin)
				attempt, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
				r := prepared(http.MethodGet, callback)
				r.Header.Set("Cookie", strings.TrimPrefix(cookie+"; "+attempt, "; "))
				cookie = cookieOf(b, g, func(w http.ResponseWriter) { getCallback(g, p, w, r) })
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
		})
	}
}

func signingIn(b *testing.B, store StoreModule, l LoginModule) *gateway {
	b.Helper()
	g := refreshing(b, store, l, time.Now)
	b.Cleanup(func() { _ = g.close() })
	b.ReportAllocs()
	return g
}

// cookieOf signs in and returns the session's cookie.
func cookieOf(b *testing.B, g *gateway, signIn func(http.ResponseWriter)) string {
	w := httptest.NewRecorder()
	signIn(w)
	for _, c := range w.Result().Cookies() {
		if c.Name == g.app.Cookie.Name && w.Code == http.StatusSeeOther {
			return c.Name + "=" + c.Value
		}
	}
	b.Fatalf("nobody was signed in: %d %s", w.Code, w.Body)
	return ""
}
