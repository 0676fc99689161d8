package oidc_test

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

func TestEmailAddresses(t *testing.T) {
	email := func(address string) mapper {
		return func(p *profile.Person, _ profile.Facts) error { p.Email = address; return nil }
	}
	for _, c := range []struct {
		name       string
		token, all object // all is userinfo
		trust      bool
		mapper     oidc.Mapper
		want       error
		email      string
	}{
		{"a verified one", object{"email": "ada@example.com", "email_verified": true}, nil, false, nil, nil, "ada@example.com"},
		{"one that is verified in words", object{"email": "ada@example.com", "email_verified": "true"}, nil, false, nil, nil, "ada@example.com"},
		{"one that is not verified", object{"email": "ada@example.com", "email_verified": false}, nil, false, nil, oidc.ErrUnverified, ""},
		{"one that is not verified, in words", object{"email": "ada@example.com", "email_verified": "false"}, nil, false, nil, oidc.ErrUnverified, ""},
		{"one that is verified by the number 1", object{"email": "ada@example.com", "email_verified": 1}, nil, false, nil, oidc.ErrUnverified, ""},
		{"one of which nothing is said", object{"email": "ada@example.com"}, nil, false, nil, oidc.ErrUnvouched, ""},
		{"one of which nothing is said, where that is trusted", object{"email": "ada@example.com"}, nil, true, nil, nil, "ada@example.com"},
		{"one that is not verified, where that is trusted", object{"email": "ada@example.com", "email_verified": false}, nil, true, nil, nil, "ada@example.com"},
		{"none", nil, nil, false, nil, oidc.ErrNoEmail, ""},
		{"none, where unverified ones are trusted", nil, nil, true, nil, oidc.ErrNoEmail, ""},
		{"one that is a list", object{"email": []string{"ada@example.com"}, "email_verified": true}, nil, false, nil, oidc.ErrNoEmail, ""},
		{"none, but a mapping that has one", nil, nil, false, email("ada@corp.example.com"), nil, "ada@corp.example.com"},
		{"an unverified one, but a mapping that has another", object{"email": "eve@example.com"}, nil, false, email("ada@corp.example.com"), nil, "ada@corp.example.com"},
		{"an unverified one by way of the mapping", object{"email": "ada@example.com"}, nil, false, email("ada@example.com"), oidc.ErrUnvouched, ""},
		{"an unverified one by way of the mapping, in capitals", object{"email": "ada@example.com"}, nil, false, email(" ADA@Example.com"), oidc.ErrUnvouched, ""},
		{"an unverified one that is none, by way of the mapping", object{"email": "Ada Lovelace"}, nil, false, email("ada lovelace"), oidc.ErrUnvouched, ""},
		{"a verified one that the mapping takes away", object{"email": "ada@example.com", "email_verified": true}, nil, false, email(""), oidc.ErrNoEmail, ""},
		{"a verified one of userinfo", nil, object{"email": "ada@example.com", "email_verified": true}, false, nil, nil, "ada@example.com"},
		{"one that only userinfo says is verified", object{"email": "ada@example.com"}, object{"email": "ada@example.com", "email_verified": true}, false, nil, nil, "ada@example.com"},
		{"one that userinfo says is verified, in other letters", object{"email": "ada@example.com"}, object{"email": "ADA@Example.com", "email_verified": true}, false, nil, nil, "ada@example.com"},
		{"one in capitals that only userinfo says is verified", object{"email": "Ada@EXAMPLE.com"}, object{"email": "ada@example.com", "email_verified": true}, false, nil, nil, "Ada@EXAMPLE.com"},
		{"a word of userinfo about another address", object{"email": "ada@example.com"}, object{"email": "eve@example.com", "email_verified": true}, false, nil, oidc.ErrUnvouched, ""},
		{"a word of userinfo about no address", object{"email": "ada@example.com"}, object{"email_verified": true}, false, nil, oidc.ErrUnvouched, ""},
		{"a word of the ID token about no address", object{"email_verified": true}, object{"email": "eve@example.com"}, false, nil, oidc.ErrUnvouched, ""},
		{"an ID token that denies what userinfo says", object{"email": "ada@example.com", "email_verified": false}, object{"email": "ada@example.com", "email_verified": true}, false, nil, oidc.ErrUnverified, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.claims, p.info = with(object{}, c.token), with(object{"sub": "ada-1"}, c.all)
			person, err := p.signIn(t, p.login(t, func(o *oidc.Config) { o.TrustUnverifiedEmail, o.Mapper = c.trust, c.mapper }), nil)
			wantErr(t, err, c.want, "")
			if err == nil && person.Email != c.email {
				t.Fatalf("the address is %q, want %q", person.Email, c.email)
			}
		})
	}
}

