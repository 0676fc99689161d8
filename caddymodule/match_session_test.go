package caddymodule_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// signposts is a site whose answers tell which matchers held. Both header and
// redir come before session_auth.
const signposts = `
	@any session
	@role session role admin owner
	@permission session permission orders:write nothing:else
	@both session role admin permission nothing:else
	@accountadmin session account_admin
	@roleofadmin session role editor account_admin
	@lines {
		session {
			role admin viewer
			permission orders:read
		}
	}
	@anonymous not session
	@old {
		path /old
		session role admin
	}
	header @any X-Any yes
	header @role X-Role yes
	header @permission X-Permission yes
	header @both X-Both yes
	header @accountadmin X-Account-Admin yes
	header @roleofadmin X-Role-Of-Admin yes
	header @lines X-Lines yes
	header @anonymous X-Anonymous yes
	redir @old /new 303
	session_endpoints
	session_auth {
		optional
	}
	reverse_proxy {upstream}
`

func TestMatcherHoldsBeforeOtherDirectives(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: signposts})
	gone := s.WithCookie(t, gatewaytest.Ada)
	dead := gone.Cookie
	gone.Post("/auth/logout").Want(t, http.StatusNoContent)
	for name, tt := range map[string]struct {
		client *gatewaytest.Client
		header []string
		holds  []string
	}{
		"an admin by cookie": {s.WithCookie(t, gatewaytest.Ada), nil,
			[]string{"X-Any", "X-Role", "X-Permission", "X-Account-Admin", "X-Role-Of-Admin", "X-Lines"}},
		"an admin by token": {s.WithToken(t, gatewaytest.Ada), nil,
			[]string{"X-Any", "X-Role", "X-Permission", "X-Account-Admin", "X-Role-Of-Admin", "X-Lines"}},
		"an admin of another account": {s.WithCookie(t, gatewaytest.Ada), []string{"X-Account-Id", "globex"},
			[]string{"X-Any", "X-Role", "X-Permission", "X-Lines"}},
		"somebody without permissions": {s.WithCookie(t, gatewaytest.Grace), nil, []string{"X-Any"}},
		"nobody":                       {s.Client(t), nil, []string{"X-Anonymous"}},
		"nobody with a dead cookie":    {s.Client(t), []string{"Cookie", dead}, []string{"X-Anonymous"}},
		"nobody who says to be":        {s.Client(t), []string{"X-Session-Roles", "admin"}, []string{"X-Anonymous"}},
		"an account not one's own":     {s.WithCookie(t, gatewaytest.Grace), []string{"X-Account-Id", "acme"}, []string{"X-Anonymous"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.client.In(t).Get("/app", tt.header...)
			held := make(map[string]bool)
			for _, name := range tt.holds {
				held[name] = true
			}
			for _, name := range []string{"X-Any", "X-Role", "X-Permission", "X-Both", "X-Account-Admin",
				"X-Role-Of-Admin", "X-Lines", "X-Anonymous"} {
				want := ""
				if held[name] {
					want = "yes"
				}
				got.WantHeader(t, name, want)
			}
		})
	}
	t.Run("it leads only those away whom it matches", func(t *testing.T) {
		s.WithCookie(t, gatewaytest.Ada).Get("/old").Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/new")
		s.WithCookie(t, gatewaytest.Grace).Get("/old").Want(t, http.StatusOK)
	})
}

// To a route "cannot tell" is neither yes nor no.
func TestMatcherThatCannotTellFailsTheRequest(t *testing.T) {
	r := redistest.Start(t)
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(),
		Options: "store redis " + r.URL() + "\ncache off\nsecret a-secret-that-is-long-enough-for-tests",
		Routes: `
	session_endpoints
	@anonymous not session
	handle @anonymous {
		reverse_proxy {upstream}
	}
	handle {
		respond "signed in"
	}
`})
	c := s.WithCookie(t, gatewaytest.Ada)
	if got := c.Get("/app"); got.Body != "signed in" {
		t.Fatalf("answered %q", got.Body)
	}
	r.Kill()
	c.Get("/app").Want(t, http.StatusServiceUnavailable).WantHeader(t, "Set-Cookie", "")
	if up.Count() != 0 {
		t.Error("the request was taken for one without a session")
	}
	t.Run("where nothing was presented there is nothing to ask", func(t *testing.T) {
		s.Client(t).Get("/app").Want(t, http.StatusOK)
	})
}
