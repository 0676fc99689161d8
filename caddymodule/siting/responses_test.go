package siting_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

// A reverse_proxy that looks at answers hands a request on where a route for
// them does, and nowhere else.
func TestWhatStandsBehindAnAppWhoseAnswersAreHandled(t *testing.T) {
	const ok, ends = "@ok status 2xx\n", "session_auth never runs, for reverse_proxy before it"
	for _, c := range []struct{ name, proxy, want string }{
		{"forward_auth", "forward_auth app:80 {\nuri /x\ncopy_headers A B\n}", ""},
		{"a route that hands on", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\nheader X y\n}\n}", ""},
		{"a route that may", "reverse_proxy app:80 {\nhandle_response {\n@a header X y\nrespond @a no\n}\n}", ""},
		{"nothing to be done", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\n}\n}", ""},
		{"one of two hands on", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\nheader X y\n}\nhandle_response {\ncopy_response\n}\n}", ""},
		{"files that the app names", "reverse_proxy app:80 {\n@a header X-Accel-Redirect *\nhandle_response @a {\nrewrite {rp.header.X-Accel-Redirect}\nfile_server\n}\n}", ends},
		{"files that pass on", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\nfile_server {\npass_thru\n}\n}\n}", ""},
		{"another app", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\nreverse_proxy other:80\n}\n}", ends},
		{"a page", "reverse_proxy app:80 {\n" + ok + "handle_response @ok {\nrespond Hello\n}\n}", ends},
		{"the answer itself", "reverse_proxy app:80 {\nhandle_response {\ncopy_response_headers\ncopy_response\n}\n}", ends},
		{"another status", "reverse_proxy app:80 {\n" + ok + "replace_status @ok 201\n}", ends},
		{"refused whatever the answer", "reverse_proxy app:80 {\nhandle_response {\nrespond 403\n}\n}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := look(t, at+"session_endpoints\nroute {\n"+c.proxy+"\nsession_auth\nreverse_proxy guarded\n}\n}", siting.Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
