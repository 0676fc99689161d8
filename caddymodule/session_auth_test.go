package caddymodule_test

import (
	"cmp"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
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
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: doors, Upstream: up.Address()})
	people := map[string]*gatewaytest.Client{"ada": s.WithCookie(t, gatewaytest.Ada), "grace": s.WithCookie(t, gatewaytest.Grace), "nobody": s.Client(t)}
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
		"both of two directives hold":                            {"ada", "/twice/", nil, 200},
		"the second of two directives does not hold":             {"grace", "/twice/", nil, 403},
		"a token that was not issued here, without a session":    {"nobody", "/foreign/", []string{"Authorization", "Bearer x"}, 401},
		"a token that was not issued here, with a session":       {"ada", "/foreign/", []string{"Authorization", "Bearer x"}, 200},
		"a token that was not issued here, where it is not said": {"ada", "/plain/", []string{"Authorization", "Bearer x"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			before := up.Count()
			got := people[tt.who].In(t).Get(tt.path, tt.header...).Want(t, tt.want)
			passed := up.Count() > before
			if passed != (tt.want == http.StatusOK) {
				t.Errorf("the app got the request: %v", passed)
			}
			if tt.want == http.StatusUnauthorized {
				got.WantError(t, tt.want, "unauthorized")
			}
			if tt.want == http.StatusForbidden {
				got.WantError(t, tt.want, "forbidden")
			}
			if passed && tt.who == "nobody" {
				wantAnonymous(t, up.Last())
			} else if passed && up.Last().Header.Get("X-Session-Email") != gatewaytest.Ada {
				t.Errorf("the app is told %v", up.Last().Header)
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
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: doors, Upstream: up.Address()})
	c := s.WithCookie(t, gatewaytest.Ada)
	c.Get("/foreign/", "Authorization", "Bearer of-the-app").Want(t, http.StatusOK)
	if got := up.Last().Header.Get("Authorization"); got != "Bearer of-the-app" {
		t.Errorf("the app got %q", got)
	}
	t.Run("ours does not", func(t *testing.T) {
		program := s.WithToken(t, gatewaytest.Ada)
		program.Get("/foreign/").Want(t, http.StatusOK)
		if got := up.Last().Header.Get("Authorization"); got != "" {
			t.Error("the app got the session token")
		}
	})
	t.Run("ours that is dead is refused beside a good cookie", func(t *testing.T) {
		program := s.WithToken(t, gatewaytest.Grace)
		token := program.Bearer
		program.Post("/auth/logout").Want(t, http.StatusNoContent)
		c.In(t).Get("/foreign/", "Authorization", "Bearer "+token).Want(t, http.StatusUnauthorized)
	})
	t.Run("two of them are nobody's", func(t *testing.T) {
		c.In(t).Get("/foreign/", "Authorization", "Bearer a", "Authorization", "Bearer b").Want(t, http.StatusOK)
		if got := up.Last().Header.Values("Authorization"); got != nil {
			t.Errorf("the app got %v", got)
		}
	})
}

func TestSignedOutAnswers(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: doors})
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
			got := s.Client(t).Do(tt.method, tt.path, "", tt.header...).Want(t, tt.status)
			got.WantHeader(t, "Location", tt.location)
			varies := "Cookie, Authorization, X-Account-Id"
			if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				varies += ", Accept-Language"
			}
			got.WantHeader(t, "Vary", varies)
			if !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("the answer may be kept: %q", got.Header.Get("Cache-Control"))
			}
			if tt.status == http.StatusUnauthorized {
				got.WantHeader(t, "WWW-Authenticate", "Bearer")
			}
		})
	}
}

func TestForbiddenIsAPageForPeopleAndJSONForPrograms(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: doors})
	c := s.WithCookie(t, gatewaytest.Grace)
	c.Get("/role/").WantError(t, http.StatusForbidden, "forbidden")
	page := c.Get("/role/", "Sec-Fetch-Mode", "navigate", "Accept", "text/html").Want(t, http.StatusForbidden)
	page.WantHeader(t, "Content-Type", "text/html; charset=utf-8")
	page.WantHeader(t, "Set-Cookie", "")
	c.Get("/auth/session").Want(t, http.StatusOK)
}

func TestHandleErrorsLeavesRefusalsToTheOperator(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: doors})
	c := s.WithCookie(t, gatewaytest.Ada)
	for name, tt := range map[string]struct {
		client *gatewaytest.Client
		header []string
		status int
		body   string
	}{
		"no session":               {s.Client(t), nil, 401, "the operator's page for 401"},
		"no session, a navigation": {s.Client(t), []string{"Sec-Fetch-Mode", "navigate"}, 401, "the operator's page for 401"},
		"a missing role":           {c, nil, 403, "the operator's page for 403"},
		"not one's own account":    {c, []string{"X-Account-Id", "initech"}, 403, "the operator's page for 403"},
		"two accounts":             {c, []string{"X-Account-Id", "a", "X-Account-Id", "b"}, 400, "the operator's page for 400"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.client.In(t).Get("/named/", tt.header...).Want(t, tt.status); got.Body != tt.body {
				t.Errorf("the answer is %q", got.Body)
			}
		})
	}
}

