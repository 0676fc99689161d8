package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"example.com/sidegate/deploy/providertest/provider"
)

func TestSigningIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		config provider.Config
		client provider.Client
		style  oauth2.AuthStyle
	}{
		{"with client_secret_basic", provider.Config{}, provider.Client{ID: "shop", Secret: "s3 &%+cret"}, oauth2.AuthStyleInHeader},
		{"with client_secret_post", provider.Config{}, provider.Client{ID: "shop", Secret: "s3 &%+cret"}, oauth2.AuthStyleInParams},
		{"as a public client", provider.Config{}, provider.Client{ID: "shop"}, oauth2.AuthStyleInParams},
		{"below a path, with ES256", provider.Config{Path: "/realms/acme", Algorithm: "ES256"}, provider.Client{ID: "shop"}, oauth2.AuthStyleInParams},
		{"over TLS, with EdDSA", provider.Config{TLS: true, Algorithm: "EdDSA"}, provider.Client{ID: "shop"}, oauth2.AuthStyleInParams},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, c.config)
			a := register(t, p, c.client)
			a.oauth.Endpoint.AuthStyle = c.style
			v := provider.NewVisitor(ada)
			v.Client.Transport = trusting(p).Transport
			token := a.signIn(v)
			id, claims := a.claims(token)
			if id.Subject != adaSub || claims["email"] != ada || claims["email_verified"] != true || claims["name"] != "Ada" {
				t.Errorf("the ID token says %v", claims)
			}
			sids := p.Sessions(adaSub)
			if len(sids) != 1 || claims["sid"] != sids[0] {
				t.Errorf("sid %v, of sessions %v", claims["sid"], sids)
			}
			if c, ok := claims["realm_access"].(map[string]any); !ok || len(c["roles"].([]any)) != 2 || claims["uid"] != 1001.0 {
				t.Errorf("the ID token says %v", claims)
			}
			if status, claims := a.userInfo(token); status != http.StatusOK || claims["sub"] != adaSub || claims["email"] != ada {
				t.Errorf("userinfo says %d %v", status, claims)
			}
			for e, want := range map[provider.Endpoint]int{
				provider.Discovery: 1, provider.Keys: 1, provider.Authorization: 1, provider.Token: 1,
				provider.Refresh: 0, provider.UserInfo: 1,
			} {
				if got := p.At(e).Count(); got != want {
					t.Errorf("%s was asked %d times, want %d", e, got, want)
				}
			}
		})
	}
}

