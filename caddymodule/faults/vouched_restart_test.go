package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// A gateway that was not there when somebody lost the right to be signed in has
// nobody to tell it: it is the session that says what it was vouched by. A new
// secret in front of the former one is no reason to sign anybody out.
func TestWhoMayNoLongerSinceNothingRanIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	former, both := fmt.Sprintf("\nsecret %q", gatewaytest.FormerSecret), fmt.Sprintf("\nsecret %q\nsecret %q", gatewaytest.PresentSecret, gatewaytest.FormerSecret)
	for store, line := range map[string]string{"embedded": "", "redis": "\nstore redis " + redistest.Start(t).URL()} {
		for name, secrets := range map[string]string{"the same secret": former, "a new secret in front of the former one": both} {
			t.Run("with the store "+store+" and "+name, func(t *testing.T) {
				app := gatewaytest.NewRecorder(t)
				p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: line, Upstream: app.Address()})
				gatewaytest.WriteFile(t, p.Users, usersBefore())
				options := p.Site.Options
				p.Site.Options += former
				p.Start()
				gone := make(map[string][]*gatewaytest.Client)
				for _, l := range leavers {
					gone[l.why] = []*gatewaytest.Client{p.WithCookie(t, l.email()), p.WithToken(t, l.email()), p.WithCookie(t, l.email())}
				}
				stays, changed := p.WithCookie(t, gatewaytest.Ada), p.WithCookie(t, gatewaytest.Grace)
				p.Terminate()
				gatewaytest.WriteFile(t, p.Users, usersAfter())
				p.Site.Options = options + secrets
				p.Start()
				for why, sessions := range gone {
					t.Run("who "+why+" is refused at their first request", func(t *testing.T) { wantAllRefused(t, sessions) })
				}
				changed.Get("/app").Want(t, http.StatusOK)
				if roles := app.Last().Header.Get("X-Session-Roles"); roles != "editor" {
					t.Errorf("who has another role by now is told of as %q at their first request", roles)
				}
				u := changed.Get("/auth/session").Want(t, http.StatusOK).Session(t)
				if !slices.Equal(u.FlatPermissionsList, []string{"orders:read", "orders:write"}) {
					t.Errorf("they may do %q", u.FlatPermissionsList)
				}
				stays.Get("/app").Want(t, http.StatusOK)
				stays.Post("/auth/refresh").Want(t, http.StatusOK)
				changed.Post("/auth/refresh").Want(t, http.StatusOK)
			})
		}
	}
}

// wantAllRefused asks for something else first with each of three sessions, and
// then for the rest.
func wantAllRefused(t *testing.T, sessions []*gatewaytest.Client) {
	t.Helper()
	ask := []func(c *gatewaytest.Client) gatewaytest.Answer{
		func(c *gatewaytest.Client) gatewaytest.Answer { return c.Get("/auth/session") },
		func(c *gatewaytest.Client) gatewaytest.Answer { return c.Get("/app") },
		func(c *gatewaytest.Client) gatewaytest.Answer { return c.Post("/auth/refresh") },
	}
	for i, c := range sessions {
		cookie := c.Cookie
		for n := range ask {
			c := c.In(t)
			c.Cookie = cookie
			ask[(i+n)%len(ask)](c).Want(t, http.StatusUnauthorized)
		}
	}
}
