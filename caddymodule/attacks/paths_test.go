package attacks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// walkers are paths by which /admin/users was reached past `path /admin/*`.
var walkers = []string{
	"/admin;x/users", "/x/..;/admin/users", "/%2561dmin/users", "/admin%5Cusers", `/admin\users`, "/x/%2e%2e;/admin/users", "/admin%252fusers",
	"/%2e/admin%5cusers", "/x%2f..%2fadmin/users;", "//x/admin/users", "/%ef%bd%81dmin/users", "/admin./users", "/;/admin/users",
}

// everyday are addresses that GitLab, npm, RabbitMQ and a wiki write.
var everyday = []string{
	"/group%2Fproject/-/tree/main", "/api/v4/projects/group%2Fproject/repository/files/app%2Fmain%2Erb/raw", "/@scope%2fname",
	"/@scope/name/-/name-1.0.0.tgz", "/api/queues/%2F/name", "/api/exchanges/%2F/amq.direct/bindings/source", "/wiki/C%2B%2B", "/wiki/Caf%C3%A9",
	"/wiki/AC%2FDC", "/wiki/Who%3F", "/wiki/C%23", "/wiki/100%25", "/wiki/U.S.", "/wiki//Main", "//wiki/Main", "/wiki/St%2E_John",
}

// pathSites are sites whose /admin/ is for admins, each in another way. grace is
// signed in and no admin.
var pathSites = []struct {
	name, routes string
	refused      bool // by its path, before anything is decided
}{
	{"a matcher on session_auth", "session_endpoints\n@admin path /admin/*\nsession_auth @admin {\nrole admin\n}\nreverse_proxy {upstream}", true},
	{"a matcher on a second session_auth", "session_endpoints\nsession_auth\n@admin path /admin/*\nsession_auth @admin {\nrole admin\n}\nreverse_proxy {upstream}", true},
	{"a handle around it", "session_endpoints\nhandle /admin/* {\nsession_auth {\nrole admin\n}\nreverse_proxy {upstream}\n}\nhandle {\nreverse_proxy {upstream}\n}", true},
	{"a handle_path around it", "session_endpoints\nhandle_path /admin/* {\nsession_auth {\nrole admin\n}\nreverse_proxy {upstream}\n}\nhandle {\nreverse_proxy {upstream}\n}", true},
	{"a route in a handle", "session_endpoints\nhandle /admin/* {\nroute {\nroute {\nsession_auth {\nrole admin\n}\nreverse_proxy {upstream}\n}\n}\n}\nreverse_proxy {upstream}", true},
	{"a regular expression", "session_endpoints\n@admin path_regexp (?i)^/admin/\nsession_auth @admin {\nrole admin\n}\nreverse_proxy {upstream}", true},
	{"a CEL expression", "session_endpoints\n@admin `path('/admin/*')`\nsession_auth @admin {\nrole admin\n}\nreverse_proxy {upstream}", true},
	{"a rule by path", "session_endpoints\nsession_auth {\npath /admin/* {\nrole admin\n}\n}\nreverse_proxy {upstream}", false},
	{"a rule by path, and all else public", "session_endpoints\nsession_auth {\npath /* {\npublic\n}\npath /admin/* {\nrole admin\n}\n}\nreverse_proxy {upstream}", false},
}

