package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// RP-Initiated Logout 1.0: the session at the provider ends too, else the next
// click on "Sign in" signs the same person in again.
func TestSignOutGoesOnToTheProvider(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	t.Run("from the page's form, with all that the provider wants to know", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		a := b.Submit("/auth/logout", url.Values{"return_to": {"/bye"}}).Want(t, http.StatusSeeOther)
		end, err := url.Parse(a.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(a.Header.Get("Location"), p.URL+"/end?") {
			t.Fatalf("it leads to %s", a.Header.Get("Location"))
		}
		hint, _, err := jwt.NewParser().ParseUnverified(end.Query().Get("id_token_hint"), jwt.MapClaims{})
		if err != nil || hint.Claims.(jwt.MapClaims)["sub"] != "ada-1" {
			t.Errorf("the hint is %v: %v", hint, err)
		}
		if got := end.Query().Get("post_logout_redirect_uri"); got != s.URL+"/auth/logout" {
			t.Errorf("the provider leads back to %s", got)
		}
		if got := end.Query().Get("client_id"); got != "sidegate" {
			t.Errorf("the client is %s", got)
		}
		b.WantSignedOut(t)
		if a := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(a.Body, "You are signed out") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("not for a program, which has no browser", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent).WantHeader(t, "Location", "")
		b.WantSignedOut(t)
	})
	t.Run("not for who came in by password", func(t *testing.T) {
		b := &gatewaytest.Browser{Client: s.Client(t), Jar: []string{s.WithCookie(t, gatewaytest.Grace).Cookie}}
		b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login")
	})
	t.Run("not for who is signed out already", func(t *testing.T) {
		s.Browser(t).Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login")
	})
}

// Browsers hold a form back from a redirect to a place that the page's policy
// does not name.
func TestThePolicyOfSignOutPagesNamesTheProvider(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "return_to https://other.example.com"})
	b := s.Browser(t)
	formAction := func(a gatewaytest.Answer) string {
		_, rest, _ := strings.Cut(a.Header.Get("Content-Security-Policy"), "form-action ")
		targets, _, _ := strings.Cut(rest, ";")
		return strings.TrimSpace(targets)
	}
	if got := formAction(b.Open("/auth/login")); strings.Contains(got, p.URL) {
		t.Errorf("the policy of the page for who is signed out has form-action %s", got)
	}
	b.SignInAt(p, "sso")
	for _, path := range []string{"/auth/logout", "/auth/login"} {
		got := formAction(b.Open(path).Want(t, http.StatusOK))
		for _, want := range []string{"'self'", p.URL, "https://other.example.com"} {
			if !strings.Contains(" "+got+" ", " "+want+" ") {
				t.Errorf("%s: form-action is %s, without %s", path, got, want)
			}
		}
	}
	byPassword := &gatewaytest.Browser{Client: s.Client(t), Jar: []string{s.WithCookie(t, gatewaytest.Grace).Cookie}}
	if got := formAction(byPassword.Open("/auth/logout")); strings.Contains(got, p.URL) {
		t.Errorf("for who came in by password, form-action is %s", got)
	}
}

// A sign-out never waits for a provider that cannot be reached: the session
// here ends all the same.
func TestSignOutWhileTheProviderIsDown(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	known, b := s.Browser(t), s.Browser(t)
	known.SignInAt(p, "sso")
	b.SignInAt(p, "sso")
	p.Close()
	if to := known.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, p.URL) {
		t.Errorf("where the provider's address is known the browser goes on to %s", to)
	}
	known.WantSignedOut(t)
	// What runs in its place has not asked the provider for anything.
	s.Replace(t, gatewaytest.Site{Options: p.Login("sso", "") + "lifetime 11h"})
	b.WantSignedIn(t, gatewaytest.Ada)
	b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login")
	b.WantSignedOut(t)
}

func TestSignOutFromAProviderThatTheStoreDidNotTake(t *testing.T) {
	p, r := gatewaytest.NewIDP(t), redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := s.Browser(t)
	b.SignInAt(p, "sso")
	b.Open("/app").Want(t, http.StatusOK)
	r.Kill()
	a := b.Submit("/auth/logout", nil).Want(t, http.StatusServiceUnavailable)
	a.WantHeader(t, "Set-Cookie", "")
	a.WantHeader(t, "Location", "")
	if len(b.Jar) != 1 {
		t.Errorf("the browser has the cookies %q", b.Jar)
	}
	r.Restart()
	gatewaytest.Await(t, "the store is back and the session with it", func() bool {
		return b.Do(http.MethodGet, "/auth/session", "").StatusCode == http.StatusOK
	})
}
