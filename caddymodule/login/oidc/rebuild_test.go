package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// groups maps the groups to roles.
var groups = mapper(func(person *profile.Person, facts profile.Facts) error {
	list, _ := facts["token"].(map[string]any)["groups"].([]any)
	for _, group := range list {
		person.Roles = append(person.Roles, group.(string))
	}
	return nil
})

// signedIn is a session with a refresh token, and the login that made it.
func signedIn(t *testing.T, p *provider) (*oidc.Login, *sessionstore.Session) {
	t.Helper()
	p.refresh = "refresh-secret"
	l := p.login(t, func(c *oidc.Config) { c.Mapper = groups })
	return l, session(t, p.mustSignIn(t, l))
}

func TestARebuildAsksTheProvider(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	p.info["groups"] = []any{"staff", "admin"}
	for i, want := range []string{"refresh-secret'", "refresh-secret''"} {
		person, err := l.Rebuild(context.Background(), s)
		wantErr(t, err, nil, "")
		if person.Kept.RefreshToken != want || !reflect.DeepEqual(person.Roles, []string{"staff", "admin"}) ||
			person.Email != "ada@example.com" || person.Subject != "ada-1" || person.Issuer != p.URL || person.SourceSession != "sso-1" {
			t.Fatalf("rebuild %d gives %+v", i, person)
		}
		if got := p.form.Get("scope"); got != "" {
			t.Fatalf("a refresh asks for the scope %q", got)
		}
		s = session(t, person)
	}
	if got := p.count("/token"); got != 3 {
		t.Fatalf("the token endpoint was asked %d times", got)
	}
}

func TestARebuildWithoutRefreshTokenMapsTheSameClaims(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, func(c *oidc.Config) { c.Mapper = groups })
	s := session(t, p.mustSignIn(t, l))
	p.Close()
	person, err := l.Rebuild(context.Background(), s)
	wantErr(t, err, nil, "")
	if !reflect.DeepEqual(person.Roles, []string{"staff"}) || person.Email != "ada@example.com" || person.SourceSession != "sso-1" {
		t.Fatalf("got %+v", person)
	}
	if again := session(t, person); again.Kept != s.Kept {
		t.Fatal("what is kept has changed")
	}
}

func TestTheClaimsOfARebuild(t *testing.T) {
	for _, c := range []struct {
		name        string
		first, info object // of the sign-in; groups of userinfo then
		then        object // the new ID token's; nil for none
		userinfo    object
		want        []string
	}{
		{"a new ID token says all, and what it leaves out is gone", object{"groups": []string{"a"}}, nil, object{"email": "ada@example.com", "email_verified": true}, nil, nil},
		{"a new ID token wins over userinfo", object{"groups": []string{"a"}}, nil, object{"email": "ada@example.com", "email_verified": true, "groups": []string{"b"}}, object{"groups": []string{"c"}}, []string{"b"}},
		{"without one, what the first said stays", object{"groups": []string{"a"}}, nil, nil, nil, []string{"a"}},
		{"without one, what a first one that is too long to be kept said stays", object{"groups": []string{"a"}, "padding": strings.Repeat("p", 9000)}, nil, nil, nil, []string{"a"}},
		{"without one, userinfo is newer", object{"groups": []string{"a"}}, nil, nil, object{"groups": []string{"b"}}, []string{"b"}},
		{"without one, a claim that is gone from userinfo is gone", nil, object{"groups": []string{"a"}}, nil, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.claims = with(p.claims, c.first)
			p.info = with(object{"sub": "ada-1"}, c.info)
			l, s := signedIn(t, p)
			p.info = with(object{"sub": "ada-1"}, c.userinfo)
			p.refreshClaims = c.then
			if c.then == nil {
				p.tokens = func(m map[string]any) { delete(m, "id_token") }
			}
			person, err := l.Rebuild(context.Background(), s)
			wantErr(t, err, nil, "")
			if !reflect.DeepEqual(person.Roles, c.want) {
				t.Fatalf("got %v, want %v", person.Roles, c.want)
			}
		})
	}
}

