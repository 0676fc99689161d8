package endpoint_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestPrimaryAccountIsChosen(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
	c.Choose("globex").WantAccount(t, "globex")
	c.Get("/auth/session").WantAccount(t, "globex")
	c.Get("/app").Want(t, http.StatusOK)
	if got := up.Last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Admin") != "false" {
		t.Errorf("the app is told %v", got)
	}
	t.Run("the choice survives a refresh", func(t *testing.T) {
		c.In(t).Post("/auth/refresh").WantAccount(t, "globex")
		c.In(t).Get("/auth/session").WantAccount(t, "globex")
	})
	t.Run("other sessions keep theirs", func(t *testing.T) {
		other.In(t).Get("/auth/session").WantAccount(t, "acme")
	})
	t.Run("it may be changed back", func(t *testing.T) {
		c.In(t).Choose("acme").WantAccount(t, "acme")
		c.In(t).Choose("globex").WantAccount(t, "globex")
	})
	for name, account := range map[string]string{
		"an account of somebody else": "initech", "an empty name": "", "another case": "ACME", "a placeholder": "{env.HOME}",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.In(t).Choose(account).WantError(t, http.StatusForbidden, "forbidden")
			c.In(t).Get("/auth/session").WantAccount(t, "globex")
		})
	}
	t.Run("a person without accounts has none to choose", func(t *testing.T) {
		s.WithCookie(t, gatewaytest.Grace).Choose("acme").Want(t, http.StatusForbidden)
		s.WithCookie(t, gatewaytest.Grace).Choose("").Want(t, http.StatusForbidden)
	})
}

func TestAccountOfOneRequest(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address()})
	c := s.WithCookie(t, gatewaytest.Ada)
	c.Get("/auth/session", "X-Account-Id", "globex").WantAccount(t, "globex")
	c.Get("/app", "X-Account-Id", "globex").Want(t, http.StatusOK)
	if got := up.Last().Header; got.Get("X-Session-Account-Id") != "globex" || got.Get("X-Session-Account-Name") != "Globex" {
		t.Errorf("the app is told %v", got)
	}
	if got := up.Last().Header.Values("X-Account-Id"); got != nil {
		t.Errorf("X-Account-Id went on to the app: %v", got)
	}
	t.Run("a refresh answers for it too", func(t *testing.T) {
		c.In(t).Post("/auth/refresh", "X-Account-Id", "globex").WantAccount(t, "globex")
	})
	t.Run("the next request is without it", func(t *testing.T) {
		c.In(t).Get("/auth/session").WantAccount(t, "acme")
	})
	before := up.Count()
	for name, tt := range map[string]struct {
		values []string
		status int
	}{
		"one that is not one's own":  {[]string{"X-Account-Id", "initech"}, 403},
		"an empty one":               {[]string{"X-Account-Id", ""}, 403},
		"two of them":                {[]string{"X-Account-Id", "acme", "X-Account-Id", "globex"}, 400},
		"the same twice":             {[]string{"X-Account-Id", "acme", "X-Account-Id", "acme"}, 400},
		"two on one line":            {[]string{"X-Account-Id", "acme,globex"}, 403},
		"one's own in another case":  {[]string{"X-Account-Id", "ACME"}, 403},
		"the id with a space inside": {[]string{"X-Account-Id", "ac me"}, 403},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			c.In(t).Get("/auth/session", tt.values...).Want(t, tt.status)
			c.In(t).Get("/app", tt.values...).Want(t, tt.status)
			c.In(t).Post("/auth/refresh", tt.values...).Want(t, tt.status)
			c.In(t).Get("/auth/sessions", tt.values...).Want(t, tt.status)
			c.In(t).Do(http.MethodDelete, "/auth/sessions", "", tt.values...).Want(t, tt.status)
		})
	}
	if up.Count() != before {
		t.Error("a refused request reached the app")
	}
}
