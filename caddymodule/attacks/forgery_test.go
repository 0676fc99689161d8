package attacks_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/identity"
)

// guarded has every kind of route on one site. The endpoints have a matcher, so
// that on each route only the handler it is about can have done the work.
const guarded = `
	session_endpoints /auth/*
	handle /presets/* {
		session_auth {
			headers native remote-user oauth2-proxy authentik grafana jenkins x-remote-user kubernetes scope-orgid
		}
		reverse_proxy {upstream}
	}
	handle /optional/* {
		session_auth {
			optional
		}
		reverse_proxy {upstream}
	}
	handle /none/* {
		session_auth {
			headers none
		}
		reverse_proxy {upstream}
	}
	handle /denied/* {
		session_auth {
			role nobody-has-this
			handle_errors
		}
		reverse_proxy {upstream}
	}
	handle /plain/* {
		session_endpoints
		reverse_proxy {upstream}
	}
	handle {
		session_auth {
			public /public/*
		}
		reverse_proxy {upstream}
	}
	handle_errors {
		reverse_proxy {upstream}
	}
`

// kind is a way for a request to come to the upstream.
type kind struct {
	name     string
	path     string
	signedIn bool
	injected bool // the native headers of ada must be there
}

var kinds = []kind{
	{"a protected route", "/app", true, true},
	{"a protected route with the headers of every preset", "/presets/x", true, true},
	{"a protected route without headers", "/none/x", true, false},
	{"an optional route with a session", "/optional/x", true, true},
	{"an optional route without a session", "/optional/x", false, false},
	{"a public path with a session", "/public/x", true, true},
	{"a public path without a session", "/public/x", false, false},
	{"a route that is denied for want of a role, with error routes to an app", "/denied/x", true, false},
	{"a route that is denied for want of a session, with error routes to an app", "/denied/x", false, false},
	{"the endpoints alone with a session", "/plain/x", true, false},
	{"the endpoints alone without a session", "/plain/x", false, false},
}

// identityNames are the headers that the documentation promises to protect.
var identityNames = strings.Fields(`
	X-Session-User-Id X-Session-Email X-Session-Account-Id X-Session-Account-Name X-Session-Account-Admin
	X-Session-Accounts X-Session-Roles X-Session-Permissions X-Session-Id X-Session-Truncated X-Session-Assertion
	X-Session-Whatever-Comes-Next X-Account-Id
	Remote-User Remote-Email Remote-Name Remote-Groups
	X-Forwarded-User X-Forwarded-Email X-Forwarded-Preferred-Username X-Forwarded-Groups
	X-Auth-Request-User X-Auth-Request-Email X-Auth-Request-Preferred-Username X-Auth-Request-Groups
	X-Authentik-Username X-Authentik-Email X-Authentik-Name X-Authentik-Uid X-Authentik-Groups X-Authentik-Entitlements
	X-Webauth-User X-Webauth-Email X-Webauth-Name X-Webauth-Groups X-Webauth-Role
	X-Forwarded-Mail X-Forwarded-Displayname
	X-Remote-User X-Remote-Uid X-Remote-Group
	X-Scope-OrgID
	Remote-User-Group Remote-User-Groups Remote-User-Email Remote-User-First-Name Remote-Roles Remote-Filter
	X-Remote-Email X-Remote-Groups X-Remote-User-Name
	X-Forwarded-User-Email X-Forwarded-User-Firstname X-Forwarded-Login X-Forwarded-Name X-Forwarded-Fullname
	X-Forwarded-Uuid X-Forwarded-Uid X-Forwarded-Userid X-Forwarded-Username X-Forwarded-Role X-Forwarded-Roles X-Forwarded-Group
	X-Forwarded-Remote-User`)

// adas are the headers of ada, as far as they are the same in every run.
var adas = map[string]string{
	"X-Session-User-Id":       "1",
	"X-Session-Email":         gatewaytest.Ada,
	"X-Session-Account-Id":    "acme",
	"X-Session-Account-Name":  "Acme Ltd",
	"X-Session-Account-Admin": "true",
	"X-Session-Accounts":      "acme,globex",
	"X-Session-Roles":         "admin,editor",
	"X-Session-Permissions":   "reports:run,users:write,orders:read,orders:write",
}

