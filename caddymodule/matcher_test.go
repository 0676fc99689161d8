package caddymodule_test

import (
	"net/http"
	"testing"

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
	s := start(t, site{routes: signposts})
	gone := s.browser(t, ada)
	dead := gone.cookie
	gone.post("/auth/logout").want(t, http.StatusNoContent)
	for name, tt := range map[string]struct {
		client *client
		header []string
		holds  []string
	}{
		"an admin by cookie": {s.browser(t, ada), nil,
			[]string{"X-Any", "X-Role", "X-Permission", "X-Account-Admin", "X-Role-Of-Admin", "X-Lines"}},
		"an admin by token": {s.program(t, ada), nil,
			[]string{"X-Any", "X-Role", "X-Permission", "X-Account-Admin", "X-Role-Of-Admin", "X-Lines"}},
		"an admin of another account": {s.browser(t, ada), []string{"X-Account-Id", "globex"},
			[]string{"X-Any", "X-Role", "X-Permission", "X-Lines"}},
		"somebody without permissions": {s.browser(t, grace), nil, []string{"X-Any"}},
		"nobody":                       {s.client(t), nil, []string{"X-Anonymous"}},
		"nobody with a dead cookie":    {s.client(t), []string{"Cookie", dead}, []string{"X-Anonymous"}},
		"nobody who says to be":        {s.client(t), []string{"X-Session-Roles", "admin"}, []string{"X-Anonymous"}},
		"an account not one's own":     {s.browser(t, grace), []string{"X-Account-Id", "acme"}, []string{"X-Anonymous"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.client.in(t).get("/app", tt.header...)
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
				got.wantHeader(t, name, want)
			}
		})
	}
	t.Run("it leads only those away whom it matches", func(t *testing.T) {
		s.browser(t, ada).get("/old").want(t, http.StatusSeeOther).wantHeader(t, "Location", "/new")
		s.browser(t, grace).get("/old").want(t, http.StatusOK)
	})
}

// To a route "cannot tell" is neither yes nor no.
func TestMatcherThatCannotTellFailsTheRequest(t *testing.T) {
	r := redistest.Start(t)
	up := newRecorder(t)
	s := start(t, site{upstream: up.address(),
		options: "store redis " + r.URL() + "\ncache off\nsecret a-secret-that-is-long-enough-for-tests",
		routes: `
	session_endpoints
	@anonymous not session
	handle @anonymous {
		reverse_proxy {upstream}
	}
	handle {
		respond "signed in"
	}
`})
	c := s.browser(t, ada)
	if got := c.get("/app"); got.body != "signed in" {
		t.Fatalf("answered %q", got.body)
	}
	r.Kill()
	c.get("/app").want(t, http.StatusServiceUnavailable).wantHeader(t, "Set-Cookie", "")
	if up.count() != 0 {
		t.Error("the request was taken for one without a session")
	}
	t.Run("where nothing was presented there is nothing to ask", func(t *testing.T) {
		s.client(t).get("/app").want(t, http.StatusOK)
	})
}
