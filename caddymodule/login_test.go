package caddymodule_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestSignInLeadsBackWithinTheSite(t *testing.T) {
	s := start(t, site{options: "return_to https://other.example.com"})
	for name, target := range map[string]string{
		"a path":                    "/orders",
		"a path with a query":       "/orders?page=2&sort=%2Fup",
		"a path with a fragment":    "/orders#last",
		"a path with encoded space": "/files/My%20Report.pdf",
		"a path beside base_path":   "/authors",
		"this origin":               s.url + "/orders",
		"a listed origin":           "https://other.example.com/orders",
		"a listed origin alone":     "https://other.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			got := s.client(t).signInByForm(ada, password, target).want(t, http.StatusSeeOther)
			got.wantHeader(t, "Location", target)
			got.wantHeader(t, "Cache-Control", "no-store")
			page := s.client(t).get("/auth/login?return_to="+url.QueryEscape(target), "Accept", "text/html")
			if field := returnToField(t, page); field != target {
				t.Errorf("the form's return_to is %q", field)
			}
		})
	}
}

// Open redirects, each in a spelling that got past somebody.
func TestSignInNeverLeadsElsewhere(t *testing.T) {
	s := start(t, site{options: "return_to https://other.example.com"})
	for name, target := range map[string]string{
		"nothing":                             "",
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
		"a NUL":                               "/%00/evil.example",
		"one slash after the scheme":          "https:/evil.example",
		"no slash after the scheme":           "https:evil.example",
		"a script":                            "javascript:alert(1)",
		"data":                                "data:text/html,x",
		"userinfo that looks like this site":  s.url + "@evil.example/",
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
		"more than 2048 bytes":                "/" + strings.Repeat("a", 2048),
		"no UTF-8":                            "/\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			s.client(t).signInByForm(ada, password, target).
				want(t, http.StatusSeeOther).wantHeader(t, "Location", "/")
			page := s.client(t).get("/auth/login?return_to="+url.QueryEscape(target), "Accept", "text/html")
			if field := returnToField(t, page); field != "/" {
				t.Errorf("the form's return_to is %q", field)
			}
		})
	}
}

var returnTo = regexp.MustCompile(`name="return_to" value="([^"]*)"`)

func returnToField(t *testing.T, page answer) string {
	t.Helper()
	found := returnTo.FindStringSubmatch(page.want(t, http.StatusOK).body)
	if found == nil {
		t.Fatalf("no return_to in the page:\n%s", page.body)
	}
	return html.UnescapeString(found[1])
}

