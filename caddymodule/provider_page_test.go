package caddymodule_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheOnlyProviderIsGoneToAtOnce(t *testing.T) {
	p := newIDP(t)
	s := startWithoutForm(t, site{options: p.login("sso", "")})
	t.Run("from the login page", func(t *testing.T) {
		b := s.surfer(t)
		b.open("/auth/login").want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/login/sso")
		b.open("/auth/login?return_to=%2Forders%3Fa%3D1%26b").want(t, http.StatusSeeOther).
			wantHeader(t, "Location", "/auth/login/sso?return_to=%2Forders%3Fa%3D1%26b")
		b.open("/auth/login?return_to=%2F%2Fevil.example.com").want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/login/sso")
	})
	t.Run("from a protected page, and back to it", func(t *testing.T) {
		b := s.surfer(t)
		login := b.open("/orders?page=2").want(t, http.StatusSeeOther).Header.Get("Location")
		straight := b.open(login).want(t, http.StatusSeeOther).Header.Get("Location")
		away := b.open(straight).want(t, http.StatusSeeOther).Header.Get("Location")
		b.open(p.consent(t, away)).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/orders?page=2")
	})
	t.Run("not by who is signed in already", func(t *testing.T) {
		b := s.surfer(t)
		b.signInAt(p, "sso")
		if a := b.open("/auth/login").want(t, http.StatusOK); !strings.Contains(a.body, "Already signed in") {
			t.Errorf("the page is\n%s", a.body)
		}
	})
	t.Run("not after a sign-out, where arriving would sign them in again", func(t *testing.T) {
		p.fails(t, "/end", 404)
		b := s.surfer(t)
		b.signInAt(p, "sso")
		b.submit("/auth/logout", nil).want(t, http.StatusSeeOther)
		a := b.open("/auth/logout").want(t, http.StatusOK) // where the provider leads back to
		if !strings.Contains(a.body, "You are signed out") {
			t.Errorf("the page is\n%s", a.body)
		}
		// Who was signed out already, in another tab, has no provider to go to.
		b.submit("/auth/logout", nil).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/logout")
	})
	t.Run("not when it has just failed", func(t *testing.T) {
		b := s.surfer(t)
		if a := b.open("/auth/callback/sso").want(t, http.StatusBadRequest); !strings.Contains(a.body, "Continue with sso") {
			t.Errorf("the page is\n%s", a.body)
		}
	})
	t.Run("and there is no password to be guessed", func(t *testing.T) {
		s.client(t).trySignIn(ada, password).wantError(t, http.StatusUnauthorized, "unauthorized")
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
	p := newIDP(t)
	logins := p.login("one", "") + p.login("two", `label "Two & Co"`) + p.login("three", "")
	for _, c := range []struct {
		name, options string
		want          []string
	}{
		{"stand in the order of the logins", logins, []string{"one /auth/login/one", "Two &amp; Co /auth/login/two", "three /auth/login/three"}},
		{"stand in the order of login_order", logins + "login_order three users one two", []string{"three /auth/login/three", "one /auth/login/one", "Two &amp; Co /auth/login/two"}},
		{"that login_order does not name come last", logins + "login_order three", []string{"three /auth/login/three", "one /auth/login/one", "Two &amp; Co /auth/login/two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, site{options: c.options})
			a := s.surfer(t).open("/auth/login").want(t, http.StatusOK)
			if got := buttons(a.body); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if !strings.Contains(a.body, `name="password"`) {
				t.Error("the form is missing")
			}
		})
	}
	t.Run("stand without a form where there are several and no password", func(t *testing.T) {
		s := startWithoutForm(t, site{options: p.login("one", "") + p.login("two", "")})
		a := s.surfer(t).open("/auth/login?return_to=%2Forders").want(t, http.StatusOK)
		want := []string{"one /auth/login/one?return_to=%2Forders", "two /auth/login/two?return_to=%2Forders"}
		if got := buttons(a.body); !slices.Equal(got, want) || strings.Contains(a.body, `name="password"`) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("stand beside the form after a password that is wrong", func(t *testing.T) {
		s := start(t, site{options: p.login("one", "")})
		a := s.client(t).signInByForm(ada, "wrong", "/orders").want(t, http.StatusUnauthorized)
		if got := buttons(a.body); !slices.Equal(got, []string{"one /auth/login/one?return_to=%2Forders"}) {
			t.Errorf("got %q", got)
		}
	})
}