// Nobody needs a name to sign in.
func TestANameThatNoSessionTakesIsTidied(t *testing.T) {
	for name, c := range map[string]struct{ is, want string }{
		"a line break":                   {"Ada\r\nLovelace", "Ada Lovelace"},
		"control characters":             {"\x00Ada\x07Lovelace\u2028", "Ada Lovelace"},
		"more than 512 bytes":            {strings.Repeat("a", 511) + "üb", strings.Repeat("a", 511)},
		"a name":                         {"Ada King, Countess of Lovelace", "Ada King, Countess of Lovelace"},
		"nothing but control characters": {"\n\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.claims["name"] = c.is
			if person := p.mustSignIn(t, p.login(t, nil)); person.Name != c.want {
				t.Errorf("%q", person.Name)
			}
		})
	}
}

// Who is to mend it has to know what came.
func TestWhyAnAddressDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		token, info object
		says        string
	}{
		"a number":                      {object{"email_verified": 1}, nil, "its email_verified is the number 1, and true alone"},
		"a word in capitals":            {object{"email_verified": "True"}, nil, `its email_verified is the text "True", and true alone`},
		"a list":                        {object{"email_verified": []bool{true}}, nil, "its email_verified is a list"},
		"a no":                          {object{"email_verified": false}, nil, "it says so by email_verified"},
		"nothing":                       {nil, nil, "email_verified is not among its claims"},
		"a word about another address":  {nil, object{"email": "eve@example.com", "email_verified": true}, "the email_verified of userinfo is about another address"},
		"a word about none":             {nil, object{"email_verified": true}, "the email_verified of userinfo is about another address"},
		"a word about a former address": {object{"email": absent, "email_verified": true}, object{"email": "ada@example.com"}, "the email_verified of the ID token is about another address"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			delete(p.claims, "email_verified")
			p.claims, p.info = with(p.claims, c.token), with(p.info, c.info)
			p.refresh = "refresh-secret"
			_, err := p.signIn(t, p.login(t, nil), nil)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it is told %v, want %q", err, c.says)
			}
			trusting := p.login(t, func(config *oidc.Config) { config.TrustUnverifiedEmail = true })
			s := session(t, p.mustSignIn(t, trusting))
			_, err = p.login(t, nil).Rebuild(context.Background(), s)
			if err == nil || !profile.IsUnmapped(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("built anew, it is told %v, want %q", err, c.says)
			}
		})
	}
}

func TestNoExpressionSeesAnUnverifiedAddressAsThePersons(t *testing.T) {
	p := newProvider(t)
	p.claims["email_verified"] = false
	seen := "nothing"
	_, err := p.signIn(t, p.login(t, func(c *oidc.Config) {
		c.Mapper = mapper(func(person *profile.Person, _ profile.Facts) error { seen = person.Email; return nil })
	}), nil)
	wantErr(t, err, oidc.ErrUnverified, "trust_unverified_email")
	if seen != "" {
		t.Fatalf("the mapping saw %q", seen)
	}
}

func TestTheIDTokenWinsOverUserInfo(t *testing.T) {
	p := newProvider(t)
	p.info = object{"sub": "ada-1", "name": "Augusta", "groups": []any{"staff"}, "iss": "https://evil.example.com"}
	person := p.mustSignIn(t, p.login(t, nil))
	token := person.Kept.Facts["token"].(map[string]any)
	if person.Name != "Ada" || token["iss"] != p.URL || !reflect.DeepEqual(token["groups"], []any{"staff"}) {
		t.Fatalf("got %v", token)
	}
}

