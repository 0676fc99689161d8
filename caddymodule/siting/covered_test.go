package siting_test

import (
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

// Where something is asked that comes to nobody, Caddy answers 200.
func TestWhetherEveryRequestComesToSomebody(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         bool
	}{
		{"session_endpoints for all", at + "session_endpoints\n}", true},
		{"session_endpoints for their own", at + "session_endpoints /auth/*\n}", false},
		{"with an app behind", at + "session_endpoints /auth/*\nreverse_proxy app\n}", true},
		{"with an app behind for some paths", at + "session_endpoints /auth/*\nreverse_proxy /app/* app\n}", false},
		{"a handle for each, and one for the rest", at + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nreverse_proxy app\n}\n}", true},
		{"a handle for each, and none for the rest", at + "handle /auth/* {\nsession_endpoints\n}\nhandle /app/* {\nreverse_proxy app\n}\n}", false},
		{"a handle with nothing in it beside", at + "handle /none/* {\nheader X-A b\n}\nhandle {\nsession_endpoints\n}\n}", false},
		{"a forward_auth and nothing behind", at + "session_endpoints /auth/*\nforward_auth asks:80 {\nuri /asks\n}\n}", false},
		{"another site without us", at + "session_endpoints\n}\nopen.example.com {\nrespond /x OK\n}", false},
		{"another site with an app", at + "session_endpoints\n}\nopen.example.com {\nreverse_proxy app\n}", true},
		{"any host", ":8080 {\nsession_endpoints\n}", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, _, err := look(t, c.config, siting.Options{InFront: true, InFrontTLS: true})
			if err != nil || found.Hosts().Covered() != c.want {
				t.Errorf("%v, %v", !c.want, err)
			}
		})
	}
}
