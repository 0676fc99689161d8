package siting_test

import (
	"fmt"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

func TestOneAppByTwoWaysHoweverItIsNamed(t *testing.T) {
	const site = "session_endpoints\n%s\nhandle /open {\nreverse_proxy %s\n}\nhandle {\nsession_auth\nreverse_proxy %s\n}\n}"
	for _, c := range []struct {
		name, before, open, guarded string
		warned                      bool
	}{
		{"a placeholder of the environment", "", "{env.APP}", "{env.APP}", true},
		{"two placeholders of the environment", "", "{env.APP}", "{env.OTHER}", false},
		{"a variable", "vars app app:80", "{vars.app}", "{vars.app}", true},
		{"a variable that is set by path", "vars app app:80\nvars /open app other:80", "{vars.app}", "{vars.app}", false},
		{"a placeholder of the path", "", "{path.0}:80", "{path.0}:80", false},
		{"a placeholder of the host", "", "{labels.0}:80", "{labels.0}:80", true},
		{"a socket", "", "unix//run/app.sock", "unix//run/app.sock", true},
		{"two sockets", "", "unix//run/app.sock", "unix//run/other.sock", false},
		{"a name that is looked up", "", "{\ndynamic a app 80\n}", "{\ndynamic a {\nname app\nport 80\nrefresh 5s\n}\n}", true},
		{"two ports of a name that is looked up", "", "{\ndynamic a app 80\n}", "{\ndynamic a app 81\n}", false},
		{"a service", "", "{\ndynamic srv _app._tcp.example.com\n}", "{\ndynamic srv _app._tcp.example.com\n}", true},
		{"two services", "", "{\ndynamic srv _app._tcp.example.com\n}", "{\ndynamic srv _other._tcp.example.com\n}", false},
		{"several sources", "", "{\ndynamic multi {\na app 80\na b 80\n}\n}", "{\ndynamic multi {\na app 80\na b 80\n}\n}", true},
		{"this machine by two names", "", "localhost:3000", "127.0.0.1:3000", true},
		{"one name in two schemes", "", "http://app", "h2c://app:80", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, at+fmt.Sprintf(site, c.before, c.open, c.guarded), siting.Options{InFrontTLS: true})
			if err != nil || (len(warned) > 0) != c.warned {
				t.Errorf("%q, %v", warned, err)
			}
		})
	}
}
