package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/login/oidc"
)

// moves has an endpoint answer at another place, and what was there before as told.
func (p *provider) moves(member, from, to string, before http.HandlerFunc) {
	p.mu.Lock()
	p.metadata[member] = p.URL + to
	p.mu.Unlock()
	p.on(from, before)
	p.on(to, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.mu.Lock()
		defer p.mu.Unlock()
		switch from {
		case "/token":
			p.serveToken(w, r)
		case "/keys":
			reply(w, 200, jose.JSONWebKeySet{Keys: p.published})
		default:
			reply(w, 200, p.info)
		}
	})
}

// What the document said is used for hours, but not against evidence.
func TestEndpointsThatWereMovedAreFound(t *testing.T) {
	const token, userinfo, keys = "token_endpoint", "userinfo_endpoint", "jwks_uri"
	newKeys := func(p *provider) {
		p.key, p.header = otherKey(), object{"kid": "new"}
		p.published = []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "new"}}
	}
	for _, c := range []struct {
		name   string
		member string
		before http.HandlerFunc
		edit   func(*provider)
		next   bool // by the next sign-in alone
	}{
		{"a token endpoint that is gone", token, says(404, ""), nil, false},
		{"a token endpoint that is gone for good", token, says(410, `{"error":"gone"}`), nil, false},
		{"a token endpoint that takes no posts", token, says(405, "<html>"), nil, false},
		{"a token endpoint that has become a page, which may have seen the code", token, says(200, "<html>"), nil, true},
		{"a token endpoint that leads on, which is not followed", token, redirects("https://sso.example.com/token"), nil, true},
		{"a token endpoint that is in trouble, which may have seen the code", token, says(503, "<html>"), nil, true},
		{"a token endpoint that has become a page of a proxy", token, says(400, "<html>"), nil, true},
		{"a userinfo endpoint that is in trouble", userinfo, says(502, "<html>"), nil, false},
		{"a userinfo endpoint that has become a page of a proxy", userinfo, says(400, "<html>"), nil, false},
		{"keys that are in trouble", keys, says(500, "<html>"), newKeys, false},
		{"a userinfo endpoint that is gone", userinfo, says(404, ""), nil, false},
		{"a userinfo endpoint that takes no questions", userinfo, says(405, ""), nil, false},
		{"a userinfo endpoint that has become a page", userinfo, says(200, "<html>"), nil, false},
		{"a userinfo endpoint that leads on, which is not followed", userinfo, redirects("https://sso.example.com/userinfo"), nil, false},
		{"keys that are gone", keys, says(404, ""), newKeys, false},
		{"keys that have become a page", keys, says(200, "<html>"), newKeys, false},
		{"keys that are none", keys, says(200, `{"keys":[]}`), newKeys, false},
		{"keys that stay where they were, and make no signature any longer", keys, nil, newKeys, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			l := p.login(t, nil)
			p.mustSignIn(t, l)
			if from := map[string]string{token: "/token", userinfo: "/userinfo", keys: "/keys"}[c.member]; c.name == "keys that stay where they were, and make no signature any longer" {
				old := jose.JSONWebKeySet{Keys: p.published}
				p.moves(c.member, from, "/new", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, old) })
			} else {
				p.moves(c.member, from, "/new", c.before)
			}
			if c.edit != nil {
				c.edit(p)
			}
			_, err := p.signIn(t, l, nil)
			if (err != nil) != c.next {
				t.Errorf("the first sign-in: %v", err)
			}
			p.mustSignIn(t, l)
			if n := p.count(discoveryPath); n != 2 {
				t.Errorf("the document was fetched %d times, want 2", n)
			}
		})
	}
}

// A host that is no more is evidence, too, and nothing was sent to it.
func TestATokenEndpointWhoseHostIsGoneIsFound(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.metadata["token_endpoint"] = "http://127.0.0.1:1/token"
	begin(t, l)
	p.moves("token_endpoint", "/token", "/new", says(404, ""))
	p.mustSignIn(t, l)
}

