package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

// keeping is a login whose sessions keep access tokens, and what it tells.
func keeping(t *testing.T, p *provider, edit func(*oidc.Config)) (l *oidc.Login, told *[]string) {
	t.Helper()
	told = new([]string)
	l = p.login(t, func(c *oidc.Config) {
		c.Notice = func(err error) { *told = append(*told, err.Error()) }
		if edit != nil {
			edit(c)
		}
	})
	l.KeepAccessToken()
	return l, told
}

func TestAnAccessTokenIsKeptWhereARouteSendsIt(t *testing.T) {
	for _, c := range []struct {
		name string
		says any // expires_in
		life time.Duration
	}{
		{"with its life in seconds", 300, 5 * time.Minute},
		{"with its life as a text, as some write it", "300", 5 * time.Minute},
		{"with a part of a second", 0.5, 500 * time.Millisecond},
		{"without one", absent, 0},
		{"without one, where it is no time to come", 0, 0},
		{"without one, where it is one of before", -1, 0},
		{"without one, where it is no number", "soon", 0},
		{"without one, where it is a number and none", "NaN", 0},
		{"with ten years, where it is beyond all measure", 1e300, 10 * 365 * 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.tokens = func(m map[string]any) {
				if m["expires_in"] = c.says; c.says == any(absent) {
					delete(m, "expires_in")
				}
			}
			l, told := keeping(t, p, nil)
			want := profile.NewAccessToken("access-secret", p.clock.Now(), c.life)
			kept := p.mustSignIn(t, l).Kept
			if kept.Access == nil || *kept.Access != *want || len(*told) != 0 {
				t.Errorf("kept is another, or %q was told", *told)
			}
			if c.life == 0 && kept.Access.Until != 0 {
				t.Errorf("it ends at %d", kept.Access.Until)
			}
		})
	}
	t.Run("and nowhere else", func(t *testing.T) {
		p := newProvider(t)
		if kept := p.mustSignIn(t, p.login(t, nil)).Kept; kept.Access != nil {
			t.Error("it is kept")
		}
	})
}

func TestAnAccessTokenThatCannotBeKeptStopsNobody(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		claims object
		want   string
	}{
		"it is too large": {strings.Repeat("x", profile.MaxAccessToken+1), nil, "more than 16384 bytes"},
		"there is no room for it beside all that is known of the person": {strings.Repeat("x", profile.MaxAccessToken),
			object{"padding": strings.Repeat("p", profile.MaxKept-profile.MaxAccessToken)}, "let the source answer with less"},
		"it has a line break in it": {"t\r\nX-Admin: yes", nil, "cannot stand in a header"},
		"it has a blank in it":      {"canary ~", nil, "cannot stand in a header"},
		"it is no ASCII":            {"é", nil, "cannot stand in a header"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.tokens = func(m map[string]any) { m["access_token"] = c.token }
			p.info = with(p.info, c.claims)
			p.on("/userinfo", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, p.info) }) // whatever the token
			l, told := keeping(t, p, func(config *oidc.Config) { config.NoUserInfo = c.claims == nil })
			for range 2 {
				if kept := p.mustSignIn(t, l).Kept; kept.Access == nil || *kept.Access != (profile.AccessToken{}) {
					t.Error("it is kept, or it is not known that it cannot be")
				}
			}
			if len(*told) != 1 || !strings.Contains((*told)[0], c.want) || strings.Contains((*told)[0], c.token) {
				t.Errorf("told is %q", *told)
			}
		})
	}
}

func TestARebuildKeepsTheNextAccessToken(t *testing.T) {
	p := newProvider(t)
	p.refresh = "refresh-secret"
	l, _ := keeping(t, p, nil)
	s := session(t, p.mustSignIn(t, l))
	p.clock.Advance(time.Hour)
	want := *profile.NewAccessToken("access-secret", p.clock.Now(), 5*time.Minute)
	person, err := l.Rebuild(context.Background(), s)
	wantErr(t, err, nil, "")
	if got := person.Kept.Access; got == nil || *got != want {
		t.Errorf("kept is another: %+v", got.At)
	}
	t.Run("and none at a gateway where no route sends it", func(t *testing.T) {
		person, err := p.login(t, nil).Rebuild(context.Background(), session(t, person))
		wantErr(t, err, nil, "")
		if person.Kept.Access != nil {
			t.Error("it is kept")
		}
	})
	t.Run("nor without a refresh token", func(t *testing.T) {
		kept := *person.Kept
		kept.RefreshToken = ""
		of := &profile.Person{Kept: &kept}
		for where, c := range map[string]struct {
			login *oidc.Login
			kept  bool
		}{"where one sends it": {l, true}, "where none does": {p.login(t, nil), false}} {
			again, err := c.login.Rebuild(context.Background(), session(t, of))
			wantErr(t, err, nil, "")
			if (again.Kept.Access != nil) != c.kept {
				t.Errorf("%s it is kept: %v", where, again.Kept.Access != nil)
			}
		}
	})
}

// A token that is bound to a key of the gateway's is worth nothing without a proof
// by it, and no Bearer (RFC 9449 section 5).
func TestATokenOfAnotherTypeIsNeverKept(t *testing.T) {
	p := newProvider(t)
	p.refresh = "refresh-secret"
	l, _ := keeping(t, p, nil)
	s := session(t, p.mustSignIn(t, l))
	p.tokens = func(m map[string]any) { m["token_type"] = "DPoP" }
	if _, err := p.signIn(t, l, nil); !errors.Is(err, oidc.ErrProvider) {
		t.Errorf("a sign-in gives %v", err)
	}
	person, err := l.Rebuild(context.Background(), s)
	if person != nil || !errors.Is(err, oidc.ErrProvider) {
		t.Errorf("a rebuild gives %v", err)
	}
	if rotated, ok := errors.AsType[*oidc.Rotated](err); !ok || fmt.Sprint(rotated.Kept.Access) != "[access token]" {
		t.Errorf("got %v", err)
	}
}
