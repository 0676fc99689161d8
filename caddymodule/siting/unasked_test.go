package siting_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

func TestASiteWherePeopleSignInAndNothingIsGuarded(t *testing.T) {
	const open = "session_endpoints\nreverse_proxy app:80\n}\n"
	for _, c := range []struct {
		name, config string
		warned       bool
	}{
		{"an app beside endpoints", at + open, true},
		{"an app beside endpoints in a handle", at + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nreverse_proxy app:80\n}\n}", true},
		{"one of two ways is guarded by others", at + "basic_auth /x/* {\na $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n}\n" + open, false},
		{"session_auth", at + "session_auth\n" + open, false},
		{"session_auth that lets all pass", at + "session_auth {\noptional\n}\n" + open, false},
		{"session_auth on a path", at + "session_auth /x/*\n" + open, false},
		{"session_auth of another site", at + open + "b.example.com {\nsession_endpoints\nsession_auth\nreverse_proxy app:80\n}", false},
		{"session_auth on another server", at + open + "b.example.com:8443 {\nsession_auth {\nno_redirect\n}\nreverse_proxy app:80\n}", false},
		{"session_auth by a named route", "&(ours) {\nsession_auth\n}\n" + at + "invoke ours\n" + open, false},
		{"session_auth by a named route of another server", "&(ours) {\nsession_auth {\nno_redirect\n}\n}\n" + at + open + "b.example.com:8443 {\ninvoke ours\nreverse_proxy app:80\n}", false},
		{"session_auth in an error route", at + open[:len(open)-2] + "handle_errors {\nsession_auth {\noptional\n}\nreverse_proxy pages:80\n}\n}", false},
		{"the matcher session", at + "@in session\nheader @in X-In yes\n" + open, false},
		{"the matcher session of another server", at + open + "b.example.com:8443 {\n@in not session\nrespond @in no\nreverse_proxy app:80\n}", false},
		{"another guard", at + "forward_auth other:80 {\nuri /x\n}\n" + open, false},
		{"a network of one's own", at + "@in remote_ip private_ranges\nsession_endpoints\nreverse_proxy @in app:80\n}", false},
		{"endpoints alone", at + "session_endpoints\n}", false},
		{"endpoints alone, and an app of another site", at + "session_endpoints\n}\nb.example.com {\nreverse_proxy app:80\n}", false},
		{"one of the endpoints alone", at + "session_endpoints /auth/session\nreverse_proxy app:80\n}", false},
		{"no app", at + "session_endpoints\nrespond OK\n}", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := siting.Options{InFrontTLS: true, Servers: slices.Collect(maps.Values(servers(t, c.config)))}
			_, warned, err := look(t, c.config, o)
			if err != nil || (len(warned) > 0) != c.warned || c.warned && !strings.Contains(warned[0], "people sign in here, and nothing is guarded") {
				t.Errorf("%q, %v", warned, err)
			}
			o.Asks = true
			if _, warned, _ := look(t, c.config, o); len(warned) > 0 {
				t.Errorf("something asks for sessions that is provisioned already: %q", warned)
			}
			if _, warned, _ := look(t, c.config, siting.Options{InFrontTLS: true}); len(warned) > 0 {
				t.Errorf("without the other servers nothing can be told: %q", warned)
			}
		})
	}
}
