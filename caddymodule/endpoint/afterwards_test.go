package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const afterwardsCookie = "sidegate-attempt-afterwards"

// remembered is the browser's cookie of where a sign-out leads on to; empty: it has none.
func remembered(b *gatewaytest.Browser) string {
	for _, cookie := range b.Jar {
		if value, ok := strings.CutPrefix(cookie, afterwardsCookie+"="); ok {
			return value
		}
	}
	return ""
}

// RP-Initiated Logout 1.0 section 3: a provider leads back to an address that it was told
// of before, and no other.
func TestASignOutOverAProviderLeadsWhereItWasToLead(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "return_to https://other.example.com"})
	for name, c := range map[string]struct{ returnTo, want string }{
		"to a path of the site":                       {"/bye?a=1&b=%22#c", "/bye?a=1&b=%22#c"},
		"to an origin that is listed":                 {"https://other.example.com/bye", "https://other.example.com/bye"},
		"and not to another host":                     {"https://evil.example/", ""},
		"and not where a browser sees one":            {"//evil.example/", ""},
		"and not to what would sign out":              {"/auth/login/sso", ""},
		"and nowhere where nothing is said":           {"", ""},
		"and nowhere where it is too long to be kept": {"/" + strings.Repeat("b", 1300), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			b.SignInAt(p, "sso")
			a := b.Submit("/auth/logout", url.Values{"return_to": {c.returnTo}}).Want(t, http.StatusSeeOther)
			if !strings.HasPrefix(a.Header.Get("Location"), p.URL+"/end?") {
				t.Fatalf("it leads to %s", a.Header.Get("Location"))
			}
			back := b.Open("/auth/logout")
			if c.want != "" {
				back.Want(t, http.StatusSeeOther).WantHeader(t, "Location", c.want)
				back = b.Open("/auth/logout")
			}
			if back.Want(t, http.StatusOK); !strings.Contains(back.Body, "You are signed out") {
				t.Errorf("after that the page is\n%s", back.Body)
			}
		})
	}
}

// Where it leads is asked again when it comes back: whoever plants a cookie, as a host
// beside this one may over plain http, leads nowhere that a link would not.
func TestWhereASignOutLeadsIsHeldToWhatALinkMaySay(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, planted := range map[string][]string{
		"another host":             {"https%3A%2F%2Fevil.example%2F"},
		"a path that is a host":    {"%2F%2Fevil.example"},
		"a path with a tab":        {"%2F%09%2Fevil.example"},
		"what would go in circles": {"%2Fauth%2Flogout"},
		"no escape":                {"%"},
		"two":                      {"%2Fa", "%2Fb"},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			for _, value := range planted {
				b.Jar = append(b.Jar, afterwardsCookie+"="+value)
			}
			if a := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(a.Body, "You are signed out") || remembered(b) != "" && len(planted) == 1 {
				t.Errorf("the browser keeps %q, and the page is\n%s", b.Jar, a.Body)
			}
		})
	}
}

func TestWhereASignOutLeadsIsForgottenByTheNext(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for name, next := range map[string]func(*gatewaytest.Browser){
		"by password": func(b *gatewaytest.Browser) {
			b.Submit("/auth/login", url.Values{"email": {gatewaytest.Grace}, "password": {gatewaytest.Password}}).Want(b.T, http.StatusSeeOther)
		},
		"over the provider": func(b *gatewaytest.Browser) { b.SignInAt(p, "sso") },
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			b.SignInAt(p, "sso")
			b.Submit("/auth/logout", url.Values{"return_to": {"/bye"}}).Want(t, http.StatusSeeOther)
			if remembered(b) == "" {
				t.Fatalf("the browser has %q", b.Jar)
			}
			next(b) // who never came back from there signs in again
			if a := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(a.Body, "Sign out?") {
				t.Errorf("the page is\n%s", a.Body)
			}
			b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther)
			if a := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(a.Body, "You are signed out") {
				t.Errorf("the page is\n%s", a.Body)
			}
		})
	}
}

// A sign-out in another way has no way back: what is remembered of one that never came
// back would lead on who only looks at the page the next time.
func TestWhereASignOutLeadsIsForgottenByEveryOther(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "")})
	for name, signOut := range map[string]func(*gatewaytest.Browser) gatewaytest.Answer{
		"of a script": func(b *gatewaytest.Browser) gatewaytest.Answer {
			return b.Do(http.MethodPost, "/auth/logout", "{}", "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
		},
		"of this device": func(b *gatewaytest.Browser) gatewaytest.Answer {
			return b.Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, b.Client), "", "Sec-Fetch-Site", "same-origin")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			b.SignInAt(p, "sso")
			b.Submit("/auth/logout", url.Values{"return_to": {"/bye"}}).Want(t, http.StatusSeeOther)
			b.SignInAt(p, "sso")
			if remembered(b) == "" {
				t.Fatalf("the browser has %q", b.Jar)
			}
			signOut(b).Want(t, http.StatusNoContent)
			if a := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(a.Body, "You are signed out") {
				t.Errorf("the page is\n%s", a.Body)
			}
		})
	}
}

// One answer that sets a cookie and has cookies forgotten sets none.
func TestCookiesAreForgottenOnTheWayBackOfASignOutThatLeadsOn(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "clear_site_data cookies storage"})
	const all, later, now = `"storage", "cookies"`, `"cookies"`, `"storage"`
	for name, c := range map[string]struct{ returnTo, there, back string }{
		"to a path":                        {"/bye", now, later},
		"and at once where none leads on":  {"", all, ""},
		"and at once where it may not":     {"https://evil.example/", all, ""},
		"and at once where it is not kept": {"/" + strings.Repeat("b", 1300), all, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.Browser(t)
			b.SignInAt(p, "sso")
			b.Submit("/auth/logout", url.Values{"return_to": {c.returnTo}}).Want(t, http.StatusSeeOther).WantHeader(t, "Clear-Site-Data", c.there)
			b.Open("/auth/logout").WantHeader(t, "Clear-Site-Data", c.back)
			b.Open("/auth/logout").Want(t, http.StatusOK).WantHeader(t, "Clear-Site-Data", "")
		})
	}
	t.Run("also where what is kept may be led to no more", func(t *testing.T) {
		b := s.Browser(t)
		b.Jar = append(b.Jar, afterwardsCookie+"=https%3A%2F%2Fevil.example%2F")
		b.Open("/auth/logout").Want(t, http.StatusOK).WantHeader(t, "Clear-Site-Data", later)
	})
	t.Run("and not of who is signed in again", func(t *testing.T) {
		b := s.Browser(t)
		b.SignInAt(p, "sso")
		b.Submit("/auth/logout", url.Values{"return_to": {"/bye"}}).Want(t, http.StatusSeeOther)
		b.SignInAt(p, "sso")
		b.Open("/auth/logout").Want(t, http.StatusOK).WantHeader(t, "Clear-Site-Data", "")
	})
}