func TestLoginPageOverTheWire(t *testing.T) {
	s := start(t, site{})
	got := s.client(t).get("/auth/login?return_to="+url.QueryEscape(`/"><script>alert(1)</script>`), "Accept", "text/html").
		want(t, http.StatusOK)
	for _, part := range []string{`<form method="post" action="/auth/login">`, `name="email"`, `type="password"`,
		`name="password"`, `autocomplete="current-password"`, `name="return_to"`, `type="submit"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if strings.Contains(got.body, "<script") {
		t.Error("the page has a script, or what came in is in it unescaped")
	}
	policy := got.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy %q has no %s", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	got.wantHeader(t, "X-Frame-Options", "DENY")
	got.wantHeader(t, "X-Content-Type-Options", "nosniff")
	if !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the page may be kept: %q", got.Header.Get("Cache-Control"))
	}
	t.Run("who is signed in is told so", func(t *testing.T) {
		page := s.browser(t, ada).get("/auth/login", "Accept", "text/html").want(t, http.StatusOK)
		if !strings.Contains(page.body, ada) || strings.Contains(page.body, `name="password"`) {
			t.Errorf("the page is\n%s", page.body)
		}
	})
}

func TestSignInByJSONGivesCookieAndToken(t *testing.T) {
	s := start(t, site{})
	c := s.client(t)
	got := c.trySignIn("  ADA@Example.com ", password).want(t, http.StatusOK)
	got.wantHeader(t, "Cache-Control", "private, no-store")
	if c.cookie == "" {
		t.Fatal("no cookie was set")
	}
	byCookie := c.get("/auth/session").want(t, http.StatusOK).session(t)
	if u := got.session(t); u.Token == byCookie.Token || u.Email != byCookie.Email {
		t.Errorf("signed in as %s, cookie of %s; token of the session's life given to the cookie: %v",
			u.Email, byCookie.Email, u.Token == byCookie.Token)
	}
}

// Who is refused does not learn whether the person exists (enumeration).
func TestRefusedSignInsAreAllAlike(t *testing.T) {
	s := start(t, site{})
	refused := map[string][2]string{
		"a wrong password":      {ada, "wrong"},
		"an unknown person":     {"nobody@example.com", password},
		"a disabled person":     {linus, password},
		"a malformed address":   {"ada", password},
		"an invisible trick":    {"ada\u200b@example.com", password},
		"no address":            {"", password},
		"no password":           {ada, ""},
		"a very long password":  {ada, strings.Repeat("a", 1025)},
		"a very long address":   {strings.Repeat("a", 300) + "@example.com", password},
		"a placeholder":         {"{env.HOME}@example.com", "{env.HOME}"},
		"a password with space": {ada, password + " "},
	}
	for how, try := range map[string]func(*client, [2]string) answer{
		"by JSON": func(c *client, given [2]string) answer { return c.trySignIn(given[0], given[1]) },
		"by form": func(c *client, given [2]string) answer { return c.signInByForm(given[0], given[1], "/orders") },
	} {
		first := fingerprint(try(s.client(t), [2]string{"first@example.com", "x"}).want(t, http.StatusUnauthorized))
		for name, given := range refused {
			t.Run(name+" "+how, func(t *testing.T) {
				c := s.client(t)
				if got := fingerprint(try(c, given)); got != first {
					t.Errorf("got  %s\nwant %s", got, first)
				}
				if c.cookie != "" {
					t.Error("a cookie was set")
				}
			})
		}
	}
}

// fingerprint is all of an answer that a client can tell apart.
func fingerprint(a answer) string {
	a.Header.Del("Date")
	return fmt.Sprintln(a.Status, a.Header, a.body)
}

// behindProxy makes the server believe X-Forwarded-For of this machine, so
// that a test can come from any address.
const behindProxy = `servers {
		trusted_proxies static 127.0.0.1/32
		client_ip_headers X-Forwarded-For
	}`

// TLS that ends at a proxy in front is believed of that proxy alone.
func TestSignInLeadsBackToTheOriginThatBrowsersSee(t *testing.T) {
	for name, tt := range map[string]struct {
		global, proto string
		back          bool
	}{
		"https by a trusted proxy":  {behindProxy, "https", true},
		"http by a trusted proxy":   {behindProxy, "http", false},
		"https by who says so":      {"", "https", false},
		"nonsense by a trusted one": {behindProxy, "https,http", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, site{global: tt.global})
			target := strings.Replace(s.url, "http://", "https://", 1) + "/orders"
			form := url.Values{"email": {ada}, "password": {password}, "return_to": {target}}
			got := s.client(t).do(http.MethodPost, "/auth/login", form.Encode(), "X-Forwarded-Proto", tt.proto,
				"Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusSeeOther)
			if back := got.Header.Get("Location") == target; back != tt.back {
				t.Errorf("leads to %q", got.Header.Get("Location"))
			}
		})
	}
}

// from signs in at that address.
func (s *server) from(t testing.TB, address, email, password string) answer {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
	return s.client(t).do(http.MethodPost, "/auth/login", body, "Content-Type", "application/json", "X-Forwarded-For", address)
}

func TestThrottleBeginsAfterTheTenthFailure(t *testing.T) {
	s := start(t, site{global: behindProxy})
	for range 10 {
		s.from(t, "192.0.2.1", ada, "wrong").want(t, http.StatusUnauthorized)
	}
	// The right password too: else a guesser would learn it here.
	for _, p := range []string{"wrong", password} {
		got := s.from(t, "192.0.2.1", ada, p)
		got.wantError(t, http.StatusTooManyRequests, "too_many_requests")
		if wait := got.Header.Get("Retry-After"); !regexp.MustCompile(`^(900|8[0-9][0-9])$`).MatchString(wait) {
			t.Errorf("Retry-After is %q, want what is left of 15 minutes", wait)
		}
	}
	t.Run("another spelling of the address is the same account", func(t *testing.T) {
		s.from(t, "192.0.2.1", " ADA@example.COM", password).want(t, http.StatusTooManyRequests)
	})
	t.Run("a form is told on the page", func(t *testing.T) {
		form := url.Values{"email": {ada}, "password": {password}}
		got := s.client(t).do(http.MethodPost, "/auth/login", form.Encode(), "X-Forwarded-For", "192.0.2.1",
			"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html").want(t, http.StatusTooManyRequests)
		if got.Header.Get("Retry-After") == "" || !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("Retry-After %q and\n%s", got.Header.Get("Retry-After"), got.body)
		}
	})
	t.Run("another person at that address may sign in", func(t *testing.T) {
		s.from(t, "192.0.2.1", grace, password).want(t, http.StatusOK)
	})
	t.Run("the person may sign in at their own address", func(t *testing.T) {
		s.from(t, "198.51.100.7", ada, password).want(t, http.StatusOK)
	})
	t.Run("neighbours in an IPv6 network share their attempts", func(t *testing.T) {
		for i := range 10 {
			s.from(t, fmt.Sprintf("2001:db8:1:2::%d", i+1), grace, "wrong").want(t, http.StatusUnauthorized)
		}
		s.from(t, "2001:db8:1:2:ffff::1", grace, password).want(t, http.StatusTooManyRequests)
		s.from(t, "2001:db8:1:3::1", grace, password).want(t, http.StatusOK)
	})
}

// A lock-out is a weapon (CVE-2026-32595): whatever strangers do, the person
// gets in at their own address.
func TestStrangersLockNobodyOut(t *testing.T) {
	s := start(t, site{global: behindProxy})
	for i := range 60 {
		s.from(t, fmt.Sprintf("203.0.113.%d", i), ada, "wrong").want(t, http.StatusUnauthorized)
	}
	for range 2 {
		s.from(t, "198.51.100.7", ada, "a slip").want(t, http.StatusUnauthorized)
	}
	s.from(t, "198.51.100.7", ada, password).want(t, http.StatusOK)
	t.Run("while an account is under attack each address has three attempts", func(t *testing.T) {
		for range 3 {
			s.from(t, "203.0.113.200", ada, "wrong").want(t, http.StatusUnauthorized)
		}
		s.from(t, "203.0.113.200", ada, "wrong").want(t, http.StatusTooManyRequests)
	})
}

func TestSuccessForgetsFailures(t *testing.T) {
	s := start(t, site{})
	for range 3 {
		for range 9 {
			s.client(t).trySignIn(ada, "wrong").want(t, http.StatusUnauthorized)
		}
		s.client(t).signIn(ada)
	}
}

// An address that is made up by the client itself does not count.
func TestForwardedForOfAnybodyIsNoWayAroundTheThrottle(t *testing.T) {
	s := start(t, site{})
	for i := range 10 {
		s.from(t, fmt.Sprintf("192.0.2.%d", i), ada, "wrong").want(t, http.StatusUnauthorized)
	}
	s.from(t, "192.0.2.99", ada, password).want(t, http.StatusTooManyRequests)
}
