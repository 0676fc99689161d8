package caddymodule_test

import (
	"net/http"
	"strings"
	"testing"
)

// doors is a site with one path for each demand.
const doors = `
	session_endpoints
	@role path /role/*
	session_auth @role {
		role owner admin
	}
	@permission path /permission/*
	session_auth @permission {
		permission orders:write nothing:else
	}
	@every path /every/*
	session_auth @every {
		permission orders:write
		permission nothing:else
	}
	@both path /both/*
	session_auth @both {
		role editor
		permission reports:run
	}
	@accountadmin path /accountadmin/*
	session_auth @accountadmin {
		account_admin
	}
	@optional path /optional/*
	session_auth @optional {
		optional
	}
	@optionaladmin path /optionaladmin/*
	session_auth @optionaladmin {
		optional
		role admin
	}
	@twice path /twice/*
	session_auth @twice {
		role admin viewer
	}
	session_auth @twice {
		permission orders:read
	}
	@quiet path /quiet/*
	session_auth @quiet {
		no_redirect
	}
	@foreign path /foreign/*
	session_auth @foreign {
		foreign_bearer
	}
	@named path /named/*
	session_auth @named {
		handle_errors
		role owner
	}
	@plain path /plain/*
	session_auth @plain
	handle_path /shop/* {
		session_auth
	}
	reverse_proxy {upstream}
	handle_errors {
		respond "the operator's page for {err.status_code}"
	}
`

func TestRolesAndPermissionsDecide(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{routes: doors, upstream: up.address()})
	people := map[string]*client{"ada": s.browser(t, ada), "grace": s.browser(t, grace), "nobody": s.client(t)}
	globex := []string{"X-Account-Id", "globex"}
	for name, tt := range map[string]struct {
		who    string
		path   string
		header []string
		want   int
	}{
		"any role of a line will do":                             {"ada", "/role/", nil, 200},
		"none of the roles":                                      {"grace", "/role/", nil, 403},
		"no session where a role is demanded":                    {"nobody", "/role/", nil, 401},
		"any permission of a line will do":                       {"ada", "/permission/", nil, 200},
		"none of the permissions":                                {"grace", "/permission/", nil, 403},
		"several lines must all hold":                            {"ada", "/every/", nil, 403},
		"role and permission both hold":                          {"ada", "/both/", nil, 200},
		"role and permission do not both hold":                   {"grace", "/both/", nil, 403},
		"who administers the account":                            {"ada", "/accountadmin/", nil, 200},
		"who administers another account than they act for":      {"ada", "/accountadmin/", globex, 403},
		"who has no account administers none":                    {"grace", "/accountadmin/", nil, 403},
		"optional without a session":                             {"nobody", "/optional/", nil, 200},
		"optional with a session":                                {"ada", "/optional/", nil, 200},
		"optional with a bad token":                              {"nobody", "/optional/", []string{"Authorization", "Bearer x"}, 401},
		"optional with a cookie that is gone":                    {"nobody", "/optional/", []string{"Cookie", "sidegate=x"}, 200},
		"optional with an account that is not one's own":         {"ada", "/optional/", []string{"X-Account-Id", "initech"}, 403},
		"optional with a demand, without a session":              {"nobody", "/optionaladmin/", nil, 200},
		"optional with a demand, a session that does not meet":   {"grace", "/optionaladmin/", nil, 403},
		"both of two directives hold":                            {"ada", "/twice/", nil, 200},
		"the second of two directives does not hold":             {"grace", "/twice/", nil, 403},
		"a token that was not issued here, without a session":    {"nobody", "/foreign/", []string{"Authorization", "Bearer x"}, 401},
		"a token that was not issued here, with a session":       {"ada", "/foreign/", []string{"Authorization", "Bearer x"}, 200},
		"a token that was not issued here, where it is not said": {"ada", "/plain/", []string{"Authorization", "Bearer x"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			before := up.count()
			got := people[tt.who].in(t).get(tt.path, tt.header...).want(t, tt.want)
			passed := up.count() > before
			if passed != (tt.want == http.StatusOK) {
				t.Errorf("the app got the request: %v", passed)
			}
			if tt.want == http.StatusUnauthorized {
				got.wantError(t, tt.want, "unauthorized")
			}
			if tt.want == http.StatusForbidden {
				got.wantError(t, tt.want, "forbidden")
			}
			if passed && tt.who == "nobody" {
				wantAnonymous(t, up.last())
			} else if passed && up.last().Header.Get("X-Session-Email") != ada {
				t.Errorf("the app is told %v", up.last().Header)
			}
		})
	}
}

