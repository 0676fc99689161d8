package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestSignOutIsImmediate(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{upstream: up.address()})
	for name, how := range map[string]struct {
		byToken bool
		header  []string
		status  int
	}{
		"by cookie, a program": {false, nil, 204},
		"by token, a program":  {true, nil, 204},
		"by cookie, a form":    {false, []string{"Content-Type", "application/x-www-form-urlencoded"}, 303},
		"by cookie, a browser": {false, []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}, 303},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t)
			token := c.signIn(ada).Token
			short := c.get("/auth/session").session(t).Token
			cookie := c.cookie
			if how.byToken {
				c.cookie, c.bearer = "", token
			}
			got := c.post("/auth/logout", how.header...).want(t, how.status)
			got.wantHeader(t, "Cache-Control", "no-store")
			if cleared := strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0"); cleared == how.byToken {
				t.Errorf("Set-Cookie is %q", got.Header.Get("Set-Cookie"))
			}
			s.dead(t, cookie, "")
			s.dead(t, "", token)
			s.dead(t, "", short)
		})
	}
	if n := up.count(); n != 0 {
		t.Errorf("the upstream got %d requests of people who had signed out", n)
	}
}

// dead checks that the credential opens nothing.
func (s *server) dead(t testing.TB, cookie, token string) {
	t.Helper()
	c := s.client(t)
	c.cookie, c.bearer = cookie, token
	c.get("/app").want(t, http.StatusUnauthorized)
	c.cookie = cookie
	c.get("/auth/session").want(t, http.StatusUnauthorized)
}

func TestSignOutEndsEverySessionThatWasPresented(t *testing.T) {
	s := start(t, site{})
	t.Run("cookie and token of two sessions", func(t *testing.T) {
		c := s.browser(t, grace)
		c.bearer = s.program(t, ada).bearer
		cookie, token := c.cookie, c.bearer
		c.post("/auth/logout").want(t, http.StatusNoContent)
		s.dead(t, cookie, "")
		s.dead(t, "", token)
	})
	t.Run("two cookies", func(t *testing.T) {
		one, two := s.browser(t, ada).cookie, s.browser(t, grace).cookie
		c := s.client(t)
		c.cookie = one + "; " + two
		c.post("/auth/logout").want(t, http.StatusNoContent)
		s.dead(t, one, "")
		s.dead(t, two, "")
	})
	t.Run("a cookie beside a bad token", func(t *testing.T) {
		c := s.browser(t, ada)
		cookie := c.cookie
		c.bearer = "x"
		c.post("/auth/logout").want(t, http.StatusNoContent)
		s.dead(t, cookie, "")
	})
	t.Run("nobody else's", func(t *testing.T) {
		other := s.browser(t, ada)
		s.browser(t, ada).post("/auth/logout").want(t, http.StatusNoContent)
		other.get("/auth/session").want(t, http.StatusOK)
	})
}

func TestSignOutMayBeRepeated(t *testing.T) {
	s := start(t, site{})
	c := s.browser(t, ada)
	cookie := c.cookie
	for range 3 {
		c.cookie = cookie
		c.post("/auth/logout").want(t, http.StatusNoContent)
	}
	s.client(t).post("/auth/logout").want(t, http.StatusNoContent).wantHeader(t, "Set-Cookie", "")
}

func TestSignOutLeadsBackWithinTheSite(t *testing.T) {
	s := start(t, site{options: "return_to https://other.example.com"})
	for name, tt := range map[string]struct{ returnTo, want string }{
		"nowhere in particular": {"", "/auth/login"},
		"a path":                {"return_to=%2Fbye", "/bye"},
		"a listed origin":       {"return_to=https%3A%2F%2Fother.example.com%2Fbye", "https://other.example.com/bye"},
		"another origin":        {"return_to=https%3A%2F%2Fevil.example%2F", "/auth/login"},
		"no scheme":             {"return_to=%2F%2Fevil.example", "/auth/login"},
		"the sign-out itself":   {"return_to=%2Fauth%2Flogout", "/auth/login"},
	} {
		t.Run(name, func(t *testing.T) {
			s.browser(t, ada).do(http.MethodPost, "/auth/logout", tt.returnTo, "Content-Type", "application/x-www-form-urlencoded").
				want(t, http.StatusSeeOther).wantHeader(t, "Location", tt.want)
		})
	}
}

// A GET changes nothing: else an image on any page signs people out.
func TestSignOutByGETAsksFirst(t *testing.T) {
	c := start(t, site{}).browser(t, ada)
	got := c.get("/auth/logout?return_to=%2Forders", "Accept", "text/html").want(t, http.StatusOK)
	for _, part := range []string{`<form method="post" action="/auth/logout">`, `href="/orders"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("the page has no %s:\n%s", part, got.body)
		}
	}
	got.wantHeader(t, "Set-Cookie", "")
	c.get("/auth/session").want(t, http.StatusOK)
}

// No success is reported that is none (CVE-2020-15223), and the cookie stays
// to try again with.
func TestSignOutThatTheStoreDidNotTake(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	s := start(t, site{options: "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	c := s.browser(t, ada)
	token := s.program(t, ada).bearer
	r.Kill()
	t.Run("by a program", func(t *testing.T) {
		got := c.in(t).post("/auth/logout")
		got.wantError(t, http.StatusServiceUnavailable, "unavailable")
		got.wantHeader(t, "Set-Cookie", "")
		if got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("by a form", func(t *testing.T) {
		got := c.in(t).post("/auth/logout", "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin").want(t, http.StatusServiceUnavailable)
		got.wantHeader(t, "Set-Cookie", "")
		if !strings.Contains(got.body, "you are still signed in") {
			t.Errorf("the page is\n%s", got.body)
		}
	})
	t.Run("by token", func(t *testing.T) {
		out := s.client(t)
		out.bearer = token
		out.post("/auth/logout").want(t, http.StatusServiceUnavailable)
	})
	t.Run("at another device", func(t *testing.T) {
		out := c.in(t)
		out.do(http.MethodDelete, "/auth/sessions", "").want(t, http.StatusServiceUnavailable).wantHeader(t, "Set-Cookie", "")
	})
	r.Restart()
	soon(t, "the store is back and the session with it", func() bool {
		return c.get("/auth/session").StatusCode == http.StatusOK
	})
	gone := c.cookie
	c.post("/auth/logout").want(t, http.StatusNoContent)
	s.dead(t, gone, "")
}
