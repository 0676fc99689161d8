package caddymodule_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// RP-Initiated Logout 1.0: the session at the provider ends too, else the next
// click on "Sign in" signs the same person in again.
func TestSignOutGoesOnToTheProvider(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	t.Run("from the page's form, with all that the provider wants to know", func(t *testing.T) {
		b := s.surfer(t)
		b.signInAt(p, "sso")
		a := b.submit("/auth/logout", url.Values{"return_to": {"/bye"}}).want(t, http.StatusSeeOther)
		end, err := url.Parse(a.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(a.Header.Get("Location"), p.URL+"/end?") {
			t.Fatalf("it leads to %s", a.Header.Get("Location"))
		}
		hint, _, err := jwt.NewParser().ParseUnverified(end.Query().Get("id_token_hint"), jwt.MapClaims{})
		if err != nil || hint.Claims.(jwt.MapClaims)["sub"] != "ada-1" {
			t.Errorf("the hint is %v: %v", hint, err)
		}
		if got := end.Query().Get("post_logout_redirect_uri"); got != s.url+"/auth/logout" {
			t.Errorf("the provider leads back to %s", got)
		}
		if got := end.Query().Get("client_id"); got != "sidegate" {
			t.Errorf("the client is %s", got)
		}
		b.wantSignedOut(t)
		if a := b.open("/auth/logout").want(t, http.StatusOK); !strings.Contains(a.body, "You are signed out") {
			t.Errorf("the page is\n%s", a.body)
		}
	})
	t.Run("not for a program, which has no browser", func(t *testing.T) {
		b := s.surfer(t)
		b.signInAt(p, "sso")
		b.do(http.MethodPost, "/auth/logout", "").want(t, http.StatusNoContent).wantHeader(t, "Location", "")
		b.wantSignedOut(t)
	})
	t.Run("not for who came in by password", func(t *testing.T) {
		b := &surfer{client: s.client(t), jar: []string{s.browser(t, grace).cookie}}
		b.submit("/auth/logout", nil).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/login")
	})
	t.Run("not for who is signed out already", func(t *testing.T) {
		s.surfer(t).submit("/auth/logout", nil).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/login")
	})
}

// Browsers hold a form back from a redirect to a place that the page's policy
// does not name.
func TestThePolicyOfSignOutPagesNamesTheProvider(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "") + "return_to https://other.example.com"})
	b := s.surfer(t)
	formAction := func(a answer) string {
		_, rest, _ := strings.Cut(a.Header.Get("Content-Security-Policy"), "form-action ")
		targets, _, _ := strings.Cut(rest, ";")
		return strings.TrimSpace(targets)
	}
	if got := formAction(b.open("/auth/login")); strings.Contains(got, p.URL) {
		t.Errorf("the policy of the page for who is signed out has form-action %s", got)
	}
	b.signInAt(p, "sso")
	for _, path := range []string{"/auth/logout", "/auth/login"} {
		got := formAction(b.open(path).want(t, http.StatusOK))
		for _, want := range []string{"'self'", p.URL, "https://other.example.com"} {
			if !strings.Contains(" "+got+" ", " "+want+" ") {
				t.Errorf("%s: form-action is %s, without %s", path, got, want)
			}
		}
	}
	byPassword := &surfer{client: s.client(t), jar: []string{s.browser(t, grace).cookie}}
	if got := formAction(byPassword.open("/auth/logout")); strings.Contains(got, p.URL) {
		t.Errorf("for who came in by password, form-action is %s", got)
	}
}

// A sign-out never waits for a provider that cannot be reached: the session
// here ends all the same.
func TestSignOutWhileTheProviderIsDown(t *testing.T) {
	p := newIDP(t)
	s := start(t, site{options: p.login("sso", "")})
	b := s.surfer(t)
	b.signInAt(p, "sso")
	anew := site{options: p.login("sso", "") + "lifetime 11h", dir: s.dir}
	anew.prepare(t)
	load(t, anew.caddyfile(s, portOf(t, s))) // which has not asked the provider for anything
	b.wantSignedIn(t, ada)
	p.Close()
	b.submit("/auth/logout", nil).want(t, http.StatusSeeOther).wantHeader(t, "Location", "/auth/login")
	b.wantSignedOut(t)
}

func TestSignOutFromAProviderThatTheStoreDidNotTake(t *testing.T) {
	p, r := newIDP(t), redistest.Start(t, redistest.AppendOnly())
	s := start(t, site{options: p.login("sso", "") + "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	b := s.surfer(t)
	b.signInAt(p, "sso")
	b.open("/app").want(t, http.StatusOK)
	r.Kill()
	a := b.submit("/auth/logout", nil).want(t, http.StatusServiceUnavailable)
	a.wantHeader(t, "Set-Cookie", "")
	a.wantHeader(t, "Location", "")
	if len(b.jar) != 1 {
		t.Errorf("the browser has the cookies %q", b.jar)
	}
	r.Restart()
	soon(t, "the store is back and the session with it", func() bool {
		return b.do(http.MethodGet, "/auth/session", "").StatusCode == http.StatusOK
	})
}
