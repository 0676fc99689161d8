package endpoint_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestSignInLeadsBackWithinTheSite(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "return_to https://other.example.com"})
	for name, target := range map[string]string{
		"a path":                    "/orders",
		"a path with a query":       "/orders?page=2&sort=%2Fup",
		"a path with a fragment":    "/orders#last",
		"a path with encoded space": "/files/My%20Report.pdf",
		"a path beside base_path":   "/authors",
		"bytes that are no UTF-8":   "/caf%E9/%FF%FE?q=%E9",
		"a user of a domain":        "/user/CORP%5Cada",
		"encoded characters":        "/a%5cb/%09/c%0ad%00%7f?q=%5C",
		"an address in a path":      "/read/https://example.com/x",
		"slashes in a row":          "/a//b///",
		"dots":                      "/a/./b/../c",
		"three kilobytes":           "/orders?" + strings.Repeat("a=1&b=%20&", 306),
		"this origin":               s.URL + "/orders",
		"a listed origin":           "https://other.example.com/orders",
		"a listed origin alone":     "https://other.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, target).Want(t, http.StatusSeeOther)
			got.WantHeader(t, "Location", target)
			got.WantHeader(t, "Cache-Control", "no-store")
			page := s.Client(t).Get("/auth/login?return_to="+url.QueryEscape(target), "Accept", "text/html")
			if field := returnToField(t, page); field != target {
				t.Errorf("the form's return_to is %q", field)
			}
		})
	}
}

// Browsers send it as it is, and understand it either way.
func TestABackslashInAQueryComesBackEncoded(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for target, want := range map[string]string{
		`/orders?q=C:\Users`: "/orders?q=C:%5CUsers", `/orders#\`: "/orders#%5C", "/caf\u00e9": "/caf%C3%A9",
	} {
		s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, target).Want(t, http.StatusSeeOther).WantHeader(t, "Location", want)
	}
}

// What cannot be kept of the address that somebody came to is told on the page.
func TestAnAddressThatCannotBeKeptIsToldOf(t *testing.T) {
	b := gatewaytest.Start(t, gatewaytest.Site{}).Browser(t)
	b.Open("//evil.example").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login?return_to=%2F&cut=1")
	b.Open("/a//b").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login?return_to=%2Fa%2F%2Fb")
	b.Open("/?a").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login?return_to=%2F%3Fa")
}

// Open redirects, each in a spelling that got past somebody.
func TestSignInNeverLeadsElsewhere(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "return_to https://other.example.com"})
	for name, target := range map[string]string{
		"nothing":                             "",
		"dots before a host":                  "/.//evil.example",
		"dots that are escaped":               "/%2E//evil.example",
		"dots that lead up":                   "/..//evil.example",
		"dots behind a folder":                "/a/..//evil.example",
		"dots that are half escaped":          "/a/.%2e//evil.example",
		"dots before an escaped slash":        "/./%2Fevil.example",
		"another origin":                      "https://evil.example/",
		"no scheme":                           "//evil.example",
		"three slashes":                       "///evil.example",
		"a backslash":                         `/\evil.example`,
		"backslashes":                         `\\evil.example`,
		"a tab":                               "/\t/evil.example",
		"a line break":                        "/\r\n/evil.example",
		"a leading space":                     " //evil.example",
		"an encoded tab":                      "/%09/evil.example",
		"an encoded slash":                    "/%2fevil.example",
		"an encoded backslash":                "/%5Cevil.example",
		"an encoded backslash and a tab":      "/%09%5Cevil.example",
		"an encoded DEL":                      "/%7f/evil.example",
		"a backslash behind a path":           `/a\..\/evil.example`,
		"the sign-out page by dots":           "/a/../auth/logout",
		"the sign-out page by slashes":        "/a/..//auth/logout",
		"a NUL":                               "/%00/evil.example",
		"one slash after the scheme":          "https:/evil.example",
		"no slash after the scheme":           "https:evil.example",
		"a script":                            "javascript:alert(1)",
		"data":                                "data:text/html,x",
		"userinfo that looks like this site":  s.URL + "@evil.example/",
		"userinfo":                            "https://a@other.example.com/",
		"a listed origin as a prefix":         "https://other.example.com.evil.example/",
		"a listed origin as a suffix":         "https://evilother.example.com/",
		"a host below a listed one":           "https://a.other.example.com/",
		"a listed origin's other scheme":      "http://other.example.com/",
		"a listed origin's other port":        "https://other.example.com:8443/",
		"a backslash after a listed origin":   `https://other.example.com\@evil.example/`,
		"an encoded slash on a listed origin": "https://other.example.com/%2fevil.example",
		"a relative path":                     "orders",
		"a query alone":                       "?next=/",
		"the sign-out page":                   "/auth/logout",
		"the sign-in page":                    "/auth/login?return_to=/auth/login",
		"base_path itself":                    "/auth",
		"a path of more than 3 KiB":           "/" + strings.Repeat("a", 3072),
	} {
		t.Run(name, func(t *testing.T) {
			s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, target).
				Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/")
			page := s.Client(t).Get("/auth/login?return_to="+url.QueryEscape(target), "Accept", "text/html")
			if field := returnToField(t, page); field != "/" {
				t.Errorf("the form's return_to is %q", field)
			}
		})
	}
}