func TestOnlyTheProvidersNoIsANo(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		no     bool
		want   error
	}{
		{"the refresh token is refused", says(400, `{"error":"invalid_grant"}`), true, nil},
		{"our secret is refused", says(401, `{"error":"invalid_client"}`), false, oidc.ErrProvider},
		{"the client may not refresh", says(400, `{"error":"unauthorized_client"}`), false, oidc.ErrProvider},
		{"a refusal without a reason", says(400, ``), false, oidc.ErrProvider},
		{"a firewall", says(403, `<html>invalid_grant`), false, oidc.ErrProvider},
		{"trouble", says(500, `{"error":"invalid_grant"}`), false, oidc.ErrUnavailable},
		{"too many requests", says(429, `{"error":"invalid_grant"}`), false, oidc.ErrUnavailable},
		{"a success that says otherwise", says(200, `{"error":"invalid_grant"}`), false, oidc.ErrProvider},
		{"a connection that breaks", breaks, false, oidc.ErrUnavailable},
		{"an answer that breaks off", breaksOff, false, oidc.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			l, s := signedIn(t, p)
			p.on("/token", c.answer)
			before := p.count("/token")
			_, err := l.Rebuild(context.Background(), s)
			leaksNothing(t, err)
			if err == nil || errors.Is(err, login.ErrRefused) != c.no {
				t.Fatalf("got %v, a definite no: %v", err, !c.no)
			}
			if !c.no {
				wantErr(t, err, c.want, "")
			}
			var rotated *oidc.Rotated
			if errors.As(err, &rotated) {
				t.Fatal("a refresh token came of nothing")
			}
			if got := p.count("/token") - before; got != 1 {
				t.Fatalf("a refresh token that may be good for once was sent %d times", got)
			}
		})
	}
}

func TestANewRefreshTokenIsNeverLost(t *testing.T) {
	refused := &profile.Refused{Why: "require 1"}
	for _, c := range []struct {
		name string
		edit func(p *provider)
		want error
	}{
		{"userinfo is down", func(p *provider) { p.on("/userinfo", says(503, "")) }, oidc.ErrUnavailable},
		{"userinfo tells of somebody else", func(p *provider) { p.info = object{"sub": "eve-1"} }, oidc.ErrProvider},
		{"the new ID token is of somebody else", func(p *provider) { p.refreshClaims = object{"sub": "eve-1"} }, oidc.ErrProvider},
		{"the new ID token is for somebody else", func(p *provider) { p.refreshClaims = object{"aud": "grafana"} }, oidc.ErrAudience},
		{"the new ID token is of another issuer", func(p *provider) { p.refreshClaims = object{"iss": "https://evil.example.com"} }, oidc.ErrProvider},
		{"the new ID token has another nonce", func(p *provider) { p.refreshClaims = object{"nonce": "other"} }, oidc.ErrProvider},
		{"the new ID token has a nonce that is a list", func(p *provider) { p.refreshClaims = object{"nonce": []any{"n"}} }, oidc.ErrProvider},
		{"the new ID token has expired", func(p *provider) { p.refreshClaims = object{"exp": 1} }, oidc.ErrClock},
		{"the new ID token is not signed by the provider", func(p *provider) { p.key = otherKey() }, oidc.ErrProvider},
		{"the new ID token is a number", func(p *provider) { p.tokens = func(m map[string]any) { m["id_token"] = 7 } }, oidc.ErrProvider},
		{"there is no access token", func(p *provider) { p.tokens = func(m map[string]any) { delete(m, "access_token") } }, oidc.ErrProvider},
		{"the address is no longer verified", func(p *provider) {
			p.refreshClaims = object{"email": "ada@example.com", "email_verified": false}
		}, oidc.ErrUnverified},
		{"the mapping refuses", func(p *provider) { p.info["groups"] = []any{"guests"} }, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.refresh = "refresh-secret"
			l := p.login(t, func(o *oidc.Config) {
				o.Mapper = mapper(func(person *profile.Person, facts profile.Facts) error {
					if facts["token"].(map[string]any)["groups"].([]any)[0] == "guests" {
						return refused
					}
					return nil
				})
			})
			before := p.mustSignIn(t, l).Kept
			s := session(t, &profile.Person{Kept: before, Subject: "ada-1"})
			c.edit(p)
			person, err := l.Rebuild(context.Background(), s)
			wantErr(t, err, c.want, "")
			var rotated *oidc.Rotated
			if person != nil || !errors.As(err, &rotated) {
				t.Fatalf("got %v, %v", person, err)
			}
			if rotated.Kept.RefreshToken != "refresh-secret'" || rotated.Kept.IDToken != before.IDToken ||
				!reflect.DeepEqual(rotated.Kept.Facts, before.Facts) {
				t.Fatal("it is not what was kept, with the new refresh token")
			}
			if errors.Is(err, login.ErrRefused) {
				t.Fatal("trouble is a definite no")
			}
		})
	}
}

