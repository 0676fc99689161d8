package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestSignOutIsImmediate(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
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
			c := s.Client(t)
			token := c.SignIn(gatewaytest.Ada).Token
			short := c.Get("/auth/session").Session(t).Token
			cookie := c.Cookie
			if how.byToken {
				c.Cookie, c.Bearer = "", token
			}
			got := c.Post("/auth/logout", how.header...).Want(t, how.status)
			got.WantHeader(t, "Cache-Control", "no-store")
			if cleared := strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0"); cleared == how.byToken {
				t.Errorf("Set-Cookie is %q", got.Header.Get("Set-Cookie"))
			}
			s.WantDead(t, cookie, "")
			s.WantDead(t, "", token)
			s.WantDead(t, "", short)
		})
	}
	if n := up.Count(); n != 0 {
		t.Errorf("the upstream got %d requests of people who had signed out", n)
	}
}

func TestSignOutEndsEverySessionThatWasPresented(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	t.Run("cookie and token of two sessions", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Grace)
		c.Bearer = s.WithToken(t, gatewaytest.Ada).Bearer
		cookie, token := c.Cookie, c.Bearer
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		s.WantDead(t, cookie, "")
		s.WantDead(t, "", token)
	})
	t.Run("two cookies", func(t *testing.T) {
		one, two := s.WithCookie(t, gatewaytest.Ada).Cookie, s.WithCookie(t, gatewaytest.Grace).Cookie
		c := s.Client(t)
		c.Cookie = one + "; " + two
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		s.WantDead(t, one, "")
		s.WantDead(t, two, "")
	})
	t.Run("a cookie beside a bad token", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Ada)
		cookie := c.Cookie
		c.Bearer = "x"
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		s.WantDead(t, cookie, "")
	})
	// session_auth and the sign-out read cookies alike: net/http's reader gives up
	// above 3,000 of them, and then the one would see a session and the other none.
	t.Run("a cookie behind 3,500 others, which session_auth finds too", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Ada)
		cookie := c.Cookie
		c.Cookie = strings.Repeat("a=;", 3500) + cookie
		c.Get("/app").Want(t, http.StatusOK)
		if got := c.Post("/auth/logout").Want(t, http.StatusNoContent); !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("the cookie is not cleared: %q", got.Header.Get("Set-Cookie"))
		}
		s.WantDead(t, cookie, "")
	})
	// Cookies that somebody else has set stand before the real one.
	t.Run("a cookie behind 200 well-formed ones of its name", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Ada)
		cookie := c.Cookie
		name, _, _ := strings.Cut(cookie, "=")
		var before strings.Builder
		for range 200 {
			before.WriteString(name + "=" + sessionstore.NewSecret(1).Encode() + "; ")
		}
		c.Cookie = before.String() + cookie
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		s.WantDead(t, cookie, "")
	})
	t.Run("nobody else's", func(t *testing.T) {
		other := s.WithCookie(t, gatewaytest.Ada)
		s.WithCookie(t, gatewaytest.Ada).Post("/auth/logout").Want(t, http.StatusNoContent)
		other.Get("/auth/session").Want(t, http.StatusOK)
	})
}

func TestSignOutMayBeRepeated(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.WithCookie(t, gatewaytest.Ada)
	cookie := c.Cookie
	for range 3 {
		c.Cookie = cookie
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
	}
	s.Client(t).Post("/auth/logout").Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
}

// A GET changes nothing: else an image on any page signs people out.
func TestSignOutByGETAsksFirst(t *testing.T) {
	c := gatewaytest.Start(t, gatewaytest.Site{}).WithCookie(t, gatewaytest.Ada)
	got := c.Get("/auth/logout?return_to=%2Forders", "Accept", "text/html").Want(t, http.StatusOK)
	for _, part := range []string{`<form method="post" action="/auth/logout">`, `href="/orders"`} {
		if !strings.Contains(got.Body, part) {
			t.Errorf("the page has no %s:\n%s", part, got.Body)
		}
	}
	got.WantHeader(t, "Set-Cookie", "")
	c.Get("/auth/session").Want(t, http.StatusOK)
}

// No success is reported that is none (CVE-2020-15223), and the cookie stays
// to try again with.
func TestSignOutThatTheStoreDidNotTake(t *testing.T) {
	r := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "store redis " + r.URL() + "\nsecret a-secret-that-is-long-enough-for-tests"})
	c := s.WithCookie(t, gatewaytest.Ada)
	token := s.WithToken(t, gatewaytest.Ada).Bearer
	r.Kill()
	t.Run("by a program", func(t *testing.T) {
		got := c.In(t).Post("/auth/logout")
		got.WantError(t, http.StatusServiceUnavailable, "unavailable")
		got.WantHeader(t, "Set-Cookie", "")
		if got.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("by a form", func(t *testing.T) {
		got := c.In(t).Post("/auth/logout", "Content-Type", "application/x-www-form-urlencoded",
			"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusServiceUnavailable)
		got.WantHeader(t, "Set-Cookie", "")
		if !strings.Contains(got.Body, "you are still signed in") {
			t.Errorf("the page is\n%s", got.Body)
		}
	})
	t.Run("by token", func(t *testing.T) {
		out := s.Client(t)
		out.Bearer = token
		out.Post("/auth/logout").Want(t, http.StatusServiceUnavailable)
	})
	t.Run("at another device", func(t *testing.T) {
		out := c.In(t)
		out.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusServiceUnavailable).WantHeader(t, "Set-Cookie", "")
	})
	r.Restart()
	gatewaytest.Await(t, "the store is back and the session with it", func() bool {
		return c.Get("/auth/session").StatusCode == http.StatusOK
	})
	gone := c.Cookie
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	s.WantDead(t, gone, "")
}
