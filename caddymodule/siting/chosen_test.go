package siting_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

func TestASessionAuthThatNoRequestIsFor(t *testing.T) {
	const app = "session_endpoints\nreverse_proxy app:80\n}\n"
	const beside = "session_endpoints\nhandle @a {\nsession_auth\nreverse_proxy app:80\n}\nhandle {\nreverse_proxy app:80\n}\n}\n"
	for _, c := range []struct{ name, config, want string }{
		{"a host with a port", at + "@a host app.example.com:8443\nsession_auth @a\n" + app,
			"site app.example.com: session_auth never runs, for no request there is one of those that it is for (host app.example.com:8443: the matcher `host` knows no ports)"},
		{"a host with a port, where any host comes", ":8080 {\n@a host localhost:8080\nsession_auth @a\n" + app, "knows no ports"},
		{"the host of no site", at + "@a host other.example.com\nsession_auth @a\n" + app, "(host other.example.com)"},
		{"the host of no site, in a handle beside an open one", at + "@a {\npath /admin/*\nhost other.example.com\n}\n" + beside, "(host other.example.com)"},
		{"the host of a site that guards nothing", at + "@a host other.example.com\nsession_auth @a\n" + app + ":8080 {\nrespond OK\n}", "(host other.example.com)"},
		{"a path that is rewritten", at + "session_endpoints\nhandle {\nrewrite * /index.php\nsession_auth /admin/*\nreverse_proxy app\n}\n}", "(path /admin/*)"},

		{"a host with a port beside one without", at + "@a host app.example.com:8443 app.example.com\nsession_auth @a\n" + app, ""},
		{"an address of six octets", "http://[::1]:8080 {\n@a host ::1\nsession_auth @a\n" + app, ""},
		{"the host of another site, which has the same lines", "(ours) {\n@a host b.example.com\nsession_auth @a\n" + app + at + "import ours\n}\nb.example.com {\nimport ours\n}", ""},
		{"the host of another site, at another port", "(ours) {\n@a host b.example.com\nsession_auth @a\n" + app + at + "import ours\n}\nb.example.com:8443 {\nimport ours\n}", ""},
		{"the host of no site, where any host comes elsewhere", "(ours) {\n@a host b.example.com\nsession_auth @a\n" + app + at + "import ours\n}\n:8443 {\nimport ours\n}", ""},
		{"a name of a wildcard", "*.example.com {\n@a host a.example.com\nsession_auth @a\n" + app, ""},
		{"a host that is not known yet", at + "@a host {env.NAME}\nsession_auth @a\n" + app, ""},
		{"a host in other letters", "b\u00fccher.example {\n@a host xn--bcher-kva.example\nsession_auth @a\n" + app, ""},
		{"a host that may not be, and demands nothing", at + "@a host other.example.com\nsession_auth @a {\noptional\n}\n" + app, ""},
		{"a matcher that is switched off", at + "@a not path *\nsession_auth @a\n" + app, ""},
		{"another one before it", at + "@a host other.example.com\nroute {\nsession_endpoints\nsession_auth\nsession_auth @a {\nrole admin\n}\nreverse_proxy app:80\n}\n}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := siting.Options{InFrontTLS: true, Servers: slices.Collect(maps.Values(servers(t, c.config)))}
			_, _, err := look(t, c.config, o)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAPatternWithWhatIsTakenOffThePath(t *testing.T) {
	const before = "session_endpoints\nhandle_path /app/* {\n"
	for _, c := range []struct{ name, routes, want string }{
		{"of a rule", before + "session_auth {\npath /app/admin/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}",
			"`path /app/admin/*` stands where /app is taken off the path (`handle_path`), so it is for what a browser calls /app/app/admin/* alone: write `path /admin/*` there"},
		{"of what is public", before + "session_auth {\npublic /x /App/pub/*\n}\nreverse_proxy app:80\n}", "write `public /pub/*` there"},
		{"of a session_auth", before + "session_auth /app/admin/*\nreverse_proxy app:80\n}", "write `path /admin/*` there"},
		{"of a handle with one", before + "handle /app/admin/* {\nsession_auth\nreverse_proxy app:80\n}\n}", "write `path /admin/*` there"},
		{"of a rule, behind strip_prefix", "session_endpoints\nhandle /app/* {\nuri strip_prefix /app\nsession_auth {\npath /app/admin/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}", "write `path /admin/*` there"},
		{"of a probe", "handle_path /app/* {\nsession_health /app/healthz\n}", "write `session_health /healthz` there"},

		{"of a rule in the app's words", before + "session_auth {\npath /admin/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}", ""},
		{"of a rule before it", "session_endpoints\nsession_auth {\npath /app/admin/* {\nrole admin\n}\n}\nhandle_path /app/* {\nreverse_proxy app:80\n}", ""},
		{"of a rule for what begins with the same letters", before + "session_auth {\npath /apples/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}", ""},
		{"of a rule, behind what is taken off some paths", "session_endpoints\nroute {\n@s path /app/static/*\nuri @s strip_prefix /app\nsession_auth {\npath /app/admin/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}", ""},
		{"of a rule, where it is put back", "session_endpoints\nhandle_path /app/* {\nrewrite * /app{uri}\nsession_auth {\npath /app/admin/* {\nrole admin\n}\n}\nreverse_proxy app:80\n}", ""},
		{"of an app, not of ours", before + "session_auth\nreverse_proxy /app/x/* app:80\n}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, at+c.routes+"\n}", siting.Options{InFrontTLS: true})
			if err != nil || c.want == "" && len(warned) > 0 || c.want != "" && (len(warned) != 1 || !strings.Contains(warned[0], c.want)) {
				t.Errorf("got  %q, %v\nwant %s", warned, err, c.want)
			}
		})
	}
}