// postToken asks the token endpoint by hand.
func postToken(t *testing.T, p *provider.Provider, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	resp, err := http.PostForm(p.Issuer()+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return resp.StatusCode, answer
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a := register(t, p, provider.Client{ID: "shop", PublicKey: &key.PublicKey})
	assertion := func(key *ecdsa.PrivateKey, aud string) string {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
			"iss": "shop", "sub": "shop", "aud": []string{aud, p.Issuer() + "/oauth/token"}, "jti": "1",
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		})
		token.Header["kid"] = "any"
		raw, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		name      string
		assertion string
		want      int
	}{
		{"its key opens", assertion(key, p.Issuer()), http.StatusOK},
		{"another key does not", assertion(other, p.Issuer()), http.StatusBadRequest},
		{"an assertion for somebody else does not", assertion(key, "https://other.example.com"), http.StatusBadRequest},
		{"no assertion does not", "", http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := a.begin()
			form := url.Values{
				"grant_type": {"authorization_code"}, "code": {a.visit(provider.NewVisitor(ada), at).Get("code")},
				"redirect_uri": {a.oauth.RedirectURL}, "code_verifier": {at.verifier},
			}
			if c.assertion != "" {
				form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				form.Set("client_assertion", c.assertion)
			} else {
				form.Set("client_id", "shop")
			}
			if status, answer := postToken(t, p, form); status != c.want {
				t.Errorf("%d %v, want %d", status, answer, c.want)
			}
		})
	}
	t.Run("an assertion is no grant", func(t *testing.T) {
		status, answer := postToken(t, p, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion(key, p.Issuer())}, "scope": {"openid"},
		})
		if status != http.StatusBadRequest || answer["access_token"] != nil {
			t.Errorf("%d %v", status, answer)
		}
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a, b := register(t, p, provider.Client{ID: "shop", Secret: "1"}), register(t, p, provider.Client{ID: "desk", Secret: "2"})
	redeem := func(t *testing.T, by *app, change func(*attempt, url.Values)) error {
		t.Helper()
		at := a.begin()
		answer := a.visit(provider.NewVisitor(ada), at)
		change(&at, answer)
		_, err := by.oauth.Exchange(by.ctx, answer.Get("code"), oauth2.VerifierOption(at.verifier))
		return err
	}
	t.Run("a code is of the client that asked for it", func(t *testing.T) {
		wantOAuthError(t, redeem(t, b, func(*attempt, url.Values) {}), "invalid_grant")
	})
	t.Run("a code needs its verifier", func(t *testing.T) {
		wantOAuthError(t, redeem(t, a, func(at *attempt, _ url.Values) { at.verifier = oauth2.GenerateVerifier() }), "invalid_grant")
	})
	t.Run("a made-up code is worth nothing", func(t *testing.T) {
		wantOAuthError(t, redeem(t, a, func(_ *attempt, answer url.Values) { answer.Set("code", "x") }), "invalid_grant")
	})
	t.Run("a code ends with its session", func(t *testing.T) {
		wantOAuthError(t, redeem(t, a, func(*attempt, url.Values) { p.SignOutEverywhere(t.Context(), adaSub) }), "invalid_grant")
	})
	t.Run("a code that comes again ends what it gave", func(t *testing.T) {
		at := a.begin()
		code := a.visit(provider.NewVisitor(ada), at).Get("code")
		token, err := a.oauth.Exchange(a.ctx, code, oauth2.VerifierOption(at.verifier))
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.oauth.Exchange(a.ctx, code, oauth2.VerifierOption(at.verifier))
		wantOAuthError(t, err, "invalid_grant")
		_, err = a.refresh(token.RefreshToken)
		wantOAuthError(t, err, "invalid_grant")
		if got := p.Tally().CodeReuses; got != 1 {
			t.Errorf("%d reuses of codes", got)
		}
	})
}

func TestPeople(t *testing.T) {
	t.Parallel()
	p := start(t, provider.Config{})
	a := register(t, p, provider.Client{ID: "shop", Secret: "1"})
	t.Run("an address that is not verified is said to be so, not left out", func(t *testing.T) {
		if _, claims := a.claims(a.signIn(provider.NewVisitor("grace@example.com"))); claims["email_verified"] != false {
			t.Errorf("claims %v", claims)
		}
	})
	t.Run("a claim may be absent, or of an odd type", func(t *testing.T) {
		p.SetPerson(provider.Person{Subject: "x", Email: "x@example.com", Claims: map[string]any{"email_verified": nil, "uid": "7"}})
		if _, claims := a.claims(a.signIn(provider.NewVisitor("x@example.com"))); claims["uid"] != "7" || hasKey(claims, "email_verified") {
			t.Errorf("claims %v", claims)
		}
	})
	t.Run("a stranger does not get in", func(t *testing.T) {
		page, err := provider.NewVisitor("stranger@example.com").Visit(a.begin().url)
		if err != nil || page.Status != http.StatusUnauthorized {
			t.Errorf("%v %v", page, err)
		}
	})
	t.Run("a client may have to ask userinfo for the claims", func(t *testing.T) {
		b := register(t, p, provider.Client{ID: "desk", Secret: "2", ClaimsOnlyInUserInfo: true})
		token := b.signIn(provider.NewVisitor(ada))
		if _, claims := b.claims(token); hasKey(claims, "email") || hasKey(claims, "groups") || claims["sid"] == nil {
			t.Errorf("the ID token says %v", claims)
		}
		if status, claims := b.userInfo(token); status != http.StatusOK || claims["email"] != ada || claims["groups"] == nil {
			t.Errorf("userinfo says %d %v", status, claims)
		}
	})
	t.Run("who was removed is not in userinfo either", func(t *testing.T) {
		token := a.signIn(provider.NewVisitor("linus@example.com"))
		p.RemovePerson("f3a1c0de-0003")
		if status, claims := a.userInfo(token); status != http.StatusForbidden {
			t.Errorf("userinfo says %d %v", status, claims)
		}
	})
}

func hasKey(claims map[string]any, name string) bool {
	_, ok := claims[name]
	return ok
}