func TestARefreshTokenThatDoesNotRotateStays(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	p.tokens = func(m map[string]any) { delete(m, "refresh_token") }
	person, err := l.Rebuild(context.Background(), s)
	wantErr(t, err, nil, "")
	if person.Kept.RefreshToken != "refresh-secret" {
		t.Fatal("it is lost")
	}
	t.Run("and there is nothing to write down when the rest fails", func(t *testing.T) {
		p.on("/userinfo", says(503, ""))
		p.refresh = "refresh-secret"
		_, err := l.Rebuild(context.Background(), s)
		wantErr(t, err, oidc.ErrUnavailable, "userinfo")
		var rotated *oidc.Rotated
		if errors.As(err, &rotated) {
			t.Fatal("it is written down all the same")
		}
	})
}

func TestACallerThatGoesAwayInTheMiddleLosesNoRefreshToken(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	ctx, cancel := context.WithCancel(context.Background())
	p.on("/token", func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		reply(w, 200, object{"access_token": "access-secret", "token_type": "Bearer", "refresh_token": "refresh-secret'"})
	})
	_, err := l.Rebuild(ctx, s)
	var rotated *oidc.Rotated
	if !errors.As(err, &rotated) || rotated.Kept.RefreshToken != "refresh-secret'" || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	t.Run("and one that was gone before sends none", func(t *testing.T) {
		before := p.count("/token")
		if _, err := l.Rebuild(ctx, s); !errors.Is(err, context.Canceled) || p.count("/token") != before {
			t.Fatalf("got %v", err)
		}
	})
}

func TestARefreshedIDTokenMayRepeatTheNonce(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil {
		t.Fatal(err)
	}
	p.refreshClaims = with(p.claims, object{"nonce": kept.Facts["token"].(map[string]any)["nonce"]})
	_, err = l.Rebuild(context.Background(), s)
	wantErr(t, err, nil, "")
}

func TestTheProvidersSessionStaysKnown(t *testing.T) {
	p := newProvider(t)
	l, s := signedIn(t, p)
	p.refreshClaims = with(p.claims, object{"sid": absent})
	person, err := l.Rebuild(context.Background(), s)
	wantErr(t, err, nil, "")
	if person.SourceSession != "sso-1" {
		t.Fatalf("it is now %q", person.SourceSession)
	}
}

func TestASessionThatKeepsNothingCannotBeRebuilt(t *testing.T) {
	l := newProvider(t).login(t, nil)
	for name, kept := range map[string]string{
		"nothing": "", "no claims": `{"refresh_token":"refresh-secret"}`, "no subject": `{"facts":{"token":{}}}`, "nonsense": "{",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.Rebuild(context.Background(), &sessionstore.Session{Kept: kept})
			if err == nil || errors.Is(err, login.ErrRefused) || errors.Is(err, login.ErrUnknown) {
				t.Fatalf("got %v", err)
			}
			leaksNothing(t, err)
		})
	}
}

// A subject is one of its issuer, and a refresh token is for nobody else to see.
func TestWhomAnotherProviderHasSignedInIsNotVouchedFor(t *testing.T) {
	_, s := signedIn(t, newProvider(t))
	p := newProvider(t)
	l := p.login(t, nil)
	_, err := l.Rebuild(context.Background(), s)
	_, _, recallErr := l.Recall(s)
	for _, err := range []error{err, recallErr} {
		if _, refused := errors.AsType[*profile.Refused](err); !refused {
			t.Errorf("got %v", err)
		}
	}
	if got := p.count("/token"); got != 0 {
		t.Errorf("it was shown the refresh token of the other %d times", got)
	}
}
