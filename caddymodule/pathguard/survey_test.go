package pathguard_test

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/pathguard"
)

// look adapts a site and reads its routes as they are written.
func look(t *testing.T, text string) *pathguard.Found {
	t.Helper()
	var config struct {
		Apps struct {
			HTTP struct{ Servers map[string]*caddyhttp.Server }
		}
	}
	if err := json.Unmarshal(gatewaytest.Adapt(t, text), &config); err != nil {
		t.Fatal(err)
	}
	return pathguard.Look(config.Apps.HTTP.Servers["srv0"], func(raw json.RawMessage) bool {
		var s struct{ Optional bool }
		return json.Unmarshal(raw, &s) != nil || !s.Optional
	})
}

func TestWhatADemandHangsOn(t *testing.T) {
	const site = ":80 {\n"
	for _, c := range []struct{ name, routes, demand string }{
		{"nothing, on a whole site", site + "session_endpoints\nsession_auth\nreverse_proxy app", ""},
		{"nothing, with a host", "a.example.com:80 {\nsession_auth\nreverse_proxy app\n}\nb.example.com:80 {\nreverse_proxy app", ""},
		{"nothing, with endpoints of their own", site + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}", ""},
		{"nothing, beside an answer", site + "handle /healthz {\nrespond OK\n}\nhandle {\nsession_auth\nreverse_proxy app\n}", ""},
		{"nothing, with handles behind it", site + "session_auth\nhandle /api/* {\nreverse_proxy api\n}\nhandle {\nreverse_proxy app\n}", ""},
		{"nothing, with a method", site + "@writes not method GET HEAD\nsession_auth @writes\nreverse_proxy app", ""},
		{"nothing, with an expression of something else", site + "@a `{method} == 'POST' && {header.x} == 'y'`\nsession_auth @a\nreverse_proxy app", ""},
		{"nothing, where nothing is demanded", site + "@p path /partners/*\nsession_auth @p {\noptional\n}\nreverse_proxy app", ""},
		{"nothing, with headers by path", site + "header /assets/* Cache-Control max-age=60\nsession_auth\nreverse_proxy app", ""},
		{"nothing, with a rewrite by path", site + "rewrite /old/* /new\nsession_auth\nreverse_proxy app", ""},
		{"nothing, beside another site's ways", "a.example.com:80 {\nroute {\nreverse_proxy /open/* app\nreverse_proxy app\n}\n}\nb.example.com:80 {\nsession_auth\nreverse_proxy app", ""},

		{"a matcher", site + "@a path /admin/* /root\nsession_auth @a\nreverse_proxy app", `path "/admin/*","/root"`},
		{"a path written behind it", site + "session_auth /admin/*\nreverse_proxy app", `path "/admin/*"`},
		{"what is not matched", site + "@a not path /open/*\nsession_auth @a\nreverse_proxy app", `path "/open/*"`},
		{"a regular expression", site + "@a path_regexp ^/x\nsession_auth @a\nreverse_proxy app", `path_regexp ^/x`},
		{"a CEL expression", site + "@a `path('/admin/*')`\nsession_auth @a\nreverse_proxy app", `expression path('/admin/*')`},
		{"a placeholder", site + "@a `{uri}.startsWith('/x')`\nsession_auth @a\nreverse_proxy app", `expression {http.request.uri}.startsWith('/x')`},
		{"a variable", site + "@a vars {x} y\nsession_auth @a\nreverse_proxy app", `vars {"{x}":["y"]}`},
		{"a file", site + "@a file\nsession_auth @a\nreverse_proxy app", `file {}`},
		{"a matcher on a second one", site + "session_auth\nsession_auth /admin/* {\nrole admin\n}\nreverse_proxy app", `path "/admin/*"`},
		{"a handle around it", site + "handle /admin/* {\nsession_auth\nreverse_proxy app\n}", `path "/admin/*"`},
		{"a handle_path around it", site + "handle_path /admin/* {\nsession_auth\nreverse_proxy app\n}", `path "/admin/*"`},
		{"routes in routes", site + "handle /a/* {\nroute /a/b/* {\nroute {\nsession_auth\nreverse_proxy app\n}\n}\n}", `path "/a/*", path "/a/b/*"`},
		{"a path of the site", ":80/admin/* {\nsession_auth\nreverse_proxy app", `path "/admin/*"`},
		{"a handle beside it that leads to an app", site + "handle /open/* {\nreverse_proxy app\n}\nhandle {\nsession_auth\nreverse_proxy app\n}", `path "/open/*"`},
		{"a route before it that leads to an app", site + "route {\nreverse_proxy /open/* app\nsession_auth\nreverse_proxy app\n}", `path "/open/*"`},
		{"a way within a route before it", site + "route {\nroute {\nreverse_proxy /open/* app\n}\nsession_auth\nreverse_proxy app\n}", `path "/open/*"`},
		{"a handle beside it with files", site + "handle /open/* {\nfile_server\n}\nhandle {\nsession_auth\nreverse_proxy app\n}", `path "/open/*"`},
		{"a named route within a matcher", "&(gate) {\nsession_auth\nreverse_proxy app\n}\n:80 {\nhandle /admin/* {\ninvoke gate\n}\nreverse_proxy app", `path "/admin/*"`},
		{"an error route", site + "reverse_proxy app\nhandle_errors {\nhandle /admin/* {\nsession_auth\nreverse_proxy app\n}\n}", `path "/admin/*"`},
		{"routes of another handler", site + "intercept {\nhandle_response {\nroute {\nsession_auth\nreverse_proxy app\n}\n}\n}\nreverse_proxy app", "the routes within intercept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := look(t, c.routes+"\n}\n"); got.Demand != c.demand {
				t.Errorf("%s; want %s", got.Demand, c.demand)
			} else if got.Late {
				t.Error("all routes are provisioned already")
			}
		})
	}
}

func TestNamedRoutesThatInvokeThemselvesEnd(t *testing.T) {
	if got := look(t, "&(again) {\ninvoke again\n}\n:80 {\ninvoke again\nsession_auth\nreverse_proxy app\n}\n"); got.Demand != "" {
		t.Errorf("%q", got.Demand)
	}
}
