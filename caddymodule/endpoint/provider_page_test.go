package endpoint_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestTheOnlyProviderIsGoneToAtOnce(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "")})
	t.Run("from the login page", func(t *testing.T) {
		b := s.Browser(t)
		b.Open("/auth/login").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login/sso")
		b.Open("/auth/login?return_to=%2Forders%3Fa%3D1%26b").Want(t, http.StatusSeeOther).
			WantHeader(t, "Location", "/auth/login/sso?return_to=%2Forders%3Fa%3D1%26b")
		b.Open("/auth/login?return_to=%2F%2Fevil.example.com").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login/sso")
	})
	t.Run("from a protected page, and back to it", func(t *testing.T) {
		b := s.Browser(t)
		login := b.Open("/orders?page=2").Want(t, http.StatusSeeOther).Header.Get("Location")
		straight := b.Open(login).Want(t, http.StatusSeeOther).Header.Get("Location")
		away := b.Open(straight).Want(t, http.StatusSeeOther).Header.Get("Location")
		b.Open(p.Consent(t, away)).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders?page=2")
	})
	t.Run("not by who is signed in already", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		if a := b.Open("/auth/login").Want(t, http.StatusOK); !strings.Contains(a.Body, "Already signed in") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("not after a sign-out, where arriving would sign them in again", func(t *testing.T) {
		p.Fails(t, "/end", 404)
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther)
		a := b.Open("/auth/logout").Want(t, http.StatusOK) // where the provider leads back to
		if !strings.Contains(a.Body, "You are signed out") {
			t.Errorf("the page is\n%s", a.Body)
		}
		// Who was signed out already, in another tab, has no provider to go to.
		b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout")
	})
	t.Run("not when it has just failed", func(t *testing.T) {
		b := s.Browser(t)
		if a := b.Open("/auth/callback/sso").Want(t, http.StatusBadRequest); !strings.Contains(a.Body, "Continue with sso") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("and there is no password to be guessed", func(t *testing.T) {
		s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).WantError(t, http.StatusUnauthorized, "unauthorized")
	})
}

var button = regexp.MustCompile(`href="(/auth/login/[^"]*)">Continue with ([^<]*)<`)

// buttons are those of the login page, with their addresses.
func buttons(page string) (found []string) {
	for _, b := range button.FindAllStringSubmatch(page, -1) {
		found = append(found, b[2]+" "+b[1])
	}
	return found
}

func TestButtonsOfTheProviders(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	logins := p.Login("one", "") + p.Login("two", `label "Two & Co"`) + p.Login("three", "")
	for _, c := range []struct {
		name, options string
		want          []string
	}{
		{"stand in the order of the logins", logins, []string{"one /auth/login/one", "Two &amp; Co /auth/login/two", "three /auth/login/three"}},
		{"stand in the order of login_order", logins + "login_order three users one two", []string{"three /auth/login/three", "one /auth/login/one", "Two &amp; Co /auth/login/two"}},
		{"that login_order does not name come last", logins + "login_order three", []string{"three /auth/login/three", "one /auth/login/one", "Two &amp; Co /auth/login/two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: c.options})
			a := s.Browser(t).Open("/auth/login").Want(t, http.StatusOK)
			if got := buttons(a.Body); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if form := strings.Index(a.Body, `name="password"`); form < 0 || form > strings.Index(a.Body, "Continue with") {
				t.Error("the form is missing, or comes behind the buttons")
			}
			if p.Count("/.well-known/openid-configuration") != 0 {
				t.Error("the page asks the provider")
			}
		})
	}
	t.Run("stand without a form where there are several and no password", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("one", "") + p.Login("two", "")})
		a := s.Browser(t).Open("/auth/login?return_to=%2Forders").Want(t, http.StatusOK)
		want := []string{"one /auth/login/one?return_to=%2Forders", "two /auth/login/two?return_to=%2Forders"}
		if got := buttons(a.Body); !slices.Equal(got, want) || strings.Contains(a.Body, `name="password"`) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("stand beside the form after a password that is wrong", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("one", "")})
		a := s.Client(t).SignInByForm(gatewaytest.Ada, "wrong", "/orders").Want(t, http.StatusUnauthorized)
		if got := buttons(a.Body); !slices.Equal(got, []string{"one /auth/login/one?return_to=%2Forders"}) {
			t.Errorf("got %q", got)
		}
	})
}
