package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Browsers send a host's cookies to all its ports. A gateway that knows nothing
// of a session must not say that it is gone to a cookie that another has made.
func TestACookieOfAnotherGatewayIsLeftAlone(t *testing.T) {
	t.Parallel()
	one, two := gatewaytest.StartProcess(t, gatewaytest.Site{}), gatewaytest.StartProcess(t, gatewaytest.Site{})
	cookie := one.WithCookie(t, gatewaytest.Ada).Cookie
	for _, c := range []struct {
		name, method, path string
		status             int
		header             []string
	}{
		{"a look at the session", "GET", "/auth/session", http.StatusUnauthorized, nil},
		{"a page of the app", "GET", "/app", http.StatusSeeOther, []string{"Sec-Fetch-Mode", "navigate"}},
		{"a program at the app", "GET", "/app", http.StatusUnauthorized, nil},
		{"one's devices", "GET", "/auth/sessions", http.StatusUnauthorized, nil},
		{"a refresh", "POST", "/auth/refresh", http.StatusUnauthorized, nil},
		{"a sign-out there", "POST", "/auth/logout", http.StatusNoContent, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			browser := two.With(t, cookie, "")
			browser.Do(c.method, c.path, "", c.header...).Want(t, c.status).WantHeader(t, "Set-Cookie", "")
		})
	}
	one.With(t, cookie, "").Get("/auth/session").Want(t, http.StatusOK)
	t.Run("and one of its own is cleared when its session is gone", func(t *testing.T) {
		c := two.WithCookie(t, gatewaytest.Ada)
		own := c.Cookie
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		if got := two.With(t, own, "").Get("/auth/session").Want(t, http.StatusUnauthorized); got.Header.Get("Set-Cookie") == "" {
			t.Error("it is kept")
		}
	})
}
