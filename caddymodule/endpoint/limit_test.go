package endpoint_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// 150 sign-ins in a row make as many sessions as there may be.
func TestSignInsInARowMakeNoMoreSessionsThanThereMayBe(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			site.Options += "\nmax_sessions 20"
			s := gatewaytest.Start(t, site)
			first, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
			token := s.WithToken(t, gatewaytest.Ada)
			first.Get("/auth/session").Want(t, http.StatusOK) // it is in the near cache now
			var last *gatewaytest.Client
			for range 150 {
				last = s.WithCookie(t, gatewaytest.Ada)
			}
			if n := len(gatewaytest.DevicesOf(last)); n != 20 {
				t.Errorf("there are %d sessions; want 20", n)
			}
			s.WantDead(t, first.Cookie, "")
			s.WantDead(t, "", token.Bearer)
			last.Get("/auth/session").Want(t, http.StatusOK)
			other.Get("/auth/session").Want(t, http.StatusOK)
			signOutEverywhere(t, last)
			signOutEverywhere(t, other)
		})
	}
}

// signOutEverywhere leaves nothing of the person for another test: the memory
// store is the process's.
func signOutEverywhere(t *testing.T, c *gatewaytest.Client) {
	t.Helper()
	c.In(t).Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
	c.In(t).Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
}

func TestWhoMayHaveNoMoreSessionsIsTold(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			site.Options += "\nmax_sessions 2 refuse"
			s := gatewaytest.Start(t, site)
			laptop, phone := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
			s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).WantError(t, http.StatusForbidden, "too_many_sessions")
			page := s.Client(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/").Want(t, http.StatusForbidden)
			if !strings.Contains(page.Body, "Sign out at one of them") || page.Header.Get("Set-Cookie") != "" {
				t.Errorf("the page says\n%s", page.Body)
			}
			t.Run("is not counted as somebody who guesses passwords", func(t *testing.T) {
				for range 30 {
					s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusForbidden)
				}
				signOutEverywhere(t, s.WithCookie(t, gatewaytest.Grace))
			})
			t.Run("loses no session by that", func(t *testing.T) {
				laptop.In(t).Get("/auth/session").Want(t, http.StatusOK)
				phone.In(t).Get("/auth/session").Want(t, http.StatusOK)
			})
			t.Run("may sign in where they are signed in", func(t *testing.T) {
				before := phone.Cookie
				phone.In(t).SignInByForm(gatewaytest.Ada, gatewaytest.Password, "/").Want(t, http.StatusSeeOther)
				s.WantDead(t, before, "")
			})
			t.Run("may sign in when they have signed out elsewhere", func(t *testing.T) {
				laptop.In(t).Do(http.MethodPost, "/auth/logout", "").Want(t, http.StatusNoContent)
				signOutEverywhere(t, s.WithCookie(t, gatewaytest.Ada))
			})
		})
	}
}

// What ended at one gateway must not live on in the near cache of another.
func TestWhatEndsForANewSessionEndsAtEveryGateway(t *testing.T) {
	t.Parallel()
	site := gatewaytest.Site{Options: "cache 1h\nmax_sessions 1"}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	here, there := gatewaytest.StartProcess(t, site), gatewaytest.StartProcess(t, site)
	first := here.WithCookie(t, gatewaytest.Ada)
	at := there.With(t, first.Cookie, "")
	gatewaytest.Await(t, "the other gateway answers from its near cache", func() bool {
		at.Get("/auth/session").Want(t, http.StatusOK)
		return there.Scrape().Samples[`near_cache_lookups_total{result="hit"}`] > 0
	})
	here.WithCookie(t, gatewaytest.Ada)
	gatewaytest.Await(t, "the other gateway has heard of it", func() bool {
		return at.Get("/auth/session").StatusCode == http.StatusUnauthorized
	})
	here.AwaitSample("sessions_ended_by_limit_total", 1)
	here.AwaitLog(`"level":"warn"`, `"option":"max_sessions"`, `"user_id":1`, `"sessions":1`, "sessions ended that were idle the longest")
}