func TestNoReadingOfAPathWalksAroundARule(t *testing.T) {
	for _, site := range pathSites {
		t.Run(site.name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: site.routes})
			grace, ada := s.Client(t), s.Client(t)
			grace.SignIn(gatewaytest.Grace)
			ada.SignIn(gatewaytest.Ada)
			get := func(target, cookie string) gatewaytest.Answer {
				return s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+cookie+"\n\n")
			}
			for _, target := range append([]string{"/admin/users", "/ADMIN/users", "/x/../admin/users"}, walkers...) {
				for who, cookie := range map[string]string{"nobody": "a=b", "grace": grace.Cookie} {
					if a := get(target, cookie); a.StatusCode == http.StatusOK {
						t.Errorf("%s for %s: %d", target, who, a.StatusCode)
					}
					up.None(t)
				}
			}
			get("/admin/users", ada.Cookie).Want(t, http.StatusOK)
			up.One(t)
			for _, target := range walkers {
				want := http.StatusOK
				if site.refused {
					want = http.StatusBadRequest
				}
				if a := get(target, ada.Cookie); a.StatusCode != want {
					t.Errorf("%s for ada: %d, want %d", target, a.StatusCode, want)
				}
				if n := len(up.Take()); (n == 1) != !site.refused {
					t.Errorf("%s reached the app %d times", target, n)
				}
			}
			for _, target := range everyday {
				if a := get(target, grace.Cookie); a.StatusCode != http.StatusOK {
					t.Errorf("%s for grace: %d", target, a.StatusCode)
				}
				if got := up.One(t); !strings.HasPrefix(got.Raw, "GET "+target+" HTTP/1.1") {
					t.Errorf("%s arrived as %.60q", target, got.Raw)
				}
			}
		})
	}
}

// opened are sites where a matcher opens a part, and all else asks for a session.
var opened = []struct{ name, routes string }{
	{"a handle", "session_endpoints\nhandle /public/* {\nreverse_proxy {upstream}\n}\nhandle {\nsession_auth\nreverse_proxy {upstream}\n}"},
	{"a matcher that excludes", "session_endpoints\n@gated not path /public/*\nsession_auth @gated\nreverse_proxy {upstream}"},
	{"an expression that excludes", "session_endpoints\n@gated `!{path}.startsWith('/public/')`\nsession_auth @gated\nreverse_proxy {upstream}"},
	{"a rule", "session_endpoints\nsession_auth {\npath /public/* {\npublic\n}\n}\nreverse_proxy {upstream}"},
	{"public", "session_endpoints\nsession_auth {\npublic /public/*\n}\nreverse_proxy {upstream}"},
}

func TestNoReadingOfAPathLeavesWhatIsOpen(t *testing.T) {
	for _, site := range opened {
		t.Run(site.name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: site.routes})
			for _, target := range []string{
				"/public/..;/admin", "/public/%2e%2e/admin", "/public/..%2fadmin", "/public/%252e%252e/admin", "/public/..%5cadmin", "/public/;/../../admin",
				"/admin/..;/public/x", "/admin/..%2fpublic/x", "/admin/%2e%2e/public/x", "//public/admin/users", "/admin/../public/x", "/public/../admin",
			} {
				if a := s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\n\n"); a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s: %d", target, a.StatusCode)
				}
				up.None(t)
			}
			s.Exchange(t, "GET /public/x%20y HTTP/1.1\nHost: 127.0.0.1\n\n").Want(t, http.StatusOK)
			up.One(t)
		})
	}
}

// What others have on a server is left alone where no demand hangs on a matcher.
func TestAmbiguousPathsPassWhereNoDemandHangsOnAMatcher(t *testing.T) {
	const admin = "@admin path /admin/*\nsession_auth @admin {\n%role admin\n}\nreverse_proxy {upstream}"
	for _, c := range []struct{ name, options, routes string }{
		{"public alone depends on nothing", "", "session_endpoints\nsession_auth {\npublic /assets/*\n}\nreverse_proxy {upstream}"},
		{"a rule by path depends on nothing", "", "session_endpoints\nsession_auth {\npath /admin/* {\nrole owner\n}\n}\nreverse_proxy {upstream}"},
		{"the app allows it", "ambiguous_paths allow", "session_endpoints\n" + strings.ReplaceAll(admin, "%", "")},
		{"the session_auth allows it", "", "session_endpoints\n" + strings.ReplaceAll(admin, "%", "ambiguous_paths allow\n")},
	} {
		t.Run(c.name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Options: c.options, Routes: c.routes})
			ada := s.Client(t)
			ada.SignIn(gatewaytest.Ada)
			for _, target := range []string{"/shop;jsessionid=1/cart", "/x/..;/y", "/a%5Cb", "/a%252Fb", "/a/%2e%2e/b"} {
				s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+ada.Cookie+"\n\n").Want(t, http.StatusOK)
				if got := up.One(t); !strings.HasPrefix(got.Raw, "GET "+target+" ") {
					t.Errorf("%s arrived as %.60q", target, got.Raw)
				}
			}
		})
	}
}

