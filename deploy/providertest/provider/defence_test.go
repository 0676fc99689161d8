package provider_test

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/deploy/providertest/provider"
)

// A client knows the sid of its people. It must not open their session.
func TestTheSIDIsNoCookie(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Algorithm: "ES256"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	v := provider.NewVisitor(ada)
	sid := sidOf(a, a.signIn(v)).(string)
	at, err := url.Parse(p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	own := v.Client.Jar.Cookies(at)
	if len(own) != 1 {
		t.Fatalf("cookies %v", own)
	}
	for value, want := range map[string]bool{own[0].Value: false, sid: true, "": true} {
		thief := provider.NewVisitor(ada)
		thief.Client.Jar, _ = cookiejar.New(nil)
		thief.Client.Jar.SetCookies(at, []*http.Cookie{{Name: own[0].Name, Value: value}})
		if page, err := thief.Open(a.begin().url); err != nil || page.AsksWho() != want {
			t.Errorf("with %q it was asked: %v, %v", value, page.AsksWho(), err)
		}
	}
}

// Cookies do not know of ports: a browser with two providers on one host must
// not lose one session for the other.
func TestTwoProvidersDoNotShareACookie(t *testing.T) {
	t.Parallel()
	one, other := start(t, provider.Config{Algorithm: "ES256"}), start(t, provider.Config{Algorithm: "ES256"})
	a, b := register(t, one, provider.Client{ID: "shop", Secret: "1"}), register(t, other, provider.Client{ID: "shop", Secret: "1"})
	v := provider.NewVisitor(ada)
	a.signIn(v)
	b.signIn(v)
	for _, c := range []*app{a, b} {
		if page, err := v.Open(c.begin().url); err != nil || page.AsksWho() {
			t.Errorf("the session at %s is lost: %v", c.p.Issuer(), err)
		}
	}
}

func TestALogoutTokenFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Algorithm: "ES256"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	elsewhere := httptest.NewServer(http.RedirectHandler(a.server.URL+"/logout", http.StatusTemporaryRedirect))
	t.Cleanup(elsewhere.Close)
	a.client.BackChannelLogoutURI = elsewhere.URL
	p.SetClient(a.client)
	status, _, err := p.SendLogout(t.Context(), "shop", "token")
	if err != nil || status != http.StatusTemporaryRedirect || len(a.logouts) != 0 {
		t.Errorf("%d %v, %d delivered", status, err, len(a.logouts))
	}
}

// The page may send its form on to any app, and do nothing else.
func TestThePolicyOfThePage(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Algorithm: "ES256"})
	a := register(t, p, provider.Client{ID: "<shop>", Secret: "1"})
	page, err := provider.NewVisitor(ada).Open(a.begin().url)
	if err != nil || !page.AsksWho() {
		t.Fatal(err)
	}
	policy := page.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "form-action") {
		t.Errorf("the policy is %q", policy)
	}
	if strings.Contains(page.Body, "<shop>") {
		t.Error("names are not escaped")
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Algorithm: "ES256"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	p.SetClient(provider.Client{ID: "desk", Secret: "2"})
	p.SetClient(provider.Client{ID: "public"})
	token := a.signIn(provider.NewVisitor(ada)).AccessToken
	for _, c := range []struct {
		name, client, secret, token string
		status                      int
		active                      any
	}{
		{"tells the client of its own token", "shop", "1", token, 200, true},
		{"tells no other client", "desk", "2", token, 200, false},
		{"knows no other token", "shop", "1", "x", 200, false},
		{"is shut to a wrong secret", "shop", "2", token, 401, nil},
		{"is shut to a public client, whose empty secret is no secret", "public", "", token, 401, nil},
		{"is shut to no client", "nobody", "", token, 401, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequest(http.MethodPost, p.Issuer()+"/oauth/introspect", strings.NewReader(url.Values{"token": {c.token}}.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.SetBasicAuth(c.client, c.secret)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var answer map[string]any
			_ = json.NewDecoder(resp.Body).Decode(&answer) // refusals are no JSON
			if resp.StatusCode != c.status || answer["active"] != c.active {
				t.Errorf("%d %v", resp.StatusCode, answer)
			}
			if c.active == true && (answer["email"] != ada || answer["client_id"] != "shop") {
				t.Errorf("it tells %v", answer)
			}
		})
	}
}

// A visit ends even where a provider never lets anybody in.
func TestAVisitEnds(t *testing.T) {
	t.Parallel()
	again := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<form id="openid-sign-in"><input name="id" value="1">`))
	}))
	t.Cleanup(again.Close)
	if _, err := provider.NewVisitor(ada).Visit(again.URL); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("%v", err)
	}
}
