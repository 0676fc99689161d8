package pathrule_test

import (
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

// everyday are addresses that programs write by themselves.
var everyday = map[string]string{
	"GitLab's project":             "/group%2Fsub%2Fproject/-/tree/main?x=a%2Fb",
	"GitLab's API":                 "/api/v4/projects/group%2Fproject/repository/files/app%2Fmain%2Erb/raw?ref=main",
	"GitLab's file with a space":   "/group/project/-/blob/main/a%20b/%C3%A9t%C3%A9.md",
	"GitLab's branch with a hash":  "/group/project/-/tree/fix-%231",
	"npm's scope":                  "/@scope%2fname",
	"npm's tarball":                "/@scope/name/-/name-1.0.0.tgz",
	"RabbitMQ's default vhost":     "/api/queues/%2F/name",
	"RabbitMQ's vhost in a name":   "/api/exchanges/%2F/amq.direct/bindings/source",
	"a wiki's plus signs":          "/wiki/C%2B%2B",
	"a wiki's letters":             "/wiki/Caf%C3%A9",
	"a wiki's slash":               "/wiki/AC%2FDC",
	"a wiki's question":            "/wiki/Who%3F",
	"a wiki's hash":                "/wiki/C%23",
	"a wiki's percent sign":        "/wiki/100%25",
	"a wiki's encoded dot":         "/wiki/St%2E_John",
	"a wiki's dot at the end":      "/wiki/U.S.",
	"a wiki's semicolon":           "/wiki/Steins%3BGate",
	"two slashes":                  "/wiki//Main",
	"two slashes at the start":     "//wiki/Main",
	"two slashes at the end":       "/wiki/Main//",
	"a name that begins with dots": "/.well-known/...x",
	"a Latin letter":               "/wiki/Caf%E9",
	"a plain dot segment":          "/wiki/../wiki/Main",
	"Docker's manifest":            "/v2/library/nginx/manifests/sha256:0123",
	"Go's module":                  "/github.com/!burnt!sushi/toml/@v/v1.0.0.mod",
	"Maven's":                      "/repository/com/a-b/1.0%2B1/a-b-1.0%2B1.jar",
}

func TestEverydayAddressesPass(t *testing.T) {
	var watch pathrule.Watch
	for _, p := range []string{"/admin/*", "/login", "*.php", "/auth/*", "/api/admin/*"} {
		watch.Gate(p)
	}
	watch.Opener("/healthz")
	watch.Expression("^/internal/")
	for name, target := range everyday {
		t.Run(name, func(t *testing.T) {
			if why := watch.Refuse(parse(t, target)); why != "" {
				t.Errorf("%s is refused: %s", target, why)
			}
		})
	}
}

// What Caddy resolves for its matcher path it does not resolve for a placeholder.
func TestWhereMatchersLookAtThePathAsItCameItIsWrittenInOneWay(t *testing.T) {
	var watch pathrule.Watch
	watch.AsWritten()
	for target, passes := range map[string]bool{
		"/admin/users": true, "/": true, "/a/": true, "/wiki/Caf%C3%A9": true, "/a%20b": true,
		"//admin/users": false, "/./admin/users": false, "/x/../admin/users": false, "/%61dmin/users": false, "/a%2Fb": false,
		"/admin//users": false, "/assets/../admin/users": false,
	} {
		if why := watch.Refuse(parse(t, target)); (why == "") != passes {
			t.Errorf("%s: %q", target, why)
		}
	}
}

func TestAnEncodedDotInANameOpensWhatItOpens(t *testing.T) {
	var watch pathrule.Watch
	watch.Gate("/api/*")
	watch.Opener("*.js")
	if why := watch.Refuse(parse(t, "/api/v4/projects/1/repository/files/src%2Fmain%2Ejs")); why != "" {
		t.Error(why)
	}
}

func TestWatch(t *testing.T) {
	for _, c := range []struct{ name, kind, pattern, target, why string }{
		// In every case, whatever the patterns are.
		{"a parameter", "gate", "/x", "/a;v=1/b", `a ";" in a segment`},
		{"a parameter in a dot segment", "gate", "/x", "/x/..;/admin/users", `a ";" in a segment`},
		{"an encoded backslash", "gate", "/x", "/admin%5cusers", "an encoded backslash"},
		{"no path from the root", "gate", "/x", "http:admin/users", "no path from the root"},
		{"the server as a whole", "gate", "/x", "*", ""},
		{"a backslash", "gate", "/x", `/admin\users`, "an encoded backslash"},
		{"double encoding", "gate", "/x", "/%2561dmin/users", "double encoding"},
		{"double encoding of Microsoft's", "gate", "/x", "/%25u0061dmin", "double encoding"},
		{"encoded dots", "gate", "/x", "/a/%2e%2e/admin", "an encoded dot segment"},
		{"half encoded dots", "gate", "/x", "/a/.%2E/admin", "an encoded dot segment"},
		{"one encoded dot", "gate", "/x", "/a/%2e/admin", "an encoded dot segment"},
		{"dots beside an encoded slash", "gate", "/x", "/a/..%2fadmin", "an encoded dot segment"},
		{"dots before an encoded semicolon", "gate", "/x", "/a/..%3bx/admin", "an encoded dot segment"},
		{"overlong dots", "gate", "/x", "/a/%c0%ae%c0%ae/admin", "an encoded dot segment"},
		{"fullwidth dots", "gate", "/x", "/a/%ef%bc%8e%ef%bc%8e/admin", "an encoded dot segment"},

		// Where a pattern tells two readings apart.
		{"a host before it", "gate", "/admin/*", "//x/admin/users", "another reading of it falls under path /admin/*"},
		{"an encoded slash", "gate", "/admin/users", "/admin%2Fusers", ""},
		{"a slash that is a character to Caddy", "gate", "/a%2fb/*", "/a%2Fb/c", ""},
		{"a question mark", "gate", "/admin", "/admin%3F.css", "another reading of it falls under path /admin"},
		{"a hash", "gate", "*.php", "/a.php%23.css", "another reading of it falls under path *.php"},
		{"NUL", "gate", "/admin/*", "/admin/%00", ""},
		{"NUL before the rest", "gate", "/admin", "/admin%00.css", "another reading of it falls under path /admin"},
		{"a dot at the end of a name", "gate", "/admin/*", "/admin./users", "another reading of it falls under path /admin/*"},
		{"dots that Caddy resolves, and others do not", "gate", "/admin/*", "/admin/../x", "another reading of it falls under path /admin/*"},
		{"fullwidth letters", "gate", "/admin/*", "/%ef%bd%81dmin/x", "another reading of it falls under path /admin/*"},
		{"an overlong slash", "gate", "/admin/*", "/admin%c0%afx", "another reading of it falls under path /admin/*"},
		{"another case is the same to Caddy", "gate", "/admin/*", "/ADMIN/caf%C3%A9", ""},
		{"a substring", "gate", "*/secret/*", "/a//secret%3F/x", ""},
		{"two parts", "gate", "/a/*/c", "/a/b/c%3fd", "another reading of it falls under path /a/*/c"},
		{"everything", "gate", "*", "//x/y", ""},
		{"a pattern with a placeholder", "gate", "/x/{vars.y}", "//h/x/1", "another reading of it falls under path /x/*"},

		// A pattern that opens must hold for all readings.
		{"a host that is what is open", "opener", "/public/*", "//public/admin", "another reading of it does not fall under path /public/*"},
		{"slashes within what is open", "opener", "/public/*", "/public//x", ""},
		{"an encoded slash within what is open", "opener", "/public/*", "/public%2Fx", ""},
		{"what is open by its end", "opener", "*.css", "/admin%3F.css", "another reading of it does not fall under path *.css"},
		{"dots that lead to what is open", "opener", "/public/*", "/admin/../public/x", "another reading of it does not fall under path /public/*"},
		{"what is not open", "opener", "/public/*", "/x%3F", ""},

		{"an expression", "expression", "^/admin/", "//x/admin/users", "another reading of it is matched otherwise by path_regexp ^/admin/"},
		{"an expression that sees both", "expression", "^/admin", "/admin/caf%C3%A9%2F", ""},
		{"an expression that is none", "expression", "(", "/a%2Fb", ""},
		{"more readings than are looked at", "gate", "/x", "/" + "a%2fb//c./%3f%23%00%ef%bc%8f%c0%af/../d%20/%2fe.%20/../%ef%bc%9b", "more readings than are looked at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var watch pathrule.Watch
			map[string]func(string){"gate": watch.Gate, "opener": watch.Opener, "expression": watch.Expression}[c.kind](c.pattern)
			if why := watch.Refuse(parse(t, c.target)); why != c.why {
				t.Errorf("%q; want %q", why, c.why)
			}
		})
	}
}

// What a matcher opens before a prefix is taken off must be open in what the app
// makes of the rest, too.
func TestWhatIsOpenBeforeAPrefixIsTakenOffStaysSoBehindIt(t *testing.T) {
	var watch pathrule.Watch
	watch.Opener("/app/pub/*")
	watch.Opener("*.css")
	watch.Below("/app")
	for target, why := range map[string]string{
		"/app%2F/pub/x":   "another reading of it does not fall under path /app/pub/*",
		"/app/pub//x":     "",
		"/app/pub/a//b":   "",
		"/app/pub/a%2Fb":  "",
		"/app/a//b.css":   "",
		"/other%2F/pub/x": "",
	} {
		if got := watch.Refuse(parse(t, target)); got != why {
			t.Errorf("%s: %q; want %q", target, got, why)
		}
	}
}
