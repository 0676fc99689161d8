package siting_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Caddy keeps the first handler of a named route alone, where none has a matcher:
// a guard that is lost leaves the app open.
func TestANamedRouteKeepsAllThatStandsInIt(t *testing.T) {
	for _, c := range []struct {
		name, route string
		want        []string
	}{
		{"endpoints and session_auth", "session_endpoints\nsession_auth", []string{"session_endpoints", "session_auth"}},
		{"session_auth behind a header", "header X y\nsession_auth", []string{"headers", "session_auth"}},
		{"session_auth before an app", "session_auth\nreverse_proxy app", []string{"session_auth", "reverse_proxy"}},
		{"session_health before the rest", "session_health /healthz\nsession_endpoints", []string{"session_health", "session_endpoints"}},
		{"endpoints before an app", "session_endpoints\nrespond OK", []string{"session_endpoints", "static_response"}},
		{"session_auth twice", "session_auth /x/*\nsession_auth", []string{"session_auth", `"/x/*"`, "session_auth"}},
		{"in a route", "route {\nsession_endpoints\nsession_auth\n}", []string{"session_endpoints", "session_auth"}},
		{"one alone", "session_auth", []string{"session_auth"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			named, err := json.Marshal(server(t, "&(ours) {\n"+c.route+"\n}\n"+at+"invoke ours\nreverse_proxy app\n}").NamedRoutes["ours"])
			rest := string(named)
			for _, want := range c.want {
				_, after, found := strings.Cut(rest, want)
				if !found || err != nil {
					t.Fatalf("%s is not there, or too early: %s, %v", want, named, err)
				}
				rest = after
			}
		})
	}
}

// It is asked for every request that the named route is invoked for.
func TestASessionAuthBehindAnotherHandlerOfANamedRouteGuards(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{
		Routes: "invoke ours\nreverse_proxy {upstream}\n}\n&(ours) {\nsession_endpoints\nsession_auth",
	})
	s.Client(t).Get("/", "Sec-Fetch-Mode", "cors").Want(t, http.StatusUnauthorized)
	if status := navigate(t, s.URL+"/auth/login", ""); status != http.StatusOK {
		t.Errorf("the login page is answered with %d", status)
	}
}