func TestWhatUserInfoMaySay(t *testing.T) {
	signedAs := func(p *provider, claims object) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
			w.Write([]byte(p.sign(p.header, claims)))
		}
	}
	for _, c := range []struct {
		name   string
		answer func(*provider) http.HandlerFunc
		want   error
		says   string
	}{
		{"another subject", func(*provider) http.HandlerFunc { return says(200, `{"sub":"eve-1"}`) }, oidc.ErrProvider, "another subject"},
		{"a subject in other letters", func(*provider) http.HandlerFunc { return says(200, `{"sub":"ADA-1"}`) }, oidc.ErrProvider, "in upper and lower case alone"},
		{"no subject", func(*provider) http.HandlerFunc { return says(200, `{}`) }, oidc.ErrProvider, "without sub"},
		{"a subject that is a number", func(*provider) http.HandlerFunc { return says(200, `{"sub":7}`) }, oidc.ErrProvider, "a sub that is a number"},
		{"an empty subject", func(*provider) http.HandlerFunc { return says(200, `{"sub":""}`) }, oidc.ErrProvider, "an empty text"},
		{"two subjects", func(*provider) http.HandlerFunc { return says(200, `{"sub":"eve-1","sub":"ada-1"}`) }, oidc.ErrProvider, "twice"},
		{"a list", func(*provider) http.HandlerFunc { return says(200, `["ada-1"]`) }, oidc.ErrProvider, "not a JSON object"},
		{"a page", func(*provider) http.HandlerFunc { return says(200, `<html>`) }, oidc.ErrProvider, "not JSON"},
		{"that the access token is none", func(*provider) http.HandlerFunc { return says(401, ``) }, oidc.ErrProvider, "status 401"},
		{"that it is in trouble", func(*provider) http.HandlerFunc { return says(503, ``) }, oidc.ErrUnavailable, "status 503"},
		{"signed claims", func(p *provider) http.HandlerFunc {
			return signedAs(p, object{"sub": "ada-1", "iss": p.URL, "aud": clientID})
		}, nil, ""},
		{"signed claims without iss and aud", func(p *provider) http.HandlerFunc { return signedAs(p, object{"sub": "ada-1"}) }, nil, ""},
		{"signed claims of another issuer", func(p *provider) http.HandlerFunc {
			return signedAs(p, object{"sub": "ada-1", "iss": "https://evil.example.com"})
		}, oidc.ErrProvider, `is of the issuer "https://evil.example.com", and the configured one is`},
		{"signed claims for another client", func(p *provider) http.HandlerFunc {
			return signedAs(p, object{"sub": "ada-1", "aud": "grafana"})
		}, oidc.ErrProvider, "another client"},
		{"claims with a signature of somebody else", func(p *provider) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/jwt")
				w.Write([]byte(compact(`{"alg":"ES256","kid":"ec"}`, `{"sub":"ada-1"}`, "ES256", otherKey())))
			}
		}, oidc.ErrProvider, "key did not make"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.on("/userinfo", c.answer(p))
			_, err := p.signIn(t, p.login(t, nil), nil)
			wantErr(t, err, c.want, c.says)
			// What is said of somebody else vouches for nothing; the rest may pass.
			about := slices.Contains([]string{"another subject", "without sub", "a sub that is a number", "an empty text", "in upper and lower case alone"}, c.says)
			if unmapped := profile.IsUnmapped(err); unmapped != about {
				t.Errorf("counts as an answer that cannot be mapped: %t", unmapped)
			}
		})
	}
	t.Run("nothing, because it has no such endpoint", func(t *testing.T) {
		p := newProvider(t)
		delete(p.metadata, "userinfo_endpoint")
		p.mustSignIn(t, p.login(t, nil))
		if p.count("/userinfo") != 0 {
			t.Fatal("it was asked")
		}
	})
}