func wantAnonymous(t testing.TB, r *http.Request) {
	t.Helper()
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Session-") {
			t.Errorf("the app is told %s of nobody", name)
		}
	}
}

func TestForeignBearerGoesToTheApp(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{routes: doors, upstream: up.address()})
	c := s.browser(t, ada)
	c.get("/foreign/", "Authorization", "Bearer of-the-app").want(t, http.StatusOK)
	if got := up.last().Header.Get("Authorization"); got != "Bearer of-the-app" {
		t.Errorf("the app got %q", got)
	}
	t.Run("ours does not", func(t *testing.T) {
		program := s.program(t, ada)
		program.get("/foreign/").want(t, http.StatusOK)
		if got := up.last().Header.Get("Authorization"); got != "" {
			t.Error("the app got the session token")
		}
	})
	t.Run("ours that is dead is refused beside a good cookie", func(t *testing.T) {
		program := s.program(t, grace)
		token := program.bearer
		program.post("/auth/logout").want(t, http.StatusNoContent)
		c.in(t).get("/foreign/", "Authorization", "Bearer "+token).want(t, http.StatusUnauthorized)
	})
	t.Run("two of them are nobody's", func(t *testing.T) {
		c.in(t).get("/foreign/", "Authorization", "Bearer a", "Authorization", "Bearer b").want(t, http.StatusOK)
		if got := up.last().Header.Values("Authorization"); got != nil {
			t.Errorf("the app got %v", got)
		}
	})
}

func TestSignedOutAnswers(t *testing.T) {
	s := start(t, site{routes: doors})
	navigate := []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}
	for name, tt := range map[string]struct {
		method, path string
		header       []string
		status       int
		location     string
	}{
		"a navigation": {"GET", "/plain/a?x=1&y=%20", navigate, 303,
			"/auth/login?return_to=%2Fplain%2Fa%3Fx%3D1%26y%3D%2520"},
		"a navigation of an older browser": {"GET", "/plain/", []string{"Accept", "text/html,*/*"}, 303,
			"/auth/login?return_to=%2Fplain%2F"},
		"a navigation that posts": {"POST", "/plain/", navigate, 303, "/auth/login?return_to=%2Fplain%2F"},
		"a navigation with a dead cookie": {"GET", "/plain/", append([]string{"Cookie", "sidegate=x"}, navigate...), 303,
			"/auth/login?return_to=%2Fplain%2F"},
		"a navigation whose path is rewritten":  {"GET", "/shop/cart", navigate, 303, "/auth/login?return_to=%2Fshop%2Fcart"},
		"a navigation where a role is demanded": {"GET", "/role/", navigate, 303, "/auth/login?return_to=%2Frole%2F"},
		"a navigation that lies about its host": {"GET", "/plain/", append([]string{"X-Forwarded-Host", "evil.example",
			"X-Original-URL", "//evil.example", "X-Forwarded-Uri", "//evil.example"}, navigate...), 303,
			"/auth/login?return_to=%2Fplain%2F"},
		"a fetch":                        {"GET", "/plain/", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, 401, ""},
		"a program":                      {"GET", "/plain/", nil, 401, ""},
		"a program that posts":           {"POST", "/plain/", []string{"Accept", "text/html"}, 401, ""},
		"a navigation under no_redirect": {"GET", "/quiet/", navigate, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.client(t).do(tt.method, tt.path, "", tt.header...).want(t, tt.status)
			got.wantHeader(t, "Location", tt.location)
			got.wantHeader(t, "Vary", "Cookie, Authorization, X-Account-Id")
			if !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("the answer may be kept: %q", got.Header.Get("Cache-Control"))
			}
			if tt.status == http.StatusUnauthorized {
				got.wantHeader(t, "WWW-Authenticate", "Bearer")
			}
		})
	}
}

func TestForbiddenIsAPageForPeopleAndJSONForPrograms(t *testing.T) {
	s := start(t, site{routes: doors})
	c := s.browser(t, grace)
	c.get("/role/").wantError(t, http.StatusForbidden, "forbidden")
	page := c.get("/role/", "Sec-Fetch-Mode", "navigate", "Accept", "text/html").want(t, http.StatusForbidden)
	page.wantHeader(t, "Content-Type", "text/html; charset=utf-8")
	page.wantHeader(t, "Set-Cookie", "")
	c.get("/auth/session").want(t, http.StatusOK)
}

