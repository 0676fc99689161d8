package siting_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

func TestAProbeOrAnEndpointThatIsNeverReached(t *testing.T) {
	const behind = "session_auth stands before session_health, and answers /healthz with 401 itself"
	for _, c := range []struct{ name, config, want string }{
		{"a probe behind session_auth in a route", at + "session_endpoints\nroute {\nsession_auth\nsession_health /healthz\nreverse_proxy app\n}\n}",
			"site app.example.com: " + behind},
		{"a probe in a handle, which comes later", at + "session_endpoints\nsession_auth\nhandle /healthz {\nsession_health /healthz\n}\nhandle {\nreverse_proxy app\n}\n}",
			"site app.example.com, path /healthz: " + behind},
		{"a probe behind session_auth that leads nobody", ":8080 {\nroute {\nsession_auth {\nno_redirect\n}\nsession_health /healthz\nreverse_proxy app\n}\n}",
			"site :8080: " + behind},
		{"a probe behind session_auth on a path that it is in", at + "session_endpoints\nroute {\nsession_auth /health*\nsession_health /healthz\nreverse_proxy app\n}\n}", behind},
		{"a probe behind an app", at + "route {\nreverse_proxy app\nsession_health /healthz\n}\n}",
			"site app.example.com: session_health /healthz never answers, for reverse_proxy before it answers there"},
		{"a probe behind an app on its path", at + "route {\nreverse_proxy /health* app\nsession_health /healthz\n}\n}", "never answers, for reverse_proxy"},
		{"a probe where its path does not lead", at + "handle /app/* {\nsession_health /healthz\n}\nrespond OK\n}",
			"site app.example.com, path /app/*: session_health stands where requests for /healthz do not come"},
		{"endpoints behind an app", at + "route {\nreverse_proxy app\nsession_endpoints\n}\n}",
			"site app.example.com: session_endpoints never answers, for reverse_proxy before it answers every request"},
		{"endpoints behind a page for the host of the site", at + "@a host app.example.com\nhandle @a {\nrespond Hello\n}\nhandle {\nsession_endpoints\n}\n}",
			"session_endpoints never answers, for respond"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := look(t, c.config, siting.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAProbeThatMayBeReachedIsAccepted(t *testing.T) {
	const own = "session_health /healthz\n"
	for _, c := range []struct{ name, config string }{
		{"beside session_auth", at + "session_auth\nsession_endpoints\n" + own + "reverse_proxy app\n}"},
		{"before session_auth in a route", at + "session_endpoints\nroute {\n" + own + "session_auth\nreverse_proxy app\n}\n}"},
		{"behind session_auth that opens its path", at + "session_endpoints\nroute {\nsession_auth {\npublic /healthz\n}\n" + own + "reverse_proxy app\n}\n}"},
		{"behind session_auth that lets all pass", at + "route {\nsession_auth {\noptional\n}\n" + own + "reverse_proxy app\n}\n}"},
		{"behind session_auth for another path", at + "session_endpoints\nroute {\nsession_auth /app/*\n" + own + "reverse_proxy app\n}\n}"},
		{"behind session_auth for who writes", at + "session_endpoints\n@w method POST\nroute {\nsession_auth @w\n" + own + "reverse_proxy app\n}\n}"},
		{"for a method that probes may have", at + "@h method HEAD\nhandle @h {\n" + own + "}\nhandle {\nrespond OK\n}\n}"},
		{"behind an app for another path", at + "route {\nreverse_proxy /app/* app\n" + own + "reverse_proxy other\n}\n}"},
		{"within handle_path", at + "handle_path /ops/* {\n" + own + "}\nhandle {\nrespond OK\n}\n}"},
		{"where a rewrite leads", at + "rewrite /ping /healthz\nhandle /healthz {\n" + own + "}\nhandle {\nrespond OK\n}\n}"},
		{"twice, of which one answers", at + "session_endpoints\n" + own + "session_auth\nhandle /x/* {\n" + own + "reverse_proxy app\n}\n}"},
		{"on a site that is closed for a while", at + "route {\nrespond 503\n" + own + "}\n}"},
		{"on one site of two", at + own + "respond OK\n}\nb.example.com {\nreverse_proxy app\n}"},
		{"by a matcher that cannot be foreseen", at + "session_endpoints\n@in remote_ip private_ranges\nroute {\nhandle @in {\n" + own + "}\nsession_auth\nreverse_proxy app\n}\n}"},
		{"endpoints twice, of which one answers", at + "session_endpoints\nroute {\nreverse_proxy app\nsession_endpoints\n}\n}"},
		{"endpoints behind an app on their path, for what is left", at + "route {\nreverse_proxy /auth/login app\nsession_endpoints\n}\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := look(t, c.config, siting.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of a wildcard with a whole site at one of its names, who comes by another name
// cannot be told.
func TestALoginPageAtOneOfTheNamesOfAWildcardIsWarnedAboutWhereOthersMayNotBe(t *testing.T) {
	config := "*.example.com {\n@a host a.example.com\nhandle @a {\nsession_endpoints\nsession_auth\nreverse_proxy app\n}\nhandle {\nsession_auth\nrespond no\n}\n}"
	found, warned, err := look(t, config, siting.Options{InFrontTLS: true})
	if err != nil || !found.Doubtful || len(warned) != 1 || !strings.Contains(warned[0], "It is right where nobody comes by another name") {
		t.Errorf("%+v, %q, %v", found, warned, err)
	}
}
