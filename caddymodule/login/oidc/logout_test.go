package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestLogoutTokens(t *testing.T) {
	start := newClock().Now().Unix()
	event := func(value any) object {
		return object{"events": object{"http://schemas.openid.net/event/backchannel-logout": value}}
	}
	for _, c := range []struct {
		name   string
		header object
		claims object
		says   string // why it is refused; empty when it is good
	}{
		{"as it should be", nil, nil, ""},
		{"with sid alone", nil, object{"sub": absent}, ""},
		{"with sub alone", nil, object{"sid": absent}, ""},
		{"with neither", nil, object{"sub": absent, "sid": absent}, "neither sub nor sid"},
		{"with an empty sid and no sub", nil, object{"sub": absent, "sid": ""}, "sid"},
		{"with a sid that is a number", nil, object{"sid": 7}, ""},
		{"with an empty sid, which is none", nil, object{"sid": ""}, ""},
		{"with a sid that is a list", nil, object{"sid": []int{7}}, "has a sid that is a list"},
		{"with a sid of 256 bytes", nil, object{"sid": strings.Repeat("s", 256)}, "longer than 255 bytes"},
		{"of the general type", object{"typ": "JWT"}, nil, ""},
		{"without type", object{"typ": absent}, nil, ""},
		{"of its type, written in full", object{"typ": "application/logout+jwt"}, nil, ""},
		{"of an access token's type", object{"typ": "at+jwt"}, nil, "another type"},
		{"with alg none", object{"alg": "none"}, nil, "algorithm"},
		{"with HMAC", object{"alg": "HS256"}, nil, "algorithm"},
		{"with an unknown key", object{"kid": "x"}, nil, "not in the provider's key set"},
		{"of another issuer", nil, object{"iss": "https://evil.example.com"}, `is of the issuer "https://evil.example.com"`},
		{"for another client", nil, object{"aud": "grafana"}, "aud"},
		{"for several clients", nil, object{"aud": []string{clientID, "grafana"}}, ""},
		{"without exp", nil, object{"exp": absent}, "exp"},
		{"that has expired", nil, object{"exp": start}, "expired"},
		{"without iat", nil, object{"iat": absent}, "iat"},
		{"of the future", nil, object{"iat": start + 301}, "future"},
		{"of the day before", nil, object{"iat": start - 86400}, "older than a day"},
		{"without events", nil, object{"events": absent}, "event"},
		{"with another event", nil, object{"events": object{"https://example.com/other": object{}}}, "event"},
		{"with an event that is null", nil, event(nil), "event"},
		{"with an event that is true", nil, event(true), "event"},
		{"with an event that has members", nil, event(object{"why": "bye"}), ""},
		{"with events that are a list", nil, object{"events": []string{"http://schemas.openid.net/event/backchannel-logout"}}, "event"},
		{"with a nonce", nil, object{"nonce": "n"}, "nonce"},
		{"with a nonce that is null", nil, object{"nonce": nil}, "nonce"},
		{"without jti", nil, object{"jti": absent}, "jti"},
		{"with a jti that is a number", nil, object{"jti": 7}, "jti"},
		{"with a jti of 256 bytes", nil, object{"jti": strings.Repeat("j", 256)}, "jti"},
		{"of more than 8 KiB", nil, object{"x": strings.Repeat("x", 8<<10)}, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.header = with(p.header, c.header)
			raw := p.logoutToken(c.claims)
			got, err := p.login(t, nil).VerifyLogoutToken(context.Background(), raw)
			if c.says != "" {
				wantErr(t, err, oidc.ErrInvalidLogoutToken, c.says)
				return
			}
			wantErr(t, err, nil, "")
			want := oidc.LogoutToken{Subject: "ada-1", SessionID: "sso-1", JTI: "jti-1", Expires: p.clock.Now().Add(2 * time.Minute)}
			if c.claims["sub"] == any(absent) {
				want.Subject = ""
			}
			switch c.claims["sid"] {
			case any(absent), any(""):
				want.SessionID = ""
			case 7:
				want.SessionID = "7"
			}
			if !got.Expires.Equal(want.Expires) {
				t.Fatalf("to be remembered until %v", got.Expires)
			}
			if got.Expires = want.Expires; got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAJTIIsRememberedForADayAtMost(t *testing.T) {
	p := newProvider(t)
	raw := p.logoutToken(object{"exp": p.clock.Now().AddDate(10, 0, 0).Unix()})
	l := p.login(t, nil)
	token, err := l.VerifyLogoutToken(context.Background(), raw)
	wantErr(t, err, nil, "")
	if want := p.clock.Now().Add(24 * time.Hour); !token.Expires.Equal(want) {
		t.Fatalf("until %v, want %v", token.Expires, want)
	}
	p.clock.Advance(24 * time.Hour)
	_, err = l.VerifyLogoutToken(context.Background(), raw)
	wantErr(t, err, oidc.ErrInvalidLogoutToken, "older than a day")
}

func TestAnIDTokenIsNoLogoutToken(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	person := p.mustSignIn(t, l)
	_, err := l.VerifyLogoutToken(context.Background(), person.Kept.IDToken)
	wantErr(t, err, oidc.ErrInvalidLogoutToken, "nonce")
}

func TestALogoutTokenIsNotBlamedForTheProvidersTrouble(t *testing.T) {
	for _, path := range []string{discoveryPath, "/keys"} {
		for _, c := range []struct {
			name   string
			answer http.HandlerFunc
			want   error
		}{{"is down", says(503, ""), oidc.ErrUnavailable}, {"talks nonsense", says(200, "<html>"), oidc.ErrProvider}} {
			t.Run(path+" "+c.name, func(t *testing.T) {
				p := newProvider(t)
				p.on(path, c.answer)
				_, err := p.login(t, nil).VerifyLogoutToken(context.Background(), p.logoutToken(nil))
				wantErr(t, err, c.want, "")
				if errors.Is(err, oidc.ErrInvalidLogoutToken) {
					t.Fatal("it is")
				}
			})
		}
	}
	t.Run("and one without form costs the provider nothing", func(t *testing.T) {
		p := newProvider(t)
		_, err := p.login(t, nil).VerifyLogoutToken(context.Background(), "nonsense")
		wantErr(t, err, oidc.ErrInvalidLogoutToken, "three segments")
		if p.count(discoveryPath) != 0 {
			t.Fatal("it was asked")
		}
	})
}