func TestAmbiguousPathsAreRefusedOnThatServerOnly(t *testing.T) {
	up := gatewaytest.NewWire(t)
	port := fmt.Sprint(gatewaytest.FreePort(t))
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address(), Routes: "session_endpoints\nsession_auth /admin/*\nreverse_proxy {upstream}"},
		func(caddyfile string, _ int) string {
			return caddyfile + "\nhttp://127.0.0.1:" + port + " {\nreverse_proxy " + up.Address() + "\n}\n"
		})
	const request = "GET /x;y/z HTTP/1.1\nHost: 127.0.0.1\n\n"
	s.Exchange(t, request).WantError(t, http.StatusBadRequest, "bad_request")
	up.None(t)
	other := *s
	other.URL = "http://127.0.0.1:" + port
	other.OtherVersion = true // the app's answers, not ours
	other.Exchange(t, request).Want(t, http.StatusOK)
	up.One(t)
}

// The guard leans on the inside of Caddy: it must come before what Caddy puts
// first, in every site of the server.
func TestThePathGuardComesBeforeAllRoutes(t *testing.T) {
	up := gatewaytest.NewWire(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Localhost: true, Routes: "@localhost host localhost\n" +
		"route {\nreverse_proxy @localhost {upstream}\nsession_endpoints\nsession_auth /admin/*\nreverse_proxy {upstream}\n}"})
	for _, host := range []string{"127.0.0.1", "localhost"} {
		s.Exchange(t, "GET /x;y HTTP/1.1\nHost: "+host+"\n\n").Want(t, http.StatusBadRequest)
		up.None(t)
		s.Exchange(t, "GET /x HTTP/1.1\nHost: "+host+"\n\n").Want(t, http.StatusOK)
		up.One(t)
	}
	s.Exchange(t, "GET /auth/login HTTP/1.1\nHost: 127.0.0.1\n\n").Want(t, http.StatusOK)
	s.Exchange(t, "GET /admin/x HTTP/1.1\nHost: 127.0.0.1\n\n").Want(t, http.StatusUnauthorized)
	up.None(t)
}

// Matchers know one reading each, and not all the same one.
func TestNoSpellingWalksAroundAMatcherOfAnotherKind(t *testing.T) {
	const gate, rest = "session_auth @admin {\nrole admin\n}\n", "session_endpoints /auth/*\nreverse_proxy {upstream}"
	for name, tt := range map[string]struct{ routes, targets string }{
		"an expression with the path":   {"@admin expression `{path}.startsWith('/admin/')`\n" + gate + rest, "//admin/u /./admin/u /x/../admin/u"},
		"an expression with the URI":    {"@admin expression `{uri}.startsWith('/admin/')`\n" + gate + rest, "/%61dmin/u //admin/u"},
		"a variable":                    {"@admin vars_regexp {path} ^/admin/\n" + gate + rest, "//admin/u /x/../admin/u"},
		"a map of the path":             {"map {path} {section} {\n~^/admin/ admin\ndefault other\n}\n@admin expression `{section} == 'admin'`\n" + gate + rest, "//admin/u /x/../admin/u"},
		"an opening by a variable":      {"@open vars_regexp {path} ^/assets/\nhandle @open {\nreverse_proxy {upstream}\n}\nhandle {\nsession_auth\n" + rest + "\n}", "/assets/../admin/u"},
		"a matcher behind handle_path":  {"handle_path /v1/* {\n@admin path /admin/* /del\n" + gate + "reverse_proxy {upstream}\n}\nsession_endpoints /auth/*", "/v1/admin%20/u /v1/admin./u /v1/%EF%BD%81dmin/u /v1/%c0%afadmin/u /v1/del%3f /v1/del%00 /v1//x/admin/u"},
		"a matcher behind strip_prefix": {"route {\nuri strip_prefix /v1\n@admin path /admin/*\n" + gate + "reverse_proxy {upstream}\n}", "/v1/admin%20/u /v1/%EF%BD%81dmin/u"},
	} {
		t.Run(name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: tt.routes})
			for target := range strings.FieldsSeq(tt.targets) {
				a := s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\n\n")
				if a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s is answered with %d", target, a.StatusCode)
				}
			}
			up.None(t)
		})
	}
}