// TestAPageThatAWorkerAsksForLeadsToTheLoginPage: see IsRelayed. The worker's own script
// is refused, and no browser takes a page or a redirect for one.
func TestAPageThatAWorkerAsksForLeadsToTheLoginPage(t *testing.T) {
	g := gatewaytest.Start(t, gatewaytest.Site{Routes: doors})
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for name, c := range map[string]struct {
		path, dest, accept string
		page               bool
	}{
		"a page":                                {"/plain/orders?a=1", "empty", html, true},
		"data":                                  {"/plain/orders", "empty", "*/*", false},
		"its own script":                        {"/plain/sw.js", "serviceworker", "*/*", false},
		"its own script, by whoever wants HTML": {"/plain/sw.js", "serviceworker", html, false},
		"a page of a route without redirects":   {"/quiet/orders", "empty", html, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.Client(t).Get(c.path, "Sec-Fetch-Mode", "same-origin", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", c.dest, "Accept", c.accept)
			got.WantHeader(t, "WWW-Authenticate", "Bearer")
			if !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("Cache-Control is %q", got.Header.Get("Cache-Control"))
			}
			if !c.page {
				got.WantError(t, http.StatusUnauthorized, "unauthorized")
				return
			}
			got.Want(t, http.StatusUnauthorized).WantHeader(t, "Content-Type", "text/html; charset=utf-8")
			if !strings.Contains(got.Body, "url=/auth/login?return_to=%2Fplain%2Forders%3Fa%3D1") {
				t.Errorf("the page is %s", got.Body)
			}
		})
	}
}

// Whoever is refused reads it on a page that is the operator's, in their language.
func TestEveryRefusalIsInTheLookOfTheConfiguration(t *testing.T) {
	texts := t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(texts, "fr.json"), `{"problem.front": "Page d'accueil"}`)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: "appearance {\nname Acme\ntemplates " + texts + "\n}",
		Routes:  "session_endpoints\n@admin path /admin/*\nsession_auth @admin {\nrole admin\n}\nsession_auth /quiet {\nno_redirect\n}\nreverse_proxy {upstream}",
	})
	ada, grace := s.Client(t), s.Client(t)
	ada.SignIn(gatewaytest.Ada)
	grace.SignIn(gatewaytest.Grace)
	for name, c := range map[string]struct {
		who                *gatewaytest.Client
		method, path, body string
		header             []string
		status             int
	}{
		"a path that can be read in several ways":     {who: ada, path: "/admin%5Cusers", status: http.StatusBadRequest},
		"a role that is missing":                      {who: grace, path: "/admin/users", status: http.StatusForbidden},
		"nobody, where nobody is led to the login":    {who: s.Client(t), path: "/quiet", status: http.StatusUnauthorized},
		"an account that is not theirs":               {who: ada, path: "/admin/users", header: []string{"X-Account-Id", "nobodys"}, status: http.StatusForbidden},
		"a post that may be a repetition":             {who: ada, method: "POST", path: "/", header: []string{"Early-Data", "1"}, status: http.StatusTooEarly},
		"a post to an endpoint, the same":             {who: ada, method: "POST", path: "/auth/logout", header: []string{"Early-Data", "1"}, status: http.StatusTooEarly},
		"an endpoint that there is not":               {who: ada, path: "/auth/nothing", status: http.StatusNotFound},
		"a method that an endpoint does not take":     {who: ada, path: "/auth/start-over", status: http.StatusMethodNotAllowed},
		"a form of another kind":                      {who: ada, method: "POST", path: "/auth/account", body: "<a/>", header: []string{"Content-Type", "text/xml"}, status: http.StatusUnsupportedMediaType},
		"a sign-in of another kind":                   {who: ada, method: "POST", path: "/auth/login", body: "<a/>", header: []string{"Content-Type", "text/xml"}, status: http.StatusUnsupportedMediaType},
		"a sign-out elsewhere of another kind":        {who: ada, method: "POST", path: "/auth/sessions", body: "<a/>", header: []string{"Content-Type", "text/xml"}, status: http.StatusUnsupportedMediaType},
		"a form of more bytes than are taken":         {who: ada, method: "POST", path: "/auth/account", body: strings.Repeat("a", 1<<17), header: []string{"Content-Type", gatewaytest.AsForm}, status: http.StatusRequestEntityTooLarge},
		"a form of another site":                      {who: ada, method: "POST", path: "/auth/account", body: "a=b", header: []string{"Content-Type", gatewaytest.AsForm, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, status: http.StatusForbidden},
		"a sign-in with a name that is there twice":   {who: ada, method: "POST", path: "/auth/login", body: "email=a&email=b", header: []string{"Content-Type", gatewaytest.AsForm}, status: http.StatusBadRequest},
		"a provider's answer to nothing, at no route": {who: ada, path: "/auth/callback/sso?code=c&state=s", status: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			header := append([]string{"Accept", "text/html", "Accept-Language", "fr", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}, c.header...)
			a := c.who.In(t).Do(cmp.Or(c.method, http.MethodGet), c.path, c.body, header...)
			a.Want(t, c.status)
			if !strings.Contains(a.Body, `<html lang="fr"`) || !strings.Contains(a.Body, "Acme</title>") {
				t.Errorf("the page is\n%.900s", a.Body)
			}
		})
	}
}