func TestHandleErrorsLeavesRefusalsToTheOperator(t *testing.T) {
	s := start(t, site{routes: doors})
	c := s.browser(t, ada)
	for name, tt := range map[string]struct {
		client *client
		header []string
		status int
		body   string
	}{
		"no session":               {s.client(t), nil, 401, "the operator's page for 401"},
		"no session, a navigation": {s.client(t), []string{"Sec-Fetch-Mode", "navigate"}, 401, "the operator's page for 401"},
		"a missing role":           {c, nil, 403, "the operator's page for 403"},
		"not one's own account":    {c, []string{"X-Account-Id", "initech"}, 403, "the operator's page for 403"},
		"two accounts":             {c, []string{"X-Account-Id", "a", "X-Account-Id", "b"}, 400, "the operator's page for 400"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.client.in(t).get("/named/", tt.header...).want(t, tt.status); got.body != tt.body {
				t.Errorf("the answer is %q", got.body)
			}
		})
	}
}

const publicSite = `
	rewrite /doc /healthz
	rewrite /assets/old /admin
	session_endpoints
	session_auth {
		public /healthz /assets/* /a%b /espace*
	}
	reverse_proxy {upstream}
`

func TestPublicPaths(t *testing.T) {
	up := newRecorder(t)
	s := start(t, site{routes: publicSite, upstream: up.address()})
	for target, public := range map[string]bool{
		"/healthz":             true,
		"/healthz?x=/../admin": true,
		"/assets/":             true,
		"/assets/a/b.css":      true,
		"/assets/a%20b.css":    true,
		"/assets/caf%C3%A9":    true,
		"/espace":              true,
		"/espaces/1":           true,

		// What is decided on is the path that is forwarded.
		"/doc":        true,
		"/assets/old": false,

		"/":                               false,
		"/healthz/":                       false,
		"/healthzz":                       false,
		"/Healthz":                        false,
		"/assets":                         false,
		"/ASSETS/a":                       false,
		"/admin?/assets/":                 false,
		"/admin;/assets/":                 false,
		"//assets/a":                      false,
		"/assets//a":                      false,
		"/assets/../admin":                false,
		"/assets/./a":                     false,
		"/assets/%2e%2e/admin":            false,
		"/assets/..%2fadmin":              false,
		"/assets/..%2Fadmin":              false,
		"/assets%2fa":                     false,
		"/assets/a%2f..%2f..%2fadmin":     false,
		"/assets/..;/admin":               false,
		"/assets/;x=1/../admin":           false,
		"/assets/..%5cadmin":              false,
		`/assets/..\admin`:                false,
		"/assets/%252e%252e/admin":        false,
		"/assets/..%252fadmin":            false,
		"/assets/%00/../admin":            false,
		"/assets/a%00":                    false,
		"/assets/%c0%ae%c0%ae/admin":      false,
		"/assets/%ef%bc%8e%ef%bc%8e/a":    false,
		"/assets/%u002e%u002e/admin":      false,
		"/assets/a%0d%0aX-Session-Id:%20": false,
		"/assets/a%3f/../admin":           false,
		"/healthz%23":                     false,
		"/h%65althz":                      true, // another spelling of the very same path
	} {
		t.Run(target, func(t *testing.T) {
			before, want := up.count(), http.StatusUnauthorized
			if public {
				want = http.StatusOK
			}
			got := s.getExactly(t, target, "X-Session-Email", "ada@example.com")
			if got != want && !(got == http.StatusBadRequest && !public) {
				t.Errorf("status %d, want %d", got, want)
			}
			if passed := up.count() > before; passed != public {
				t.Errorf("the app got the request: %v", passed)
			} else if passed {
				wantAnonymous(t, up.last())
			}
		})
	}
	t.Run("a session that is there is injected", func(t *testing.T) {
		s.browser(t, ada).get("/healthz").want(t, http.StatusOK)
		if got := up.last().Header.Get("X-Session-Email"); got != ada {
			t.Errorf("the app is told %q", got)
		}
	})
	for name, header := range map[string][]string{
		"a dead cookie":                    {"Cookie", "sidegate=x"},
		"a bad token":                      {"Authorization", "Bearer x"},
		"two accounts":                     {"X-Account-Id", "a", "X-Account-Id", "b"},
		"an account that is not one's own": {"X-Account-Id", "initech"},
	} {
		t.Run(name+" opens a public path to nobody in particular", func(t *testing.T) {
			c := s.browser(t, ada)
			if header[0] == "Cookie" {
				c.cookie = ""
			}
			c.get("/healthz", header...).want(t, http.StatusOK)
			wantAnonymous(t, up.last())
		})
	}
}
