package endpoint_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
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
		got := c.Post("/auth/logout")
		got.WantError(t, http.StatusUnauthorized, "unauthorized")
		if !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("the cookie is not cleared: %q", got.Header.Get("Set-Cookie"))
		}
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

// Who is told that they are signed out is: of every token, in whatever header,
// either its session has ended or the answer says that it has not.
func TestSignOutEndsTheSessionOfEveryTokenOrSaysThatItDoesNot(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, header := range map[string]func(a, b string) []string{
		"two headers": func(a, b string) []string {
			return []string{"Authorization", "Bearer " + a, "Authorization", "Bearer " + b}
		},
		"two tokens in one":       func(a, b string) []string { return []string{"Authorization", "Bearer " + a + ", Bearer " + b} },
		"two tokens and one word": func(a, b string) []string { return []string{"Authorization", "Bearer " + a + "," + b} },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := s.WithToken(t, gatewaytest.Ada).Bearer, s.WithToken(t, gatewaytest.Grace).Bearer
			s.Client(t).Post("/auth/logout", header(a, b)...).Want(t, http.StatusNoContent)
			s.WantDead(t, "", a)
			s.WantDead(t, "", b)
		})
	}
	t.Run("a token of another secret is none that can be ended", func(t *testing.T) {
		other := gatewaytest.StartProcess(t, gatewaytest.Site{Options: fmt.Sprintf("secret %q\n", gatewaytest.FormerSecret)})
		s.With(t, "", other.WithToken(t, gatewaytest.Ada).Bearer).Post("/auth/logout").WantError(t, http.StatusUnauthorized, "unauthorized")
	})
	t.Run("a token with a broken signature beside good credentials", func(t *testing.T) {
		c, good := s.WithCookie(t, gatewaytest.Ada), s.WithToken(t, gatewaytest.Grace).Bearer
		cookie := c.Cookie
		c.Post("/auth/logout", "Authorization", "Bearer "+good[:len(good)-8]+"AAAAAAAA", "Authorization", "Bearer "+good).
			WantError(t, http.StatusUnauthorized, "unauthorized")
		s.WantDead(t, cookie, "")
		s.WantDead(t, "", good)
	})
}

// A short token names its session when it is long over.
func TestATokenPastItsTimeSignsOut(t *testing.T) {
	store, now := memory.New(nil), time.Now()
	s := &sessionstore.Session{
		Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1, Email: gatewaytest.Ada},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
	}
	must(t, storetest.Keep(t.Context(), store, s))
	ring, err := token.NewRing(token.Config{Secrets: []string{strings.Repeat("s", token.MinSecret)}, Issuer: "sidegate"})
	must(t, err)
	over, err := ring.MintSession(s.Key, 1, now.Add(-time.Minute))
	must(t, err)
	site := siteOf(t, store, endpoint.Logins{})
	for path, want := range map[string]int{"/auth/refresh": http.StatusUnauthorized, "/auth/logout": http.StatusNoContent} {
		r, w := prepared(http.MethodPost, path), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+over)
		if site.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s answers %d; want %d", path, w.Code, want)
		}
	}
	if _, err := store.Get(t.Context(), s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("the session goes on: %v", err)
	}
}

// The page says "you are signed out" to nobody who may not be.
func TestWhoMayBeSignedInIsAskedWhetherToSignOut(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	one, two := s.WithCookie(t, gatewaytest.Ada).Cookie, s.WithCookie(t, gatewaytest.Grace).Cookie
	ended := s.WithCookie(t, gatewaytest.Ada)
	gone := ended.Cookie
	ended.Post("/auth/logout").Want(t, http.StatusNoContent)
	const form = `<form method="post" action="/auth/logout">`
	for name, c := range map[string]struct {
		cookie, bearer string
		want           bool
	}{
		"two good cookies":                   {one + "; " + two, "", true},
		"a good cookie and a bad token":      {one, "x", true},
		"a good cookie and one that is gone": {one + "; " + gone, "", true},
		"a cookie that is gone":              {gone, "", false},
		"nothing":                            {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.With(t, c.cookie, c.bearer).Get("/auth/logout", "Accept", "text/html").Want(t, http.StatusOK)
			if strings.Contains(got.Body, form) != c.want {
				t.Errorf("the page is\n%s", got.Body)
			}
		})
	}
	t.Run("whose login is not configured here", func(t *testing.T) {
		p := gatewaytest.NewIDP(t)
		g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: p.Login("sso", "")})
		b := g.Browser(t)
		b.SignInAt(p, "sso")
		was, with := b.Jar[0], g.Site.Options
		g.Site.Options = strings.Replace(with, p.Login("sso", ""), "", 1)
		g.Reload()
		if page := b.Open("/auth/logout").Want(t, http.StatusOK); !strings.Contains(page.Body, form) {
			t.Errorf("the page is\n%s", page.Body)
		}
		b.Submit("/auth/logout", nil).Want(t, http.StatusSeeOther)
		g.Site.Options = with
		g.Reload()
		g.WantDead(t, was, "")
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
		if !strings.Contains(got.Body, "you may still be signed in") {
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
