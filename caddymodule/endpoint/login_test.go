package endpoint_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestLoginPageOverTheWire(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	got := s.Client(t).Get("/auth/login?return_to="+url.QueryEscape(`/"><script>alert(1)</script>`), "Accept", "text/html").
		Want(t, http.StatusOK)
	for _, part := range []string{`<form method="post" action="/auth/login">`, `name="email"`, `type="password"`,
		`name="password"`, `autocomplete="current-password"`, `name="return_to"`, `type="submit"`} {
		if !strings.Contains(got.Body, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	if strings.Contains(got.Body, "<script>alert") || strings.Count(got.Body, "<script") != 1 {
		t.Error("what came in is in the page unescaped")
	}
	policy := got.Header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("the policy %q has no %s", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	got.WantHeader(t, "X-Frame-Options", "DENY")
	got.WantHeader(t, "X-Content-Type-Options", "nosniff")
	if !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("the page may be kept: %q", got.Header.Get("Cache-Control"))
	}
	t.Run("who is signed in is told so", func(t *testing.T) {
		page := s.WithCookie(t, gatewaytest.Ada).Get("/auth/login", "Accept", "text/html").Want(t, http.StatusOK)
		if !strings.Contains(page.Body, gatewaytest.Ada) || strings.Contains(page.Body, `name="password"`) {
			t.Errorf("the page is\n%s", page.Body)
		}
	})
}

func TestSignInByJSONGivesCookieAndToken(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.Client(t)
	got := c.TrySignIn("  ADA@Example.com ", gatewaytest.Password).Want(t, http.StatusOK)
	got.WantHeader(t, "Cache-Control", "private, no-store")
	if c.Cookie == "" {
		t.Fatal("no cookie was set")
	}
	byCookie := c.Get("/auth/session").Want(t, http.StatusOK).Session(t)
	if u := got.Session(t); u.Token == byCookie.Token || u.Email != byCookie.Email {
		t.Errorf("signed in as %s, cookie of %s; token of the session's life given to the cookie: %v",
			u.Email, byCookie.Email, u.Token == byCookie.Token)
	}
}

// Who is refused does not learn whether the person exists (enumeration).
func TestRefusedSignInsAreAllAlike(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	refused := map[string][2]string{
		"a wrong password":      {gatewaytest.Ada, "wrong"},
		"an unknown person":     {"nobody@example.com", gatewaytest.Password},
		"a disabled person":     {gatewaytest.Linus, gatewaytest.Password},
		"a malformed address":   {"ada", gatewaytest.Password},
		"a user name":           {"Ada Lovelace", gatewaytest.Password},
		"an invisible trick":    {"ada\u200b@example.com", gatewaytest.Password},
		"no address":            {"", gatewaytest.Password},
		"no password":           {gatewaytest.Ada, ""},
		"a very long password":  {gatewaytest.Ada, strings.Repeat("a", 1025)},
		"a very long address":   {strings.Repeat("a", 300) + "@example.com", gatewaytest.Password},
		"a placeholder":         {"{env.HOME}@example.com", "{env.HOME}"},
		"a password with space": {gatewaytest.Ada, gatewaytest.Password + " "},
	}
	for how, try := range map[string]func(*gatewaytest.Client, [2]string) gatewaytest.Answer{
		"by JSON": func(c *gatewaytest.Client, given [2]string) gatewaytest.Answer {
			return c.TrySignIn(given[0], given[1])
		},
		"by form": func(c *gatewaytest.Client, given [2]string) gatewaytest.Answer {
			return c.SignInByForm(given[0], given[1], "/orders")
		},
	} {
		given := [2]string{"first@example.com", "x"}
		first := fingerprint(try(s.Client(t), given).Want(t, http.StatusUnauthorized), given[0])
		for name, given := range refused {
			t.Run(name+" "+how, func(t *testing.T) {
				c := s.Client(t)
				if got := fingerprint(try(c, given), given[0]); got != first {
					t.Errorf("got  %s\nwant %s", got, first)
				}
				if c.Cookie != "" {
					t.Error("a cookie was set")
				}
			})
		}
	}
}

// fingerprint is all of an answer that a client can tell apart who has typed that
// name. A page has it in its field, and goes on where there is something to mend.
func fingerprint(a gatewaytest.Answer, typed string) string {
	a.Header.Del("Date")
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.Header.Del("Content-Length")
		a.Body = strings.NewReplacer(` value="`+html.EscapeString(typed)+`"`, "", " autofocus", "").Replace(a.Body)
	}
	return fmt.Sprintln(a.Status, a.Header, a.Body)
}

// The name stays on the page after a wrong password, and in no other case.
func TestTheTypedNameStaysOnThePageWhereItMayBeSentOnceMore(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	const kept = `value="Ada@Example.com"`
	for _, c := range []struct {
		name   string
		answer gatewaytest.Answer
		status int
		kept   bool
	}{
		{"a wrong password", s.Client(t).SignInByForm("Ada@Example.com", "wrong", "/orders"), 401, true},
		{"a name in the address", s.Client(t).Do(http.MethodPost, "/auth/login?email=Ada@Example.com", "password=x", "Content-Type", gatewaytest.AsForm), 400, false},
		{"a field that came twice", s.Client(t).Do(http.MethodPost, "/auth/login", "email=Ada@Example.com&email=x&password=x", "Content-Type", gatewaytest.AsForm), 400, false},
		{"a page of another site", s.Client(t).Do(http.MethodPost, "/auth/login", "email=Ada@Example.com&password=x", "Content-Type", gatewaytest.AsForm,
			"Accept", "text/html", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), 403, false},
		{"the page itself", s.Client(t).Get("/auth/login?email=Ada@Example.com", "Accept", "text/html"), 200, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Contains(c.answer.Want(t, c.status).Body, kept); got != c.kept {
				t.Errorf("it is there: %v\n%s", got, c.answer.Body)
			}
		})
	}
	t.Run("too many attempts", func(t *testing.T) {
		for range 10 {
			s.Client(t).SignInByForm(gatewaytest.Grace, "wrong", "/")
		}
		if a := s.Client(t).SignInByForm(gatewaytest.Grace, "wrong", "/").Want(t, http.StatusTooManyRequests); !strings.Contains(a.Body, `value="`+gatewaytest.Grace+`"`) {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("nothing can be checked", func(t *testing.T) {
		r := redistest.Start(t)
		s := gatewaytest.Start(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.PresentSecret))
		r.Kill()
		if a := s.Client(t).SignInByForm("Ada@Example.com", gatewaytest.Password, "/").Want(t, http.StatusServiceUnavailable); !strings.Contains(a.Body, kept) {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
}

// behindProxy makes the server believe X-Forwarded-For of this machine, so
// that a test can come from any address.
const behindProxy = `servers {
		trusted_proxies static 127.0.0.1/32
		client_ip_headers X-Forwarded-For
	}`

// from signs in at that address.
func from(t testing.TB, s *gatewaytest.Server, address, email, password string) gatewaytest.Answer {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
	return s.Client(t).Do(http.MethodPost, "/auth/login", body, "Content-Type", "application/json", "X-Forwarded-For", address)
}

func TestThrottleBeginsAfterTheTenthFailure(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Global: behindProxy})
	for range 10 {
		from(t, s, "192.0.2.1", gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
	}
	// The right password too: else a guesser would learn it here.
	for _, p := range []string{"wrong", gatewaytest.Password} {
		got := from(t, s, "192.0.2.1", gatewaytest.Ada, p)
		got.WantError(t, http.StatusTooManyRequests, "too_many_requests")
		if wait := got.Header.Get("Retry-After"); !regexp.MustCompile(`^(900|8[0-9][0-9])$`).MatchString(wait) {
			t.Errorf("Retry-After is %q, want what is left of 15 minutes", wait)
		}
	}
	t.Run("another spelling of the address is the same account", func(t *testing.T) {
		from(t, s, "192.0.2.1", " ADA@example.COM", gatewaytest.Password).Want(t, http.StatusTooManyRequests)
	})
	t.Run("a form is told on the page", func(t *testing.T) {
		form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
		got := s.Client(t).Do(http.MethodPost, "/auth/login", form.Encode(), "X-Forwarded-For", "192.0.2.1",
			"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html").Want(t, http.StatusTooManyRequests)
		if got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, `role="alert"`) {
			t.Errorf("Retry-After %q and\n%s", got.Header.Get("Retry-After"), got.Body)
		}
	})
	t.Run("another person at that address may sign in", func(t *testing.T) {
		from(t, s, "192.0.2.1", gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusOK)
	})
	t.Run("the person may sign in at their own address", func(t *testing.T) {
		from(t, s, "198.51.100.7", gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusOK)
	})
	t.Run("neighbours in an IPv6 network share their attempts", func(t *testing.T) {
		for i := range 10 {
			from(t, s, fmt.Sprintf("2001:db8:1:2::%d", i+1), gatewaytest.Grace, "wrong").Want(t, http.StatusUnauthorized)
		}
		from(t, s, "2001:db8:1:2:ffff::1", gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
		from(t, s, "2001:db8:1:3::1", gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusOK)
	})
}

// A lock-out is a weapon (CVE-2026-32595): whatever strangers do, the person
// gets in at their own address.
func TestStrangersLockNobodyOut(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Global: behindProxy})
	for i := range 60 {
		from(t, s, fmt.Sprintf("203.0.113.%d", i), gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
	}
	for range 2 {
		from(t, s, "198.51.100.7", gatewaytest.Ada, "a slip").Want(t, http.StatusUnauthorized)
	}
	from(t, s, "198.51.100.7", gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusOK)
	t.Run("while an account is under attack each address has three attempts", func(t *testing.T) {
		for range 3 {
			from(t, s, "203.0.113.200", gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
		}
		from(t, s, "203.0.113.200", gatewaytest.Ada, "wrong").Want(t, http.StatusTooManyRequests)
	})
}

func TestSuccessForgetsFailures(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for range 3 {
		for range 9 {
			s.Client(t).TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
		}
		s.Client(t).SignIn(gatewaytest.Ada)
	}
}

// An address that is made up by the client itself does not count.
func TestForwardedForOfAnybodyIsNoWayAroundTheThrottle(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for i := range 10 {
		from(t, s, fmt.Sprintf("192.0.2.%d", i), gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
	}
	from(t, s, "192.0.2.99", gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
}

// A gateway of a domain above, or a sibling host, may have a cookie of the same
// name, which stays where it is: nobody can say here whose it is.
func TestASignInHoldsBesideCookiesOfTheSameName(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
	others := []string{"sidegate=x"}
	for id := range int64(3) {
		others = append(others, "sidegate="+sessionstore.NewSecret(id).Encode())
	}
	b := s.Browser(t)
	b.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
	own := slices.Clone(b.Jar)
	for _, jar := range [][]string{slices.Concat(own, others), slices.Concat(others, own)} {
		b.Jar = jar
		b.WantSignedIn(t, gatewaytest.Ada)
	}
}

// Who has planted a session on somebody who is signed in gains nothing: nobody is
// taken for anybody until they sign in, and then the planted session is over.
func TestOfTwoSessionsNeitherCountsUntilASignInEndsBoth(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	planted, own := s.Browser(t), s.Browser(t)
	planted.Submit("/auth/login", url.Values{"email": {gatewaytest.Grace}, "password": {gatewaytest.Password}}).Want(t, http.StatusSeeOther)
	form := url.Values{"email": {gatewaytest.Ada}, "password": {gatewaytest.Password}}
	own.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
	both := s.Browser(t)
	both.Jar = slices.Concat(own.Jar, planted.Jar)
	both.WantSignedOut(t)
	if len(both.Jar) != 2 {
		t.Errorf("left are %d cookies", len(both.Jar))
	}
	both.Submit("/auth/login", form).Want(t, http.StatusSeeOther)
	both.Jar = slices.Concat(planted.Jar, both.Jar)
	both.WantSignedIn(t, gatewaytest.Ada)
	planted.WantSignedOut(t)
	own.WantSignedOut(t)
}
