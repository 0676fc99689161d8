package siting_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/siting"
)

func TestAnErrorRouteThatLeadsWhoIsRefusedToTheApp(t *testing.T) {
	const own = "session_endpoints\nsession_auth {\nhandle_errors\n}\nreverse_proxy 127.0.0.1:80\n"
	for _, c := range []struct {
		name, routes string
		warned       bool
	}{
		{"for one status", own + "handle_errors 401 {\nreverse_proxy 127.0.0.1:80\n}", true},
		{"for many", own + "handle_errors 4xx {\nreverse_proxy 127.0.0.1:80\n}", true},
		{"for every status", own + "handle_errors {\nreverse_proxy localhost:80\n}", true},
		{"for another status", own + "handle_errors 502 {\nreverse_proxy 127.0.0.1:80\n}", false},
		{"to a page of the app", own + "handle_errors 401 {\nrewrite * /welcome\nreverse_proxy 127.0.0.1:80\n}", false},
		{"to a page for the status", own + "handle_errors {\nrewrite * /{err.status_code}.html\nreverse_proxy 127.0.0.1:80\n}", false},
		{"to another app", own + "handle_errors 401 {\nreverse_proxy pages:80\n}", false},
		{"behind another session_auth", own + "handle_errors 401 {\nsession_auth {\nno_redirect\n}\nreverse_proxy 127.0.0.1:80\n}", false},
		{"for who comes from here", own + "handle_errors 401 {\n@in remote_ip private_ranges\nreverse_proxy @in 127.0.0.1:80\n}", false},
		{"where refusals do not come", "session_endpoints\nsession_auth\nreverse_proxy 127.0.0.1:80\nhandle_errors {\nreverse_proxy 127.0.0.1:80\n}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, at+c.routes+"\n}", siting.Options{InFrontTLS: true})
			if err != nil || (len(warned) > 0) != c.warned || c.warned && !strings.Contains(warned[0], "who is refused comes to the app all the same") {
				t.Errorf("%q, %v", warned, err)
			}
		})
	}
}

func TestAnAppThatIsGuardedHereAndOpenOnAnotherServer(t *testing.T) {
	const guarded = at + "session_endpoints\nsession_auth\nreverse_proxy 127.0.0.1:80\n}\n"
	for _, c := range []struct {
		name, other string
		warned      bool
	}{
		{"by plain http", "http://app.example.com {\nreverse_proxy localhost:80\n}", true},
		{"by another port", "app.example.com:8443 {\nreverse_proxy 127.0.0.1:80\n}", true},
		{"on this machine alone", "http://app.example.com:8080 {\nbind 127.0.0.1\nreverse_proxy 127.0.0.1:80\n}", false},
		{"by another name", "http://open.example.com {\nreverse_proxy 127.0.0.1:80\n}", false},
		{"with its own session_auth", "http://app.example.com {\nsession_auth {\nno_redirect\n}\nreverse_proxy 127.0.0.1:80\n}", false},
		{"another app", "http://app.example.com {\nreverse_proxy other:80\n}", false},
		{"none", "http://app.example.com {\nredir https://app.example.com{uri}\n}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := slices.Collect(maps.Values(servers(t, guarded+c.other)))
			var warned []string
			for _, server := range all {
				_, said, err := lookAt(server, siting.Options{InFrontTLS: true, Servers: all})
				if warned = append(warned, said...); err != nil {
					t.Error(err)
				}
			}
			if (len(warned) > 0) != c.warned || c.warned && !strings.Contains(warned[0], "at another address of the site") {
				t.Errorf("%q", warned)
			}
		})
	}
}

// What was put before the routes of a server that came first hides nothing.
func TestAnAppThatIsOpenOnAServerWhichIsReadyAlready(t *testing.T) {
	all := servers(t, at+"session_endpoints\nsession_auth\nreverse_proxy 127.0.0.1:80\n}\nhttp://app.example.com {\nsession_endpoints\nreverse_proxy 127.0.0.1:80\n}")
	first := &all["srv1"].Routes[0]
	first.MatcherSetsRaw = nil
	first.MatcherSets = caddyhttp.MatcherSets{{everyroute.New(nil, caller.Credentials{}), caddyhttp.MatchHost{"app.example.com"}}}
	_, warned, err := lookAt(all["srv0"], siting.Options{InFrontTLS: true, Servers: slices.Collect(maps.Values(all))})
	if err != nil || !strings.Contains(strings.Join(warned, ""), "at another address of the site") {
		t.Errorf("%q, %v", warned, err)
	}
}
