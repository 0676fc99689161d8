package oidc_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	posted := url.Values{"client_id": {clientID}, "id_token_hint": {long}, "post_logout_redirect_uri": {after}}
	for _, c := range []struct {
		name     string
		kept     *profile.Kept
		redirect string
		want     url.Values
		posts    url.Values
	}{
		{"with the ID token and a way back", keptOf("a.b.c", ada), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "id_token_hint": {"a.b.c"}, "post_logout_redirect_uri": {after},
		}, nil},
		{"without either", nil, "", url.Values{"tenant": {"acme"}, "client_id": {clientID}}, nil},
		{"with an ID token that is too long, who it is", keptOf(long, ada), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "logout_hint": {"ada"}, "post_logout_redirect_uri": {after},
		}, posted},
		{"who it is, as the provider says to call them", keptOf(long, with(ada, object{"login_hint": "O.CiQ"})), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "logout_hint": {"O.CiQ"}, "post_logout_redirect_uri": {after},
		}, posted},
		{"with a name that is too long too, neither", keptOf(long, object{"email": long}), after, url.Values{
			"tenant": {"acme"}, "client_id": {clientID}, "post_logout_redirect_uri": {after},
		}, posted},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, ok := p.login(t, nil).EndSession(context.Background(), c.kept, c.redirect)
			if want := p.URL + "/end?" + c.want.Encode(); !ok || end.Location != want || len(end.Location) >= 2000 {
				t.Fatalf("got  %s, %v\nwant %s", end.Location, ok, want)
			}
			if !maps.EqualFunc(end.Form, c.posts, slices.Equal) || (end.PostTo == p.URL+"/end?tenant=acme") != (c.posts != nil) {
				t.Errorf("it posts %v to %q", end.Form, end.PostTo)
			}
		})
	}
	t.Run("a provider without such an endpoint", func(t *testing.T) {
		delete(p.metadata, "end_session_endpoint")
		if end, ok := p.login(t, nil).EndSession(context.Background(), keptOf("a.b.c", nil), after); ok || end.Location != "" {
			t.Fatalf("got %s", end.Location)
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
	long, both := strings.Repeat("a", 3000), "https://sso.example.com/end?t={id_token}&u={logout_hint}"
	for _, c := range []struct{ name, template, idToken, person, want string }{
		{"Auth0's", "https://acme.auth0.example/v2/logout?client_id={client_id}&returnTo={redirect_uri}", "a.b.c", "ada&x=1",
			"https://acme.auth0.example/v2/logout?client_id=sidegate&returnTo=https%3A%2F%2Fapp.example.com%2Fbye"},
		{"with the ID token", both, "a.b.c", "ada&x=1", "https://sso.example.com/end?t=a.b.c&u=ada%26x%3D1"},
		{"without an ID token that is too long", both, long, "ada&x=1", "https://sso.example.com/end?t=&u=ada%26x%3D1"},
		{"without a name that is too long", both, "a.b.c", long, "https://sso.example.com/end?t=a.b.c&u="},
		{"without a name, rather than without an ID token, where there is no room for both", both, long[:1900], long[:200], "https://sso.example.com/end?t=" + long[:1900] + "&u="},
		{"without either that is too long", both, long, long, "https://sso.example.com/end?t=&u="},
		{"a name alone that is too long", "https://sso.example.com/end?u={logout_hint}", "a.b.c", long, "https://sso.example.com/end?u="},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told []string
			l := p.login(t, func(config *oidc.Config) {
				config.EndSession, config.Notice = c.template, func(err error) { told = append(told, err.Error()) }
			})
			for range 2 {
				got, ok := l.EndSession(context.Background(), keptOf(c.idToken, object{"email": c.person}), after)
				if !ok || got.Location != c.want || got.PostTo != "" || len(got.Location) >= 2000 {
					t.Errorf("got %+v", got)
				}
			}
			if cut := strings.Contains(c.name, "out ") || strings.Contains(c.name, "too long"); len(told) != map[bool]int{true: 1}[cut] {
				t.Errorf("it is told %q", told)
			}
		})
	}
	if p.count(discoveryPath) != 0 {
		t.Error("the provider was asked")
	}
}
