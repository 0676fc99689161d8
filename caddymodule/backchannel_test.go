package caddymodule_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// logOut is what a provider sends.
func (s *server) logOut(t testing.TB, token string) answer {
	t.Helper()
	return s.client(t).do(http.MethodPost, "/auth/backchannel-logout/sso", url.Values{"logout_token": {token}}.Encode(), "Content-Type", asForm)
}

// signedIn is a browser of that person, whose session at the provider is sid.
func (s *server) signedInAt(t testing.TB, p *idp, sub, sid string) *surfer {
	t.Helper()
	p.but(t, map[string]any{"sub": sub, "sid": sid, "email": sub + "@example.com"})
	b := s.surfer(t)
	b.signInAt(p, "sso")
	return b
}

func TestSignOutFromTheProvider(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	t.Run("by sid ends that session and no other", func(t *testing.T) {
		one, two := s.signedInAt(t, p, "ada", "sid-1"), s.signedInAt(t, p, "ada", "sid-2")
		got := s.logOut(t, p.logoutToken(map[string]any{"sub": "ada", "sid": "sid-1"})).want(t, http.StatusOK)
		got.wantHeader(t, "Cache-Control", "no-store")
		if got.body != "" {
			t.Errorf("the answer is %s", got.body)
		}
		one.wantSignedOut(t)
		two.wantSignedIn(t, "ada@example.com")
	})
	t.Run("by sid alone, without a sub", func(t *testing.T) {
		b := s.signedInAt(t, p, "ada", "sid-3")
		s.logOut(t, p.logoutToken(map[string]any{"sid": "sid-3"})).want(t, http.StatusOK)
		b.wantSignedOut(t)
	})
	t.Run("by sub ends all of the person's and nobody else's", func(t *testing.T) {
		one, two, none := s.signedInAt(t, p, "ada", "sid-4"), s.signedInAt(t, p, "ada", "sid-5"), s.signedInAt(t, p, "grace", "sid-6")
		byPassword := s.browser(t, ada)
		s.logOut(t, p.logoutToken(map[string]any{"sub": "ada"})).want(t, http.StatusOK)
		one.wantSignedOut(t)
		two.wantSignedOut(t)
		none.wantSignedIn(t, "grace@example.com")
		byPassword.get("/auth/session").want(t, http.StatusOK)
		s.signedInAt(t, p, "ada", "sid-7").wantSignedIn(t, "ada@example.com") // anew
	})
	t.Run("of a session that is not there is a success", func(t *testing.T) {
		s.logOut(t, p.logoutToken(map[string]any{"sid": "nobody's"})).want(t, http.StatusOK)
	})
	t.Run("of a name that looks like another kind of name", func(t *testing.T) {
		b := s.signedInAt(t, p, "grace", "ada")
		s.logOut(t, p.logoutToken(map[string]any{"sub": "ada"})).want(t, http.StatusOK)
		b.wantSignedIn(t, "grace@example.com")
	})
	t.Run("by a token that came before is refused", func(t *testing.T) {
		token := p.logoutToken(map[string]any{"sub": "ada"})
		s.logOut(t, token).want(t, http.StatusOK)
		again := s.signedInAt(t, p, "ada", "sid-8")
		s.logOut(t, token).want(t, http.StatusBadRequest)
		again.wantSignedIn(t, "ada@example.com")
	})
}

func TestLogoutTokensThatAreRefused(t *testing.T) {
	p, evil := newIDP(t), newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	b := s.signedInAt(t, p, "ada", "sid-1")
	good := p.logoutToken(map[string]any{"sid": "sid-1"})
	form := func(values ...string) string { return url.Values{"logout_token": values}.Encode() }
	for _, c := range []struct{ name, contentType, body string }{
		{"of another provider", asForm, form(evil.logoutToken(map[string]any{"sid": "sid-1", "iss": p.URL}))},
		{"for another client", asForm, form(p.logoutToken(map[string]any{"sid": "sid-1", "aud": "other"}))},
		{"that are ID tokens", asForm, form(p.sign("JWT", map[string]any{"sub": "ada", "sid": "sid-1", "nonce": "n"}))},
		{"without an event", asForm, form(p.logoutToken(map[string]any{"sid": "sid-1", "events": nil}))},
		{"without a jti", asForm, form(p.logoutToken(map[string]any{"sid": "sid-1", "jti": nil}))},
		{"that name nobody", asForm, form(p.logoutToken(nil))},
		{"that are none", asForm, form("canary")},
		{"that are not there", asForm, ""},
		{"that come twice", asForm, form(good, good)},
		{"as JSON", asJSON, `{"logout_token":"` + good + `"}`},
		{"as text", "text/plain", form(good)},
		{"without a content type", "", form(good)},
		{"in a body that cannot be read", asForm, "logout_token=%zz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.client(t).do(http.MethodPost, "/auth/backchannel-logout/sso", c.body, "Content-Type", c.contentType).want(t, http.StatusBadRequest)
			a.wantHeader(t, "Cache-Control", "no-store")
			var said struct{ Error string }
			if a.decode(t, &said); said.Error != "invalid_request" || strings.Contains(a.body, "canary") {
				t.Errorf("the answer is %s", a.body)
			}
			b.wantSignedIn(t, "ada@example.com")
		})
	}
	t.Run("in the query", func(t *testing.T) {
		s.client(t).do(http.MethodPost, "/auth/backchannel-logout/sso?"+form(good), "", "Content-Type", asForm).want(t, http.StatusBadRequest)
		b.wantSignedIn(t, "ada@example.com")
	})
	t.Run("from a page of another site", func(t *testing.T) {
		s.client(t).do(http.MethodPost, "/auth/backchannel-logout/sso", form(good), "Content-Type", asForm,
			"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example.com").want(t, http.StatusForbidden)
	})
	s.logOut(t, good).want(t, http.StatusOK)
	b.wantSignedOut(t)
}

// Nobody is told of a success that was none: the provider sends it again.
func TestSignOutFromTheProviderWhileTheStoreIsAway(t *testing.T) {
	p, r := newIDP(t), redistest.Start(t, redistest.AppendOnly())
	s := start(t, site{options: p.login("sso", "") + "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := s.signedInAt(t, p, "ada", "sid-1")
	token := p.logoutToken(map[string]any{"sid": "sid-1"})
	r.Kill()
	a := s.logOut(t, token).want(t, http.StatusServiceUnavailable)
	a.wantHeader(t, "Cache-Control", "no-store")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	r.Restart()
	soon(t, "the same token works", func() bool { return s.logOut(t, token).StatusCode == http.StatusOK })
	b.wantSignedOut(t)
	s.logOut(t, token).want(t, http.StatusBadRequest)
}

func TestSignOutFromAProviderWhoseKeysCannotBeHad(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	token := p.logoutToken(map[string]any{"sid": "sid-1"})
	p.fails(t, "/.well-known/openid-configuration", 503)
	s.logOut(t, token).want(t, http.StatusServiceUnavailable)
}
