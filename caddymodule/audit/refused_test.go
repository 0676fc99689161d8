package audit_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const refusing = "session_endpoints\nsession_auth {\npath /role/* {\nrole admin\n}\npath /permission/* {\npermission orders:write\n}\n" +
	"path /account/* {\naccount_admin\n}\npath /method/* {\nmethod DELETE\nrole admin\n}\n}\nrespond OK"

// asking is a request of somebody who is signed in.
type asking struct {
	name, method, path string
	header             []string
	status             int
	want               string // the line; empty for none
}

var (
	notTheirs = []string{"X-Account-Id", "nobodys"}
	two       = []string{"X-Account-Id", "acme", "X-Account-Id", "globex"}
	elsewhere = []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
	socket    = append([]string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}, elsewhere...)
)

// about is a question of another proxy about such a request.
func about(method, path string, more ...string) []string {
	return append([]string{"X-Forwarded-Method", method, "X-Forwarded-Uri", path, "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}, more...)
}

const (
	aRole    = `path /role/*: role admin`
	ownOnly  = `X-Account-Id: an account of theirs`
	oneAlone = `X-Account-Id: one account`
)

func forbidden(method, path, rule string) string {
	return "route forbidden: 2 by person, " + method + " " + path + ` by login "users", ` + rule
}

// Who is signed in and refused has a line, whatever it is that refuses them and wherever.
func TestEveryRefusalOfWhoIsSignedInIsInTheAuditLog(t *testing.T) {
	policy, _ := strings.CutPrefix(refusing, "session_endpoints\nsession_auth")
	policy, _ = strings.CutSuffix(policy, "\nrespond OK")
	p := gatewaytest.StartProcess(t, gatewaytest.Site{
		Routes: refusing, Options: "why\npolicy default" + policy, Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}",
	})
	grace := p.Client(t)
	grace.SignIn(gatewaytest.Grace)
	cases := []asking{
		{"a role", "GET", "/role/x", nil, 403, forbidden("GET", "/role/x", aRole)},
		{"a permission", "GET", "/permission/x", nil, 403, forbidden("GET", "/permission/x", `path /permission/*: permission orders:write`)},
		{"an account's admin", "GET", "/account/x", nil, 403, forbidden("GET", "/account/x", `path /account/*: account_admin`)},
		{"a method", "DELETE", "/method/x", nil, 403, forbidden("DELETE", "/method/x", `path /method/*: role admin`)},
		{"an account that is not theirs", "GET", "/app", notTheirs, 403, forbidden("GET", "/app", ownOnly)},
		{"such an account where a role is missing too", "GET", "/role/x", notTheirs, 403, forbidden("GET", "/role/x", ownOnly)},
		{"two accounts", "GET", "/app", two, 400, forbidden("GET", "/app", oneAlone)},
		{"a websocket of another site's page", "GET", "/app", socket, 403, `route cross_origin: 2 by stranger, GET /app by login "users", `},
		{"a change at the gateway of another site's page", "DELETE", "/auth/sessions", elsewhere, 403, `route cross_origin: 0 by stranger, DELETE /auth/sessions by login "", `},
		{"a role, asked about", "GET", "/auth/verify", about("GET", "/role/x"), 403, forbidden("GET", "/role/x", aRole)},
		{"a permission, asked about", "GET", "/auth/verify", about("GET", "/permission/x"), 403,
			forbidden("GET", "/permission/x", `path /permission/*: permission orders:write`)},
		{"an account's admin, asked about", "GET", "/auth/verify", about("GET", "/account/x"), 403, forbidden("GET", "/account/x", `path /account/*: account_admin`)},
		{"a method, asked about", "GET", "/auth/verify", about("DELETE", "/method/x"), 403, forbidden("DELETE", "/method/x", `path /method/*: role admin`)},
		{"an account that is not theirs, asked about", "GET", "/auth/verify", about("GET", "/app", notTheirs...), 403, forbidden("GET", "/app", ownOnly)},
		{"two accounts, asked about", "GET", "/auth/verify", about("GET", "/app", two...), 400, forbidden("GET", "/app", oneAlone)},
		{"a method that never passes, asked about", "GET", "/auth/verify", about("TRACE", "/app"), 403, forbidden("TRACE", "/app", "no method that never passes")},
		{"a websocket of another site's page, asked about", "GET", "/auth/verify", about("GET", "/app", append([]string{"Sec-WebSocket-Version", "13"}, elsewhere...)...), 403,
			`route cross_origin: 2 by stranger, GET /app by login "users", `},
		{"a method that never passes", "TRACE", "/app", nil, 405, ""},
		{"a method of no route", "PATCH", "/auth/session", nil, 405, ""},
		{"no route", "GET", "/auth/nothing", nil, 404, ""},
		{"a session that is none of theirs", "DELETE", "/auth/sessions/AAAAAAAAAAAAAAAA", nil, 404, ""},
		{"a question in which nothing can be decided", "GET", "/auth/verify", about("GET", "/app", "X-HTTP-Method-Override", "DELETE"), 403, ""},
		{"a body of a wrong kind", "PUT", "/auth/session/primary-account", nil, 415, ""},
	}
	for _, route := range []string{
		"GET /auth/session", "GET /auth/sessions", "DELETE /auth/sessions", "DELETE /auth/sessions/AAAAAAAAAAAAAAAA", "GET /auth/why", "GET /auth/why?path=/app",
		"GET /auth/events", "POST /auth/refresh", "PUT /auth/session/primary-account",
	} {
		method, path, _ := strings.Cut(route, " ")
		bare, _, _ := strings.Cut(path, "?")
		cases = append(cases, asking{route + " for an account that is not theirs", method, path, notTheirs, 403, forbidden(method, bare, ownOnly)},
			asking{route + " for two accounts", method, path, two, 400, forbidden(method, bare, oneAlone)})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			from := len(linesOf(t, p.Log.String()))
			grace.In(t).Do(c.method, c.path, "", c.header...).Want(t, c.status)
			if c.want == "" { // then the next line is that of the next request
				grace.In(t).Get("/role/next").Want(t, http.StatusForbidden)
				next(t, p, from, forbidden("GET", "/role/next", aRole))
				return
			}
			if got := next(t, p, from, c.want); !strings.Contains(c.want, ": 0 by") && got[0].Session != gatewaytest.IDOf(t, grace) {
				t.Errorf("the session is told as %q", got[0].Session)
			}
		})
	}
}
