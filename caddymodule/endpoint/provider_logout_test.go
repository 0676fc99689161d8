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
		b.Open("/auth/logout").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/bye")
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
		b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout")
	})
	t.Run("not for who is signed out already", func(t *testing.T) {
		s.Browser(t).Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout")
	})
}

// What an address has no room for a page of ours posts: with sixty groups in it the
// ID token is too long for one, and without it some providers end nothing.
func TestAnIDTokenThatIsTooLongForAnAddressIsPosted(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	groups := make([]string, 60)
	for i := range groups {
		groups[i] = strings.Repeat("g", 36)
	}
	p.But(t, map[string]any{"groups": groups})
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + p.Login("own", "end_session https://sso.example.com/bye?t={id_token}")})
	signedIn := func(t *testing.T, login string) *gatewaytest.Browser {
		b := s.Browser(t)
		b.SignInAt(p, login)
		return b
	}
	form := url.Values{}.Encode()
	t.Run("by a browser", func(t *testing.T) {
		b := signedIn(t, "sso")
		page := b.Do(http.MethodPost, "/auth/logout", form, "Content-Type", gatewaytest.AsForm, "Accept", "text/html", "Sec-Fetch-Mode", "navigate").Want(t, http.StatusOK)
		posts := formIn(page.Body)
		if !strings.Contains(page.Body, `action="`+p.URL+`/end"`) || !strings.HasPrefix(posts.Get("id_token_hint"), "ey") || len(posts.Get("id_token_hint")) < 2000 ||
			posts.Get("client_id") != "sidegate" || posts.Get("post_logout_redirect_uri") != s.URL+"/auth/logout" {
			t.Errorf("the page posts %v:\n%s", posts, page.Body)
		}
		page.WantHeader(t, "Cache-Control", "no-store")
		if !strings.Contains(page.Header.Get("Set-Cookie"), "Max-Age=0") || strings.Contains(page.Header.Get("Content-Security-Policy"), "form-action") {
			t.Errorf("the headers are %v", page.Header)
		}
		b.WantSignedOut(t)
	})
	for name, header := range map[string][]string{
		"by a script":                  {"Sec-Fetch-Mode", "cors", "Accept", "*/*"},
		"by a script that asks for it": {"Sec-Fetch-Mode", "cors", "Accept", "text/html"},
		"by a program":                 {"Accept", "*/*"},
	} {
		t.Run(name+", which has no page to show, it is left out", func(t *testing.T) {
			b := signedIn(t, "sso")
			to := b.Do(http.MethodPost, "/auth/logout", form, append(header, "Content-Type", gatewaytest.AsForm)...).Want(t, http.StatusSeeOther).Header.Get("Location")
			if !strings.HasPrefix(to, p.URL+"/end?client_id=sidegate&") || strings.Contains(to, "id_token_hint") || len(to) >= 2000 {
				t.Errorf("it leads to %s", to)
			}
			b.WantSignedOut(t)
		})
	}
	t.Run("to no place of its own kind", func(t *testing.T) {
		b := signedIn(t, "own")
		b.Do(http.MethodPost, "/auth/logout", form, "Content-Type", gatewaytest.AsForm, "Accept", "text/html", "Sec-Fetch-Mode", "navigate").Want(t, http.StatusSeeOther).
			WantHeader(t, "Location", "https://sso.example.com/bye?t=")
		b.WantSignedOut(t)
	})
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
	b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout?still=sso")
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