// An app behind a prefix resolves what it is sent at its own root: dots stay there,
// and what follows its first two slashes is a host.
func TestNoReadingOfAnAppWithAnotherRootWalksAroundARule(t *testing.T) {
	const rule, matcher = "session_auth {\npath /app/admin/* {\nrole admin\n}\n}\n", "session_auth\nsession_auth /app/admin/* {\nrole admin\n}\n"
	for name, tt := range map[string]struct{ routes, targets string }{
		"a rule before handle_path":     {rule + "handle_path /app/* {\nreverse_proxy {upstream}\n}", ""},
		"a rule before strip_prefix":    {"route {\n" + rule + "uri strip_prefix /app\nreverse_proxy {upstream}\n}", ""},
		"a rule before another rewrite": {"route {\n" + rule + "uri replace /app/ /\nreverse_proxy {upstream}\n}", ""},
		"a rule before a base":          {"route {\n" + rule + "rewrite * /base{uri}\nreverse_proxy {upstream}\n}", "/../base/app/admin/x /app/..;/..;/base/app/admin/x"},
		"a matcher before handle_path":  {matcher + "handle_path /app/* {\nreverse_proxy {upstream}\n}", ""},
		"a matcher before strip_prefix": {"route {\n" + matcher + "uri strip_prefix /app\nreverse_proxy {upstream}\n}", ""},
		"what a matcher opens before handle_path": {"@gated not path /app/pub/*\nsession_auth @gated {\nrole admin\n}\nhandle_path /app/* {\nreverse_proxy {upstream}\n}",
			"/app%2F/pub/admin/x /app/pub/..;/admin/x"},
		"what is open below strip_prefix": {"route {\nsession_auth {\nrole admin\npath /app/pub/* {\npublic\n}\n}\nuri strip_prefix /app\nreverse_proxy {upstream}\n}",
			"/app/pub/..;/admin/x /app%2F/pub/admin/x /app/pub/..;/..;/app/pub/x"},
	} {
		t.Run(name, func(t *testing.T) {
			up := gatewaytest.NewWire(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: "session_endpoints /auth/*\n" + tt.routes})
			grace := s.Client(t)
			grace.SignIn(gatewaytest.Grace)
			if tt.targets == "" {
				tt.targets = "/app/admin/x /app%2F/h/admin/x /app%2F%2Fh/admin/x /app//h/admin/x /app%2F%5Ch/admin/x /app/..;/admin/x /app/../admin/x " +
					"/app/x/..;/..;/admin/x /app/%2e%2e/admin/x /app/..%2Fadmin/x /app/x%2F..%2F..%2Fadmin/x /app/..%252Fadmin/x"
			}
			for target := range strings.FieldsSeq(tt.targets) {
				s.Exchange(t, "GET "+target+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+grace.Cookie+"\n\n")
				for _, got := range up.Take() {
					t.Errorf("%s arrived as %.60q", target, got.Raw)
				}
			}
		})
	}
}
