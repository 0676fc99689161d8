package faults_test

import (
	"fmt"
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// wantAccessBorne says that a session which keeps an access token is good at the
// earlier gateway, which knows of none, and that the app behind this one has a good
// token whatever the other has written.
func wantAccessBorne(t *testing.T, earlier, this binary) {
	sso, up := gatewaytest.NewIDP(t), gatewaytest.NewRecorder(t)
	sso.Gives(func(n int) map[string]any {
		return map[string]any{"access_token": fmt.Sprintf("access-%d", n), "refresh_token": fmt.Sprintf("refresh-%d", n), "expires_in": 3600}
	})
	site := gatewaytest.Site{Options: sso.Login("sso", ""), Upstream: up.Address(), Hasty: true}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	one := gatewaytest.NewProcess(t, site)
	site.Auth = "upstream_token sso"
	other := gatewaytest.NewProcess(t, site)
	earlier.run(one)
	this.run(other)
	cookie := other.SignedInAt(t, sso, "ada", "sid-ada").Cookie
	for _, c := range []struct {
		at        *gatewaytest.Process
		refreshes bool
		sent      string
	}{
		{other, false, "Bearer access-1"},
		{one, false, ""},
		{other, false, "Bearer access-1"},
		{one, true, ""}, // it leaves out what it does not know
		{other, false, "Bearer access-3"},
		{other, true, "Bearer access-4"},
	} {
		there := c.at.With(t, cookie, "")
		if c.refreshes {
			there.Post("/auth/refresh").Want(t, http.StatusOK)
		}
		// What one has written the other hears of a moment later.
		gatewaytest.Await(t, fmt.Sprintf("the app gets the Authorization %q", c.sent), func() bool {
			there.Get("/app").Want(t, http.StatusOK)
			return up.Last().Header.Get("Authorization") == c.sent
		}, func() string { return up.Last().Header.Get("Authorization") })
	}
}