// spellings are names that CGI, WSGI, PHP or a case-blind app takes for name.
func spellings(name string) []string {
	half := len(name) / 2
	return []string{
		name, strings.ToLower(name), strings.ToUpper(name),
		strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."),
		strings.Replace(strings.ToLower(name), "-", "_", 1),
		strings.ReplaceAll(name[:half], "-", ".") + strings.ReplaceAll(strings.ToUpper(name[half:]), "-", "_"),
		strings.ReplaceAll(name, "-", "~"),
	}
}

// forged is in every value that a client makes up here, and in no true one.
const forged = "forged"

// guard starts the guarded site and signs ada and grace in.
func guard(t testing.TB) (s *gatewaytest.Server, up *gatewaytest.Wire, cookies map[string]string) {
	t.Helper()
	up = gatewaytest.NewWire(t)
	s = gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: guarded})
	cookies = make(map[string]string)
	for _, who := range []string{gatewaytest.Ada, gatewaytest.Grace} {
		c := s.Client(t)
		c.SignIn(who)
		cookies[who] = c.Cookie
	}
	return s, up, cookies
}

// request writes a request of that kind with these header lines and body.
func (k kind) request(method string, cookies map[string]string, lines, body string) string {
	if k.signedIn {
		lines += "Cookie: " + cookies[gatewaytest.Ada] + "\n"
	}
	return method + " " + k.path + " HTTP/1.1\nHost: 127.0.0.1\n" + lines + "\n" + body
}

// wantTrue checks that the native headers of a kind are the true ones.
func (k kind) wantTrue(t testing.TB, a gatewaytest.Arrival) {
	t.Helper()
	for name, value := range adas {
		if k.injected {
			a.Want(t, name, value)
		} else {
			a.Want(t, name)
		}
	}
	if strings.Contains(strings.ToLower(a.Raw), forged) {
		t.Errorf("something forged arrived:\n%s", a.Raw)
	}
}

func TestEveryHeaderOfEveryPresetIsTriedOut(t *testing.T) {
	full := identity.Values{UserID: "1", Email: gatewaytest.Ada, Name: "Ada", HasAccount: true, AccountID: "acme", AccountName: "Acme",
		Accounts: []string{"acme"}, Roles: []string{"admin"}, Permissions: []string{"p"}, SessionID: "s"}
	for _, preset := range identity.Presets() {
		set, err := identity.NewSet(preset)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		set.Render(full).Inject(h)
		for name := range h {
			tried := func(n string) bool { return http.CanonicalHeaderKey(n) == name }
			if !slices.ContainsFunc(identityNames, tried) {
				t.Errorf("preset %s sends %s, which these tests do not forge", preset, name)
			}
		}
	}
}

// CVE-2025-64484, CVE-2026-52845, CVE-2026-33433: aliases; CVE-2026-25748: bypasses.
func TestNoSpellingOfAnIdentityHeaderIsBelieved(t *testing.T) {
	s, up, cookies := guard(t)
	var lines strings.Builder
	for _, name := range identityNames {
		if name == "X-Account-Id" {
			continue // chooses the account; see TestTheChoiceOfAccountGoesNoFurther
		}
		for i, spelled := range spellings(name) {
			fmt.Fprintf(&lines, "%s: forged-%d\n", spelled, i)
		}
		fmt.Fprintf(&lines, "%s: forged-again\n", name)
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s.Exchange(t, k.request("GET", cookies, lines.String(), ""))
			k.wantTrue(t, up.One(t))
		})
	}
}

