package siting_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/siting"
)

var _ = caddyauth.Authentication{} // basic_auth stands in sites below

// server is one of the servers of a configuration.
func server(t *testing.T, text string) *caddyhttp.Server { return servers(t, text)["srv0"] }

// servers adapts a configuration and reads its servers as they are written.
func servers(t *testing.T, text string) map[string]*caddyhttp.Server {
	t.Helper()
	var config struct {
		Apps struct {
			HTTP struct{ Servers map[string]*caddyhttp.Server }
		}
	}
	if err := json.Unmarshal(gatewaytest.Adapt(t, text), &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.HTTP.Servers
}

// look is what is said of a configuration; warned are its warnings.
func look(t *testing.T, text string, o siting.Options) (found *siting.Found, warned []string, err error) {
	t.Helper()
	return lookAt(server(t, text), o)
}

func lookAt(server *caddyhttp.Server, o siting.Options) (found *siting.Found, warned []string, err error) {
	o.BasePath, o.Read = "/auth", read
	o.Warn = func(message string, fields ...zap.Field) {
		e := zapcore.NewMapObjectEncoder()
		for _, f := range fields {
			f.AddTo(e)
		}
		warned = append(warned, fmt.Sprint(message, " ", e.Fields))
	}
	found, err = siting.Look(server, o)
	return found, warned, err
}

func read(raw json.RawMessage) siting.Auth {
	var s struct {
		Public       []string
		Optional     bool
		NoRedirect   bool   `json:"no_redirect"`
		HandleErrors bool   `json:"handle_errors"`
		Token        string `json:"upstream_token"`
		Paths        []struct{ Patterns []string }
	}
	_ = json.Unmarshal(raw, &s)
	var patterns []string
	for _, rule := range s.Paths {
		patterns = append(patterns, rule.Patterns...)
	}
	return siting.Auth{
		Leads:    !s.Optional && !s.NoRedirect && !s.HandleErrors,
		ToErrors: s.HandleErrors, UpstreamToken: s.Token,
		Demands: !s.Optional, Public: s.Public, Paths: patterns,
		Opens: func(path string) bool {
			return s.Optional || len(s.Public) > 0 && strings.HasPrefix(path, strings.TrimSuffix(s.Public[0], "*"))
		},
	}
}

const (
	at     = "app.example.com {\n"
	others = "}\nauth.example.com {\nsession_endpoints\n}"
)

func TestWhatCannotWork(t *testing.T) {
	const nothing = "which nothing here answers: "
	for _, c := range []struct{ name, config, want string }{
		{"an app before session_auth in a route", at + "session_endpoints\nroute {\nreverse_proxy app\nsession_auth\n}\n}",
			"site app.example.com: session_auth never runs, for reverse_proxy before it answers every request"},
		{"files before it, on a path", at + "session_endpoints\nroute /docs/* {\nfile_server\nsession_auth\n}\n}",
			"site app.example.com, path /docs/*: session_auth never runs, for file_server before it"},
		{"an app that is found when it is asked, before session_auth in a route", at + "session_endpoints\nroute {\nreverse_proxy {\ndynamic a app 80\n}\nsession_auth\n}\n}",
			"never runs, for reverse_proxy"},
		{"a page before it", at + "route {\nrespond Hello\nsession_auth {\nno_redirect\n}\nreverse_proxy app\n}\n}", "never runs, for respond"},
		{"an app for the host of the site", at + "session_endpoints\n@a host app.example.com\nhandle @a {\nreverse_proxy app\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}",
			"never runs, for reverse_proxy"},
		{"an app for all but another host", at + "session_endpoints\n@a not host b.example.com\nhandle @a {\nrespond Hello\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}",
			"never runs, for respond"},
		{"an app in a handle before it", at + "session_endpoints\nroute {\nhandle {\nreverse_proxy app\n}\nsession_auth\nreverse_proxy app\n}\n}",
			"never runs, for reverse_proxy"},

		{"all of ours in handle_path", at + "handle_path /app/* {\nsession_endpoints\nsession_auth\nreverse_proxy app\n}\n}",
			nothing + "session_endpoints stands where /app is taken off the path"},
		{"a base_path that handle_path takes away", at + "handle_path /auth/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}",
			nothing + "session_endpoints stands where /auth is taken off the path"},
		{"endpoints where their path does not lead", at + "handle /app/* {\nsession_endpoints\nsession_auth\nreverse_proxy app\n}\n}",
			nothing + "session_endpoints stands where requests for it do not come (path /app/*)"},

		{"endpoints behind session_auth in a route", at + "route {\nsession_auth\nsession_endpoints\nreverse_proxy app\n}\n}",
			"site app.example.com: session_auth stands before session_endpoints, and answers /auth/login with 401 itself"},
		{"endpoints in a handle, which comes later", at + "session_auth\nhandle /auth/* {\nsession_endpoints\n}\nhandle {\nreverse_proxy app\n}\n}",
			"session_auth stands before session_endpoints"},

		{"a login page on another host", at + "session_auth\nreverse_proxy app\n" + others,
			"site app.example.com: session_auth leads people to /auth/login, " + nothing + "session_endpoints answers at auth.example.com alone"},
		{"a login page on one of the hosts of a wildcard", "*.example.com {\n@a host auth.example.com\nhandle @a {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}",
			"site *.example.com: session_auth leads people to /auth/login, " + nothing + "session_endpoints answers at auth.example.com alone"},
		{"a login page on one of the hosts of a wildcard, beside a whole site elsewhere", "*.example.com {\n@a host auth.example.com\nhandle @a {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}\n" +
			"example.org {\nsession_endpoints\nsession_auth\nreverse_proxy app\n}", "site *.example.com: session_auth leads people to /auth/login, " + nothing},
		{"a login page on a site of its own, of the hosts of a wildcard", "*.example.com {\nsession_auth\nreverse_proxy app\n}\nauth.example.com {\nsession_endpoints\n}",
			"site *.example.com: session_auth leads people to /auth/login, " + nothing + "session_endpoints answers at auth.example.com alone"},
		{"a login page on another host of the same names", "*.example.com {\nsession_auth\nreverse_proxy app\n}\nauth.example.org {\nsession_endpoints\n}",
			"site *.example.com: session_auth leads people to /auth/login, " + nothing + "session_endpoints answers at auth.example.org alone"},
		{"no login page on one of two hosts", "a.example.com, b.example.com {\n@a host a.example.com\nsession_endpoints @a\nsession_auth\nreverse_proxy app\n}",
			nothing + "session_endpoints answers at a.example.com alone"},
		{"no endpoints, and paths that are left out", at + "@a not path /open/*\nsession_auth @a\nreverse_proxy /api/* app\n}", nothing + "put `session_endpoints` into the site"},
		{"no endpoints", at + "session_auth\nreverse_proxy app\n}", nothing + "put `session_endpoints` into the site"},
		{"no endpoints, and a name for no host", ":8080 {\nhandle /app/* {\nsession_auth\nreverse_proxy app\n}\n}",
			"site :8080, path /app/*: session_auth leads people to /auth/login, " + nothing},
		{"no endpoints, and an error for what is left", at + "handle /app/* {\nsession_auth\nreverse_proxy app\n}\nhandle {\nerror 404\n}\n}", nothing},
		{"no endpoints, and a page that there is not", at + "handle /app/* {\nsession_auth\nreverse_proxy app\n}\nrespond 404\n}", nothing},
		{"endpoints by a named route that is not invoked", "&(ours) {\nsession_endpoints\n}\n" + at + "session_auth\nreverse_proxy app\n}", nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := look(t, c.config, siting.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Whatever cannot be told is left to whoever wrote it.
func TestWhatWorksIsAccepted(t *testing.T) {
	const guarded = "session_endpoints\nsession_auth\nreverse_proxy app\n}"
	for _, c := range []struct{ name, config string }{
		{"a whole site", at + guarded},
		{"a site for any host", ":8080 {\n" + guarded},
		{"a site for a wildcard", "*.example.com {\n" + guarded},
		{"a site whose name is not known yet", "http://{env.NAME}:8080 {\n" + guarded},
		{"a site of several names", "a.example.com, b.example.com {\n" + guarded},
		{"a site that is listed upside down", at + "reverse_proxy app\nsession_auth\nsession_endpoints\n}"},
		{"an app in handle_path beside endpoints", at + "session_endpoints\nhandle_path /app/* {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"endpoints in a handle of their own", at + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"endpoints in a handle for one of many paths", at + "@a path /x /AUTH/*\nhandle @a {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a base_path that is put back", at + "rewrite /auth/* /app{uri}\nhandle_path /app/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth that opens their path", at + "route {\nsession_auth {\npublic /auth/*\n}\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth for another path", at + "route {\nsession_auth /app/*\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth that lets all pass", at + "route {\nsession_auth {\noptional\n}\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth for what is not theirs", at + "@a not path /auth/*\nroute {\nsession_auth @a\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth that leads nobody", at + "route {\nsession_auth {\nno_redirect\n}\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"endpoints behind session_auth for what is written", at + "@w method POST PUT\nroute {\nsession_auth @w\nsession_endpoints\nreverse_proxy app\n}\n}"},
		{"an open path before session_auth", at + "session_endpoints\nroute {\nreverse_proxy /open/* app\nsession_auth\nreverse_proxy app\n}\n}"},
		{"what asks somebody before session_auth", at + "session_endpoints\nroute {\nforward_auth other {\nuri /x\n}\nsession_auth\nreverse_proxy app\n}\n}"},
		{"files that pass on before session_auth", at + "session_endpoints\nroute {\nfile_server {\npass_thru\n}\nsession_auth\nreverse_proxy app\n}\n}"},
		{"headers before session_auth", at + "session_endpoints\nroute {\nheader X y\nencode gzip\nvars a b\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a site that is closed for a while", at + "session_endpoints\nroute {\nrespond 503\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a site that is closed for a while, without endpoints", at + "route {\nrespond 503\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a whole site on one of the hosts of a wildcard, and what is left", "*.example.com {\n@a host a.example.com\nhandle @a {\n" + guarded + "\nhandle {\nsession_auth\nrespond no\n}\n}"},
		{"a wildcard that says a host of its own", "*.example.com {\n@a host *.example.com\nhandle @a {\n" + guarded + "\nhandle {\nrespond no\n}\n}"},
		{"a host of several that is answered before", "a.example.com, b.example.com {\nsession_endpoints\n@a host a.example.com\nhandle @a {\nrespond no\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"all but the host of a site before", at + "@a not host app.example.com\nsession_endpoints\nhandle @a {\nrespond no\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a site that has moved", at + "redir https://new.example.com{uri}\nsession_endpoints\nsession_auth\nreverse_proxy app\n}"},
		{"a session_auth for the second time", at + "session_endpoints\nroute {\nsession_auth\nreverse_proxy app\nsession_auth\n}\n}"},
		{"a login page of another gateway", at + "handle /auth/* {\nreverse_proxy gateway\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"a login page that people are led to from there", at + "redir /auth/* https://auth.example.com{uri}\nhandle {\nsession_auth\nreverse_proxy app\n}\n" + others},
		{"a login page that the app itself answers", at + "session_auth /app/*\nreverse_proxy app\n}"},
		{"a login page on the other port of a name", at + "session_auth {\nno_redirect\n}\nreverse_proxy app\n" + others},
		{"nobody but who writes", at + "@w not method GET HEAD\nsession_auth @w\nreverse_proxy app\n}"},
		{"nobody but programs", at + "@p header Accept application/json\nhandle @p {\nsession_auth\nreverse_proxy app\n}\n}"},
		{"an API without endpoints", at + "session_auth {\nno_redirect\n}\nreverse_proxy app\n}"},
		{"an API whose refusals are written elsewhere", at + "session_auth {\nhandle_errors\n}\nreverse_proxy app\nhandle_errors {\nrespond no\n}\n}"},
		{"nothing that anybody is asked", at + "session_auth {\noptional\n}\nreverse_proxy app\n}"},
		{"an error that an error route answers", at + "handle /app/* {\nsession_auth\nreverse_proxy app\n}\nhandle {\nerror 404\n}\nhandle_errors {\nreverse_proxy pages\n}\n}"},
		{"a matcher that cannot be foreseen", at + "@a header X y\nsession_endpoints @a\nsession_auth\nreverse_proxy app\n}"},
		{"an expression", at + "@a `path('/auth/*')`\nsession_endpoints @a\nsession_auth\nreverse_proxy app\n}"},
		{"routes that are invoked", "&(ours) {\nsession_endpoints\nsession_auth\n}\n" + at + "invoke ours\nreverse_proxy app\n}"},
		{"routes that invoke themselves", "&(ours) {\ninvoke ours\n}\n" + at + "invoke ours\nsession_auth\nreverse_proxy app\n}"},
		{"a host that a matcher of two sets names", at + "@a {\nhost app.example.com\npath /x/*\n}\nsession_endpoints\nsession_auth @a\nreverse_proxy app\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := look(t, c.config, siting.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A proxy in front may answer there, or lead people by another path.
func TestBehindAProxyALoginPageThatIsNotHereIsOnlyWarnedAbout(t *testing.T) {
	config := at + "session_auth\nsession_auth /x/*\nreverse_proxy app\n}"
	_, warned, err := look(t, config, siting.Options{InFront: true, InFrontTLS: true})
	if err != nil || len(warned) != 1 || !strings.Contains(warned[0], "which nothing here answers") {
		t.Errorf("%q, %v", warned, err)
	}
	_, _, err = look(t, at+"route {\nsession_auth\nsession_endpoints\n}\n}", siting.Options{InFront: true, InFrontTLS: true})
	if err == nil {
		t.Error("what no proxy can put right is accepted")
	}
}

func TestWhenOnlyRequestsShowWhetherTheLoginPageIsThere(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         bool
	}{
		{"endpoints for everything", at + "session_endpoints\nsession_auth\nreverse_proxy app\n}", false},
		{"endpoints for all of their path", at + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app\n}\n}", false},
		{"endpoints for what is left out elsewhere", at + "@a not path /app/*\nsession_endpoints @a\nsession_auth\nreverse_proxy app\n}", false},
		{"endpoints behind a matcher", at + "@a header X y\nsession_endpoints @a\nsession_auth\nreverse_proxy app\n}", true},
		{"endpoints behind a matcher of what is before them", at + "@a header X y\nroute {\nrespond @a 404\nsession_endpoints\nsession_auth\nreverse_proxy app\n}\n}", true},
		{"an app that may answer beside them", at + "@a header X y\nsession_endpoints @a\nsession_auth /app/*\nreverse_proxy app\n}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, _, err := look(t, c.config, siting.Options{})
			if err != nil || found.Doubtful != c.want {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}