var returnTo = regexp.MustCompile(`name="return_to" value="([^"]*)"`)

func returnToField(t *testing.T, page gatewaytest.Answer) string {
	t.Helper()
	found := returnTo.FindStringSubmatch(page.Want(t, http.StatusOK).Body)
	if found == nil {
		t.Fatalf("no return_to in the page:\n%s", page.Body)
	}
	return html.UnescapeString(found[1])
}

// TLS that ends at a proxy in front is believed of that proxy alone.
func TestSignInLeadsBackToTheOriginThatBrowsersSee(t *testing.T) {
	for name, tt := range map[string]struct {
		global, proto string
		back          bool
	}{
		"https by a trusted proxy":  {behindProxy, "https", true},
		"http by a trusted proxy":   {behindProxy, "http", false},
		"https by who says so":      {"", "https", false},
		"https by the first of two": {behindProxy, "https,http", true},
		"https by both":             {behindProxy, "HTTPS , https", true},
		"http by the first of two":  {behindProxy, "http, https", false},
		"nonsense by a trusted one": {behindProxy, "tls,https", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Global: tt.global})
			target := strings.Replace(s.URL, "http://", "https://", 1) + "/orders"
			form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}, "return_to": {target}}
			got := s.Client(t).Do(http.MethodPost, "/auth/login", form.Encode(), "X-Forwarded-Proto", tt.proto,
				"Content-Type", "application/x-www-form-urlencoded").Want(t, http.StatusSeeOther)
			if back := got.Header.Get("Location") == target; back != tt.back {
				t.Errorf("leads to %q", got.Header.Get("Location"))
			}
		})
	}
}

func TestSignOutLeadsBackWithinTheSite(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "return_to https://other.example.com"})
	for name, tt := range map[string]struct{ returnTo, want string }{
		"nowhere in particular": {"", "/auth/logout"},
		"a path":                {"return_to=%2Fbye", "/bye"},
		"a listed origin":       {"return_to=https%3A%2F%2Fother.example.com%2Fbye", "https://other.example.com/bye"},
		"another origin":        {"return_to=https%3A%2F%2Fevil.example%2F", "/auth/logout"},
		"no scheme":             {"return_to=%2F%2Fevil.example", "/auth/logout"},
		"the sign-out itself":   {"return_to=%2Fauth%2Flogout", "/auth/logout"},
	} {
		t.Run(name, func(t *testing.T) {
			s.WithCookie(t, gatewaytest.Ada).Do(http.MethodPost, "/auth/logout", tt.returnTo, "Content-Type", "application/x-www-form-urlencoded").
				Want(t, http.StatusSeeOther).WantHeader(t, "Location", tt.want)
		})
	}
}

func TestProviderSignInLeadsBackWithinTheSite(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "") + "return_to https://other.example.com"})
	for _, c := range []struct{ name, returnTo, want string }{
		{"to a path", "/orders?page=2&sort=%2Fup", "/orders?page=2&sort=%2Fup"},
		{"to a listed origin", "https://other.example.com/orders", "https://other.example.com/orders"},
		{"to the front page when none was asked for", "", "/"},
		{"not to another origin", "https://evil.example.com/", "/"},
		{"not to a host without a scheme", "//evil.example.com", "/"},
		{"not to a host behind a backslash", `/\evil.example.com`, "/"},
		{"not to a host behind a tabulator", "/%09/evil.example.com", "/"},
		{"not to a script", "javascript:alert(1)", "/"},
		{"not round in circles", "/auth/login/sso", "/"},
		{"not to a sign-out", "/auth/logout", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.Browser(t)
			b.Open(b.Begin(p, "sso", c.returnTo)).Want(t, http.StatusSeeOther).WantHeader(t, "Location", c.want)
		})
	}
}

// The browser holds a strict cookie back from a redirect that began at the
// provider: a page of this site leads on.
func TestStrictCookiesLeadOnByAPage(t *testing.T) {
	p := gatewaytest.NewIDP(t)
	b := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", ""), Cookie: "insecure\nsame_site strict"}).Browser(t)
	a := b.Open(b.Begin(p, "sso", "/orders?a=1&b=2")).Want(t, http.StatusOK)
	if !strings.Contains(a.Body, `<meta http-equiv="refresh" content="0; url=/orders?a=1&amp;b=2">`) {
		t.Errorf("the page is\n%s", a.Body)
	}
	a.WantHeader(t, "Location", "")
	b.WantSignedIn(t, gatewaytest.Ada)
}
