package caddymodule_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// neverHeals is what the page says that waiting will not help.
const neverHeals = "This sign-in cannot be completed"

func TestWhoseSourceCannotBeMappedIsToldThatTryingAgainDoesNotHelp(t *testing.T) {
	t.Run("the answer of an app", func(t *testing.T) {
		app := newLegacy(t)
		s := gatewaytest.Start(t, gatewaytest.Site{Options: app.login("legacy", "map {\nroles `login.body.user.nr`\n}"), Bare: true})
		a := s.Client(t).TrySignIn("ada@legacy.test", legacyPassword)
		a.WantError(t, http.StatusForbidden, "not_mapped")
		a.WantHeader(t, "Retry-After", "")
		page := s.Browser(t).Submit("/auth/login", url.Values{"email": {"ada@legacy.test"}, "password": {legacyPassword}})
		if page.Want(t, http.StatusForbidden); !strings.Contains(page.Body, neverHeals) {
			t.Errorf("the page says\n%s", page.Body)
		}
	})
	t.Run("the answer of a directory", func(t *testing.T) {
		d := newCRM(t)
		d.roles.Store(`{"editor":true}`)
		s := gatewaytest.Start(t, gatewaytest.Site{Options: d.directory("crm", "")})
		s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).WantError(t, http.StatusForbidden, "not_mapped")
	})
	t.Run("the claims of a provider", func(t *testing.T) {
		p := gatewaytest.NewIDP(t)
		p.But(t, map[string]any{"groups": 7})
		s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "map {\nroles `token.groups`\n}")})
		b := s.Browser(t)
		a := b.Open(b.Begin(p, "sso", "/orders")).Want(t, http.StatusForbidden)
		if !strings.Contains(a.Body, neverHeals) {
			t.Errorf("the page says\n%s", a.Body)
		}
		a.WantHeader(t, "Retry-After", "")
		b.WantSignedOut(t)
	})
}

// Several providers write one group as a text and not as a list of one.
func TestALoneGroupIsAListOfOne(t *testing.T) {
	for name, c := range map[string]struct {
		groups any
		want   []string
	}{
		"a text":          {"admins", []string{"admins"}},
		"a list":          {[]string{"admins", "staff"}, []string{"admins", "staff"}},
		"an empty text":   {"", nil},
		"an empty list":   {[]string{}, nil},
		"a text with a =": {"CN=Admins,DC=example", []string{"CN=Admins,DC=example"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.NewIDP(t)
			p.But(t, map[string]any{"groups": c.groups})
			s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "map {\nroles `token.groups`\npermissions `list_of(token.groups)`\naccounts `token.groups`\n}")})
			b := s.Browser(t)
			b.SignInAt(p, "sso")
			u := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK).Session(t)
			var accounts []string
			for _, a := range u.Accounts {
				accounts = append(accounts, a.AccountID)
			}
			for what, got := range map[string][]string{"roles": u.FlatRolesList, "permissions": u.FlatPermissionsList, "accounts": accounts} {
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("the %s are %q; want %q", what, got, c.want)
				}
			}
		})
	}
}
