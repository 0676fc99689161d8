package oidc_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

const after = "https://app.example.com/bye"

// keptOf is what a session keeps of an ID token and of claims.
func keptOf(idToken string, token object) *profile.Kept {
	return &profile.Kept{IDToken: idToken, Facts: profile.Facts{"token": token}}
}

func TestEndSession(t *testing.T) {
	p := newProvider(t)
	p.metadata["end_session_endpoint"] = p.URL + "/end?tenant=acme"
	long := strings.Repeat("a", 3000)
	ada := object{"email": "ada@example.com", "preferred_username": "ada"}
	for _, c := range []struct {
		name     string
		kept     *profile.Kept
		redirect string
		want     url.Values
	}{
		{"with the ID token and a way back", keptOf("a.b.c", ada), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "id_token_hint": {"a.b.c"}, "post_logout_redirect_uri": {after},
		}},
		{"without either", nil, "", url.Values{"tenant": {"acme"}, "client_id": {clientID}}},
		{"with an ID token that is too long, who it is", keptOf(long, ada), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "logout_hint": {"ada"}, "post_logout_redirect_uri": {after},
		}},
		{"who it is, as the provider says to call them", keptOf(long, with(ada, object{"login_hint": "O.CiQ"})), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "logout_hint": {"O.CiQ"}, "post_logout_redirect_uri": {after},
		}},
		{"with a name that is too long too, neither", keptOf(long, object{"email": long}), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "post_logout_redirect_uri": {after},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			location, ok := p.login(t, nil).EndSession(context.Background(), c.kept, c.redirect)
			if want := p.URL + "/end?" + c.want.Encode(); !ok || location != want || len(location) >= 2000 {
				t.Fatalf("got  %s, %v\nwant %s", location, ok, want)
			}
		})
	}
	t.Run("a provider without such an endpoint", func(t *testing.T) {
		delete(p.metadata, "end_session_endpoint")
		if location, ok := p.login(t, nil).EndSession(context.Background(), keptOf("a.b.c", nil), after); ok || location != "" {
			t.Fatalf("got %s", location)
		}
	})
	t.Run("a provider that hangs is not waited for", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		release := make(chan struct{})
		defer close(release)
		p.on(discoveryPath, func(http.ResponseWriter, *http.Request) {
			cancel()
			<-release
		})
		if _, ok := p.login(t, nil).EndSession(ctx, keptOf("a.b.c", nil), after); ok {
			t.Fatal("it knows where to")
		}
	})
}

// Some providers have a place of their own kind to sign out at.
func TestEndSessionAsConfigured(t *testing.T) {
	p := newProvider(t)
	for _, c := range []struct{ name, template, idToken, want string }{
		{"Auth0's", "https://acme.auth0.example/v2/logout?client_id={client_id}&returnTo={redirect_uri}", "a.b.c",
			"https://acme.auth0.example/v2/logout?client_id=sidegate&returnTo=https%3A%2F%2Fapp.example.com%2Fbye"},
		{"with the ID token", "https://sso.example.com/end?t={id_token}&u={logout_hint}", "a.b.c", "https://sso.example.com/end?t=a.b.c&u=ada%26x%3D1"},
		{"without one that is too long", "https://sso.example.com/end?t={id_token}&u={logout_hint}", strings.Repeat("a", 3000), "https://sso.example.com/end?t=&u=ada%26x%3D1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := p.login(t, func(config *oidc.Config) { config.EndSession = c.template })
			got, ok := l.EndSession(context.Background(), keptOf(c.idToken, object{"email": "ada&x=1"}), after)
			if !ok || got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
	if p.count(discoveryPath) != 0 {
		t.Error("the provider was asked")
	}
}
