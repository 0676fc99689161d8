package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"example.com/sidegate/deploy/providertest/provider"
)

func TestAuthorizationRequests(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	answer := func(t *testing.T, v *provider.Visitor, options ...oauth2.AuthCodeOption) url.Values {
		t.Helper()
		return a.visit(v, a.begin(options...))
	}
	with := oauth2.SetAuthURLParam
	t.Run("without PKCE one is refused", func(t *testing.T) {
		v := provider.NewVisitor(ada)
		page, err := v.Visit(a.oauth.AuthCodeURL("s"))
		if err != nil || page.URL.Query().Get("error") != "invalid_request" {
			t.Errorf("%v %v", page.URL, err)
		}
	})
	t.Run("plain PKCE is refused", func(t *testing.T) {
		page, err := provider.NewVisitor(ada).Visit(a.oauth.AuthCodeURL("s", with("code_challenge", "x"), with("code_challenge_method", "plain")))
		if err != nil || page.URL.Query().Get("error") != "invalid_request" {
			t.Errorf("%v %v", page.URL, err)
		}
	})
	t.Run("form_post, which could not carry iss, is refused", func(t *testing.T) {
		at := a.begin()
		page, err := provider.NewVisitor(ada).Visit(at.url + "&response_mode=form_post")
		if err != nil || !strings.Contains(page.URL.RawQuery+page.Body, "invalid_request") {
			t.Errorf("%v %v %s", page.URL, err, page.Body)
		}
	})
	t.Run("another redirect URI is not redirected to", func(t *testing.T) {
		at := a.begin(with("redirect_uri", a.server.URL+"/callback/"))
		page, err := provider.NewVisitor(ada).Visit(at.url)
		if err != nil || page.Status != http.StatusBadRequest || !strings.HasPrefix(page.URL.String(), p.Issuer()) {
			t.Errorf("%v %v", page.URL, err)
		}
	})
	t.Run("who refuses is sent back with access_denied", func(t *testing.T) {
		if got := answer(t, provider.NewVisitor("")); got.Get("error") != "access_denied" || got.Get("state") == "" || got.Get("iss") != p.Issuer() {
			t.Errorf("the answer is %v", got)
		}
	})
	t.Run("prompt=none without a session is login_required", func(t *testing.T) {
		if got := answer(t, provider.NewVisitor(ada), with("prompt", "none")); got.Get("error") != "login_required" {
			t.Errorf("the answer is %v", got)
		}
	})
	t.Run("who has a session is not asked again, unless prompt or max_age want it", func(t *testing.T) {
		v := provider.NewVisitor(ada)
		first := a.signIn(v)
		v.Email = "grace@example.com" // who would be clicked if there were a page
		again := a.signIn(v)
		if one, other := sidOf(a, first), sidOf(a, again); one != other {
			t.Errorf("sid %v, then %v", one, other)
		}
		for _, wants := range []oauth2.AuthCodeOption{with("prompt", "login"), with("prompt", "select_account"), with("max_age", "0")} {
			page, err := v.Open(a.begin(wants).url)
			if err != nil || !page.AsksWho() {
				t.Errorf("%v was not asked: %v", wants, err)
			}
		}
		page, err := v.Open(a.begin(with("max_age", "3600")).url)
		if err != nil || page.AsksWho() {
			t.Errorf("was asked: %v", err)
		}
	})
	t.Run("the class that was asked for is claimed, and the request remembered", func(t *testing.T) {
		at := a.begin(with("acr_values", "gold silver"), with("consent_text", "x"))
		code := a.visit(provider.NewVisitor(ada), at).Get("code")
		token, err := a.oauth.Exchange(a.ctx, code, oauth2.VerifierOption(at.verifier))
		if err != nil {
			t.Fatal(err)
		}
		if _, claims := a.claims(token); claims["acr"] != "gold" || claims["auth_time"] == nil {
			t.Errorf("claims %v", claims)
		}
		asked := p.Asked()
		if last := asked[len(asked)-1]; last.Get("acr_values") != "gold silver" || last.Get("consent_text") != "x" {
			t.Errorf("the last request is %v", last)
		}
	})
}

func sidOf(a *app, token *oauth2.Token) any {
	_, claims := a.claims(token)
	return claims["sid"]
}

func TestResponseIssuer(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{Path: "/realms/acme"})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	for _, c := range []struct {
		name, iss string
		flagged   any
	}{
		{"it is the issuer at the start", p.Issuer(), true},
		{"it may be wrong, for mix-ups", "https://evil.example.com", true},
		{"it may be off, as at providers before RFC 9207", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.SetResponseIssuer(c.iss)
			got := a.visit(provider.NewVisitor(ada), a.begin())
			if got.Get("iss") != c.iss || got.Has("iss") != (c.iss != "") || got.Get("code") == "" {
				t.Errorf("the answer is %v", got)
			}
			page, err := provider.NewVisitor(ada).Open(p.Issuer() + "/.well-known/openid-configuration")
			if err != nil {
				t.Fatal(err)
			}
			var metadata map[string]any
			if err := json.Unmarshal([]byte(page.Body), &metadata); err != nil {
				t.Fatal(err)
			}
			if metadata["issuer"] != p.Issuer() || metadata["authorization_response_iss_parameter_supported"] != c.flagged {
				t.Errorf("the metadata are %v", metadata)
			}
		})
	}
}
