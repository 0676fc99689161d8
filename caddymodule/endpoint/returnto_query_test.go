package endpoint_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// The script of the login page adds the part of an address that no server sees. It is
// held to what any return_to is, and leads nowhere by itself.
func TestTheFragmentOfADeepLinkComesBack(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "return_to https://other.example.com"})
	long := "/orders?" + strings.Repeat("a", 3000)
	for _, c := range []struct{ name, returnTo, fragment, want string }{
		{"of a path", "/orders?a=1", "line-7", "/orders?a=1#line-7"},
		{"of the front page", "", "/settings/x", "/#/settings/x"},
		{"of a single-page app", "/app", "/orders/7?tab=2&x=%20", "/app#/orders/7?tab=2&x=%20"},
		{"with a percent sign that begins no escape", "/app", "100%&50%2", "/app#100%25&50%252"},
		{"of another origin that is listed", "https://other.example.com/x", "y", "https://other.example.com/x#y"},
		{"not where there is one already", "/app#one", "two", "/app#one"},
		{"not what there is no room for, and the rest does", long, strings.Repeat("f", 100), long},
		{"not with a line break, and the rest does", "/app", "a\nb", "/app"},
		{"not with a blank, and the rest does", "/app", "a b", "/app"},
		{"no other host", "", "//evil.example/", "/#//evil.example/"},
		{"no other host by a backslash", "/", `\\evil.example`, "/#%5C%5Cevil.example"},
		{"no script", "javascript:alert(1)", "x", "/"},
		{"nothing at another host", "//evil.example", "x", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := "?" + url.Values{"return_to": {c.returnTo}, "fragment": {c.fragment}}.Encode()
			if field := returnToField(t, s.Client(t).Get("/auth/login"+query, "Accept", "text/html")); field != c.want {
				t.Errorf("the form's return_to is %q", field)
			}
			b := s.Browser(t)
			callback := p.Consent(t, b.Open("/auth/login/sso"+query).Want(t, http.StatusSeeOther).Header.Get("Location"))
			a := b.Return(callback)
			if strings.HasSuffix(c.name, "the rest does") { // it is said that something was lost
				if !strings.Contains(html.UnescapeString(a.Want(t, http.StatusOK).Body), `href="`+c.want+`"`) {
					t.Errorf("the page is\n%s", a.Body)
				}
				return
			}
			a.Want(t, http.StatusSeeOther).WantHeader(t, "Location", c.want)
		})
	}
	t.Run("in the form itself, and the rest where it is too long", func(t *testing.T) {
		s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/orders?a=1#line-7").WantHeader(t, "Location", "/orders?a=1#line-7")
		s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, long+"#"+strings.Repeat("f", 100)).WantHeader(t, "Location", long)
	})
	t.Run("after a wrong password, for the form and the provider alike", func(t *testing.T) {
		page := s.Client(t).SignInByForm(gatewaytest.Ada, "wrong", "/orders#line-7").Want(t, http.StatusUnauthorized).Body
		if !strings.Contains(page, `value="/orders#line-7"`) || !strings.Contains(page, `href="/auth/login/sso?return_to=%2Forders%23line-7"`) {
			t.Errorf("the page is\n%s", page)
		}
	})
}

// A browser that is redirected to the provider takes the fragment along, and loses it
// there: a page of ours leads on, to whoever can read it.
func TestTheOneProviderIsLedToByAPageWhereOneIsShown(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Bare: true, Options: p.Login("sso", "label \"Acme & Sons\"")})
	const to = "/auth/login/sso?return_to=%2Forders"
	for name, c := range map[string]struct {
		query  string
		header []string
		page   bool
	}{
		"a browser's tab":                  {"?return_to=%2Forders", fromOurs, true},
		"a browser that says nothing":      {"?return_to=%2Forders", saysNothing, false},
		"a frame":                          {"?return_to=%2Forders", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		"a program":                        {"?return_to=%2Forders", nil, false},
		"a tab that has told the fragment": {"?return_to=%2Forders&fragment=a", fromOurs, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Client(t).Get("/auth/login"+c.query, c.header...)
			if !c.page {
				a.Want(t, http.StatusSeeOther)
				return
			}
			a.Want(t, http.StatusOK)
			for _, part := range []string{`<a class="button main" href="` + to + `" id="go">Continue with Acme &amp; Sons</a>`, `<noscript><meta http-equiv="refresh" content="0; url=` + to + `"></noscript>`} {
				if !strings.Contains(a.Body, part) {
					t.Errorf("the page has no %s:\n%s", part, a.Body)
				}
			}
			if !strings.Contains(a.Header.Get("Vary"), "Sec-Fetch-Dest") || !strings.Contains(a.Header.Get("Content-Security-Policy"), "form-action 'none'") {
				t.Errorf("the headers are %v", a.Header)
			}
		})
	}
}
