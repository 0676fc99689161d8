package endpoint_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// What browsers say of a link of another site: over https, and over plain http.
var (
	fromElsewhere = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site"}
	fromOurs      = []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin"}
	saysNothing   = []string{"Accept", "text/html"}
)

var leadsTo = regexp.MustCompile(`content="0; url=([^"]*)"`)

// elsewhere follows a link of another site, where browsers send no strict cookie,
// and then what the page leads to, with the cookie.
func elsewhere(t *testing.T, b *gatewaytest.Browser, path string, says []string) gatewaytest.Answer {
	t.Helper()
	var strict []string
	b.Jar, strict = nil, b.Jar
	a := b.Do(http.MethodGet, path, "", says...)
	for a.StatusCode == http.StatusSeeOther {
		a = b.Do(http.MethodGet, a.Header.Get("Location"), "", says...)
	}
	b.Jar = append(strict, b.Jar...)
	to := leadsTo.FindStringSubmatch(a.Want(t, http.StatusOK).Body)
	if to == nil {
		t.Fatalf("the page is\n%s", a.Body)
	}
	if says[len(says)-1] == "cross-site" {
		says = fromOurs
	}
	return b.Do(http.MethodGet, html.UnescapeString(to[1]), "", says...)
}

func TestWithStrictCookiesALinkOfAnotherSiteToAPageOfOursIsAskedForOnceMore(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: "insecure\nsame_site strict"})
	signedIn := func() *gatewaytest.Browser {
		b := s.Browser(t)
		form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
		b.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
		return b
	}
	for how, says := range map[string][]string{"that the browser tells of": fromElsewhere, "that it does not tell of": saysNothing} {
		t.Run("to sign out, "+how, func(t *testing.T) {
			if a := elsewhere(t, signedIn(), "/auth/logout?return_to=%2Fbye%3Fa%3D1%26b%3D2", says); !strings.Contains(a.Body, "Sign out?") ||
				!strings.Contains(a.Body, `href="/bye?a=1&amp;b=2"`) {
				t.Errorf("the page is\n%s", a.Body)
			}
			if a := elsewhere(t, s.Browser(t), "/auth/logout", says); !strings.Contains(a.Body, "You are signed out") {
				t.Errorf("who is not signed in gets\n%s", a.Body)
			}
		})
		t.Run("to sign in, "+how, func(t *testing.T) {
			if a := elsewhere(t, signedIn(), "/auth/login", says); !strings.Contains(a.Body, "Already signed in") {
				t.Errorf("the page is\n%s", a.Body)
			}
			elsewhere(t, signedIn(), "/auth/login?return_to=%2Forders", says).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
			if a := elsewhere(t, s.Browser(t), "/auth/login?return_to=%2Forders", says); returnToField(t, a) != "/orders" {
				t.Errorf("who is not signed in gets\n%s", a.Body)
			}
		})
		t.Run("to a provider, "+how, func(t *testing.T) {
			b := s.Browser(t)
			for range 3 {
				away := elsewhere(t, b, "/auth/login/sso?return_to=%2Forders", says).Want(t, http.StatusSeeOther)
				a := elsewhereBack(t, b, p.Consent(t, away.Header.Get("Location")), says)
				if a.StatusCode != http.StatusSeeOther {
					a.Want(t, http.StatusOK) // the page that leads on
				}
				b.WantSignedIn(t, gatewaytest.Ada)
			}
			wantOneSession(t, b) // each takes the place of the one before
			b.Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
		})
	}
	t.Run("and to a page behind, that the browser does not tell of", func(t *testing.T) {
		elsewhere(t, signedIn(), "/orders?a=1&b=2", saysNothing).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders?a=1&b=2")
	})
	t.Run("and a page of ours that led there is believed", func(t *testing.T) {
		a := s.Browser(t).Do(http.MethodGet, "/auth/logout", "", append(saysNothing, "Referer", s.URL+"/orders")...)
		if !strings.Contains(a.Body, "You are signed out") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("and a program gets its answer", func(t *testing.T) {
		if a := s.Browser(t).Do(http.MethodGet, "/auth/login", ""); strings.Contains(a.Body, "http-equiv") {
			t.Errorf("it gets\n%s", a.Body)
		}
	})
}

// elsewhereBack comes back from the provider: the attempt's cookie comes along.
func elsewhereBack(t *testing.T, b *gatewaytest.Browser, callback string, says []string) gatewaytest.Answer {
	t.Helper()
	jar := slices.Clone(b.Jar)
	lose(b, "sidegate", "")
	a := b.Do(http.MethodGet, callback, "", says...).Want(t, http.StatusOK)
	b.Jar = jar
	to := leadsTo.FindStringSubmatch(a.Body)
	if to == nil {
		t.Fatalf("the page is\n%s", a.Body)
	}
	if says[len(says)-1] == "cross-site" {
		says = fromOurs
	}
	return b.Do(http.MethodGet, html.UnescapeString(to[1]), "", says...)
}

// With a single provider there is no page to choose on: one page leads on, not two.
func TestWithStrictCookiesAndOneProviderWhoIsNotSignedInIsLedOnOnce(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", ""), Cookie: "insecure\nsame_site strict"}).Browser(t)
	a := elsewhere(t, b, "/orders", saysNothing).Want(t, http.StatusSeeOther)
	a = b.Do(http.MethodGet, a.Header.Get("Location"), "", saysNothing...).Want(t, http.StatusSeeOther)
	if !strings.HasPrefix(a.Header.Get("Location"), p.URL) {
		t.Errorf("it leads to %s", a.Header.Get("Location"))
	}
}