func TestAnEndpointThatIsGoneAndNotMovedIsAskedForOnceInTenSeconds(t *testing.T) {
	for path, says404 := range map[string]string{"/token": "the token endpoint at ", "/userinfo": "the userinfo endpoint answers with status 404 at "} {
		p := newProvider(t)
		l := p.login(t, nil)
		p.on(path, says(404, ""))
		for range 3 {
			_, err := p.signIn(t, l, nil)
			wantErr(t, err, oidc.ErrProvider, says404+`"`+p.URL+path+`"`)
		}
		if n := p.count(discoveryPath); n != 2 {
			t.Errorf("%s: the document was fetched %d times, want 2", path, n)
		}
		if n := p.count(path); n != 3 {
			t.Errorf("%s was asked %d times, want 3", path, n)
		}
		p.clock.Advance(10 * time.Second)
		_, err := p.signIn(t, l, nil)
		if n := p.count(discoveryPath); err == nil || n != 3 {
			t.Errorf("%s: ten seconds later the document was fetched %d times (%v), want 3", path, n, err)
		}
	}
}

func TestAnAlgorithmThatTheDocumentHasMeanwhile(t *testing.T) {
	p := newProvider(t)
	p.metadata["id_token_signing_alg_values_supported"] = []string{"RS256"}
	l := p.login(t, nil)
	begin(t, l)
	p.metadata["id_token_signing_alg_values_supported"] = []string{"ES256"}
	p.mustSignIn(t, l)
	t.Run("but one that is never taken is no reason to ask", func(t *testing.T) {
		before := p.count(discoveryPath)
		p.clock.Advance(time.Minute)
		p.alg, p.key = "HS256", []byte(clientSecret)
		_, err := p.signIn(t, l, nil)
		wantErr(t, err, oidc.ErrProvider, "by the client secret")
		if p.count(discoveryPath) != before {
			t.Error("the document was fetched")
		}
	})
}

// A logout token that cannot be judged yet may be good: the provider sends it again.
func TestALogoutTokenOfAnAlgorithmThatMayBeListedByNowIsNoDefiniteNo(t *testing.T) {
	p := newProvider(t)
	p.metadata["id_token_signing_alg_values_supported"] = []string{"RS256"}
	l := p.login(t, nil)
	_, err := l.VerifyLogoutToken(context.Background(), p.logoutToken(nil))
	wantErr(t, err, oidc.ErrInvalidLogoutToken, "does not list")
	_, err = l.VerifyLogoutToken(context.Background(), p.logoutToken(nil))
	wantErr(t, err, oidc.ErrNotYet, "as far as can be told")
	p.metadata["id_token_signing_alg_values_supported"] = []string{"ES256"}
	p.clock.Advance(10 * time.Second)
	_, err = l.VerifyLogoutToken(context.Background(), p.logoutToken(nil))
	wantErr(t, err, nil, "")
}

func TestAnIssThatIsNotAnnouncedAnyLongerIsNotDemanded(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	without := func(q url.Values) { q.Del("iss") }
	_, err := p.signIn(t, l, without)
	wantErr(t, err, oidc.ErrProvider, "the answer has no iss")
	p.metadata["authorization_response_iss_parameter_supported"] = false
	p.clock.Advance(10 * time.Second)
	_, err = p.signIn(t, l, without)
	wantErr(t, err, nil, "")
}

func TestAnotherIssuerIsAReasonToAskWhatTheDocumentSays(t *testing.T) {
	for name, edit := range map[string]func(*provider, url.Values){
		"of the answer":   func(_ *provider, q url.Values) { q.Set("iss", "https://evil.example.com") },
		"of the ID token": func(p *provider, _ url.Values) { p.claims["iss"] = "https://evil.example.com" },
	} {
		p := newProvider(t)
		l := p.login(t, nil)
		begin(t, l)
		if _, err := p.signIn(t, l, func(q url.Values) { edit(p, q) }); err == nil || !strings.Contains(err.Error(), `is of the issuer "https://evil.example.com", and the configured one is "`+p.URL) {
			t.Errorf("%s: %v", name, err)
		}
		if n := p.count(discoveryPath); n != 2 {
			t.Errorf("%s: the document was fetched %d times, want 2", name, n)
		}
	}
}

// A refresh token is good once, too.
func TestARefreshFindsTheTokenEndpointThatWasMoved(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	p.moves("token_endpoint", "/token", "/new", says(404, ""))
	person, err := l.Rebuild(context.Background(), s)
	if err != nil || person.Kept.RefreshToken == "refresh-secret" {
		t.Errorf("it ends with %v", err)
	}
	p.moves("token_endpoint", "/new", "/newer", says(503, ""))
	p.clock.Advance(time.Minute)
	if _, err := l.Rebuild(context.Background(), session(t, person)); !errors.Is(err, oidc.ErrUnavailable) || p.count("/newer") != 0 {
		t.Errorf("trouble is taken for a move: %v", err)
	}
}
