package siting_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

// The provider's token is for the app alone, and what is asked before it has it too.
func TestATokenForTheAppThatOthersGet(t *testing.T) {
	const token = "session_endpoints\nroute {\nsession_auth {\nupstream_token sso\n}\n"
	const asks = "forward_auth asks:80 {\nuri /asks\n"
	for _, c := range []struct{ name, config, want string }{
		{"a forward_auth", token + asks + "}\nreverse_proxy app:80\n}", "first:[asks:80] site:site app.example.com then:[app:80] upstream_token:sso"},
		{"a forward_auth, before php_fastcgi", token + asks + "}\nphp_fastcgi app:9000\n}", "first:[asks:80] site:site app.example.com then:[app:9000]"},
		{"another reverse_proxy for some answers", token + "reverse_proxy app:80 {\n@gone status 404\nhandle_response @gone {\nreverse_proxy other:80\n}\n}\n}",
			"first:[app:80] site:site app.example.com then:[other:80]"},
		{"one for some paths alone", token + "handle /x/* {\n" + asks + "}\n}\nreverse_proxy app:80\n}", "first:[asks:80]"},
		{"in the order of directives", "session_endpoints\nsession_auth {\nupstream_token sso\n}\nroute {\n" + asks + "}\n}\nreverse_proxy app:80", "first:[asks:80]"},
		{"a forward_auth that is not sent it", token + asks + "header_up -Authorization\n}\nreverse_proxy app:80\n}", ""},
		{"a forward_auth that is sent something else", token + asks + "header_up Authorization x\n}\nreverse_proxy app:80\n}", ""},
		{"a forward_auth before it", "session_endpoints\nroute {\n" + asks + "}\nsession_auth {\nupstream_token sso\n}\nreverse_proxy app:80\n}", ""},
		{"a forward_auth without a token", "session_endpoints\nroute {\nsession_auth\n" + asks + "}\nreverse_proxy app:80\n}", ""},
		{"a forward_auth that is the app", token + "forward_auth app:80 {\nuri /asks\n}\nreverse_proxy app:80\n}", ""},
		{"apps of different paths", token + "handle /x/* {\nreverse_proxy other:80\n}\nhandle {\nreverse_proxy app:80\n}\n}", "one:[other:80] other:[app:80] site:site app.example.com upstream_token:sso"},
		{"an app of one path beside that of all others", "session_endpoints\nsession_auth {\nupstream_token sso\n}\nhandle /x/* {\nreverse_proxy other:80\n}\nreverse_proxy app:80", "one:[other:80] other:[app:80]"},
		{"apps of different paths, one of which is not sent it", token + "handle /x/* {\nreverse_proxy other:80 {\nheader_up -Authorization\n}\n}\nhandle {\nreverse_proxy app:80\n}\n}", ""},
		{"one app by different paths", token + "handle /x/* {\nreverse_proxy app:80\n}\nhandle {\nreverse_proxy app:80\n}\n}", ""},
		{"apps with a session_auth each, for whom it is said twice", "session_endpoints\nhandle /x/* {\nsession_auth {\nupstream_token sso\n}\nreverse_proxy other:80\n}\n" +
			"handle {\nsession_auth {\nupstream_token sso\n}\nreverse_proxy app:80\n}", ""},
		{"an app whose answers lead to a page", token + "reverse_proxy app:80 {\n@gone status 404\nhandle_response @gone {\nrespond gone 404\n}\n}\n}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, at+c.config+"\n}", siting.Options{InFrontTLS: true})
			var of []string
			for _, line := range warned {
				if strings.Contains(line, "upstream_token") {
					of = append(of, line)
				}
			}
			if err != nil || c.want == "" && len(of) > 0 || c.want != "" && (len(of) != 1 || !strings.Contains(of[0], c.want)) {
				t.Errorf("%q, %v", warned, err)
			}
		})
	}
}