// GHSA-7r4p-vjf4-gxv4: where there is no true value, the client's must not stay.
func TestAHeaderWithoutATrueValueIsAbsent(t *testing.T) {
	s, up, cookies := guard(t)
	for _, path := range []string{"/app", "/presets/x", "/optional/x", "/public/x"} {
		t.Run(path, func(t *testing.T) {
			s.Exchange(t, "GET "+path+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+cookies[gatewaytest.Grace]+
				"\nX-Session-Account-Id: forged\nx_session_account_id: forged\nX-Session-Account-Admin: forged\n"+
				"X-Session-Permissions: forged\nX-Scope-OrgID: forged\n\n")
			a := up.One(t)
			a.Want(t, "X-Session-Email", gatewaytest.Grace)
			a.Want(t, "X-Session-Roles", "viewer")
			for _, name := range []string{"X-Session-Account-Id", "X-Session-Account-Admin", "X-Session-Permissions", "X-Scope-OrgID"} {
				a.Want(t, name)
			}
			if strings.Contains(a.Raw, forged) {
				t.Errorf("something forged arrived:\n%s", a.Raw)
			}
		})
	}
}

func TestTheChoiceOfAccountGoesNoFurther(t *testing.T) {
	s, up, cookies := guard(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s.Exchange(t, k.request("GET", cookies, "X-Account-Id: globex\nX_Account_Id: globex\n", ""))
			a := up.One(t)
			a.Want(t, "X-Account-Id")
			a.Want(t, "X_Account_Id")
			if k.injected {
				a.Want(t, "X-Session-Account-Id", "globex")
				a.Want(t, "X-Session-Account-Admin", "false")
			}
		})
	}
}

// CVE-2024-45410, CVE-2026-29054, GHSA-w9mr-28mw-j8hg.
func TestConnectionTakesNoTrueHeaderAway(t *testing.T) {
	s, up, cookies := guard(t)
	all := strings.Join(slices.Sorted(maps.Keys(adas)), ", ")
	for name, lines := range map[string]string{
		"one name":                    "Connection: X-Session-Email\n",
		"all names":                   "Connection: " + all + "\n",
		"lower case beside close":     "Connection: close, x-session-user-id\n",
		"upper case and tabs":         "CONNECTION:\tX-SESSION-ROLES\t,\tkeep-alive\n",
		"two lines":                   "Connection: keep-alive\nconnection: X-Session-Permissions\n",
		"empty elements":              "Connection: ,,X-Session-Account-Admin,,\n",
		"Proxy-Connection":            "Proxy-Connection: X-Session-Email\n",
		"Keep-Alive":                  "Connection: keep-alive\nKeep-Alive: X-Session-Email\n",
		"beside an upgrade":           "Connection: upgrade, X-Session-Email\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk\n",
		"the session cookie's header": "Connection: Cookie, X-Session-Id\n",
	} {
		for _, k := range kinds[:2] {
			t.Run(name+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("GET", cookies, lines, ""))
				a := up.One(t)
				k.wantTrue(t, a)
				if len(a.Values("X-Session-Id")) != 1 {
					t.Errorf("X-Session-Id arrived as %q", a.Values("X-Session-Id"))
				}
				if got := a.Values("Upgrade"); len(got) > 0 {
					t.Errorf("an upgrade to HTTP/2 arrived: %q", got)
				}
			})
		}
	}
}

// CVE-2026-88004.
func TestTrailersDoNotArrive(t *testing.T) {
	s, up, cookies := guard(t)
	for name, announced := range map[string]string{
		"announced":           "Trailer: X-Session-Email, X-Harmless\n",
		"announced otherwise": "trailer: x_session_email\nTrailer: X-Harmless\n",
		"unannounced":         "",
		"with TE":             "TE: trailers\nTrailer: X-Session-Email\n",
	} {
		for _, k := range kinds {
			t.Run(name+" on "+k.name, func(t *testing.T) {
				s.Exchange(t, k.request("POST", cookies, announced+"Transfer-Encoding: chunked\n",
					"4\nbody\n0\nX-Session-Email: forged@example.com\nx_session_email: forged\nX-Harmless: forged\n\n"))
				a := up.One(t)
				k.wantTrue(t, a)
				a.Want(t, "Trailer")
				// A refusal closes before it has read: the error routes may see the body or not.
				if a.Body != "body" && !strings.HasPrefix(k.path, "/denied") {
					t.Errorf("the body arrived as %q", a.Body)
				}
			})
		}
	}
}
