package siting_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

// Outside of `route` and `handle` Caddy rewrites before any handler of ours.
func TestALoginPageThatIsRewrittenBeforeAnybodyAnswersIt(t *testing.T) {
	const own, page = "session_endpoints\nsession_auth\n", "try_files {path} /index.html\nfile_server\n"
	const refused, warned, doubtful, works = "refused", "warned", "doubtful", ""
	for _, c := range []struct{ name, routes, want string }{
		{"an app of a single page", own + page, refused},
		{"an app of a single page beside its API", "session_endpoints\nsession_auth /api/*\nreverse_proxy /api/* app\n" + page, refused},
		{"an app of a single page, and endpoints alone", "session_endpoints\n" + page, refused},
		{"by a query too", own + "try_files {path} {path}/ /index.php?{query}\nfile_server", doubtful},
		{"every request", "rewrite * /index.php\n" + own + "reverse_proxy app", refused},
		{"a part of the path", "uri replace /login /signin\n" + own + "reverse_proxy app", refused},
		{"every request, to a page that is open", "rewrite * /closed.html\nsession_endpoints\nsession_auth {\npublic /closed.html\n}\nfile_server", warned},
		{"by what stands in the path", "uri path_regexp /l.* /x\n" + own + "reverse_proxy app", doubtful},
		{"to what is not known", "rewrite * {env.PAGE}\n" + own + "reverse_proxy app", doubtful},
		{"a file that may be there", "@f file /closed.html\nrewrite @f /closed.html\n" + own + "reverse_proxy app", doubtful},

		{"an app of a single page in a handle", own + "handle {\n" + page + "}", works},
		{"an app of a single page behind ours in a route", "route {\n" + own + page + "}", works},
		{"an app of a single page for what is not ours", "@app {\nnot path /auth/*\nfile {path} /index.html\n}\nrewrite @app {file_match.relative}\n" + own + "file_server", works},
		{"another path", "rewrite /x /index.php\n" + own + "reverse_proxy app", works},
		{"all but ours", "@app not path /auth/*\nrewrite @app /index.php\n" + own + "reverse_proxy app", works},
		{"another part of the path", "uri replace /old /new\n" + own + "reverse_proxy app", works},
		{"a query", "uri query -x\n" + own + "reverse_proxy app", works},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, said, err := look(t, at+"root * /srv\n"+c.routes+"\n}", siting.Options{InFrontTLS: true})
			told := func(text string) bool { return strings.Contains(text, "nobody can sign in, for `") }
			switch {
			case (c.want == refused) != (err != nil), err != nil && !told(err.Error()):
				t.Errorf("got %v", err)
			case (c.want == warned) != (len(said) > 0), len(said) > 0 && !told(said[0]):
				t.Errorf("warned %q", said)
			case err == nil && found.Doubtful != (c.want == doubtful):
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestAProbeThatIsRewrittenBeforeItIsAnswered(t *testing.T) {
	const probe, page = "session_health /healthz\n", "try_files {path} /index.html\nfile_server\n"
	for _, c := range []struct{ name, routes, want string }{
		{"an app of a single page", probe + page, "session_health never answers, for `try_files`"},
		{"an app of a single page in a handle", probe + "handle {\n" + page + "}", ""},
		{"another part of the path", "uri replace /old /new\n" + probe + "respond OK", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := look(t, at+c.routes+"\n}", siting.Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
