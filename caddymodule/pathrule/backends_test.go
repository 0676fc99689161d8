package pathrule_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

// backends are what programs behind a gateway take a path for: each as its
// documents have it, and in code that shares nothing with what is tested.
var backends = map[string]func(raw string) string{
	"RFC 3986": func(raw string) string { return decodedOnce(dotsRemoved(raw)) },
	"RFC 3986, normalised": func(raw string) string { // 6.2.2: case, percent-encoding, dots
		return dotsRemoved(decodedOnce(raw))
	},
	"WHATWG URL": func(raw string) string {
		u := strings.ReplaceAll(raw, `\`, "/")
		if strings.HasPrefix(u, "//") { // new URL(path, base)
			u = strings.TrimLeft(u, "/")
			if i := strings.IndexByte(u, '/'); i >= 0 {
				u = u[i:]
			} else {
				u = "/"
			}
		}
		parts := strings.Split(u, "/")
		for i, part := range parts {
			switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
			case ".":
				parts[i] = "."
			case "..":
				parts[i] = ".."
			}
		}
		return decodedOnce(dotsRemoved(strings.Join(parts, "/")))
	},
	"servlet": func(raw string) string { return path.Clean("/" + decodedOnce(parametersRemoved(raw))) },
	"servlet that allows backslashes": func(raw string) string {
		before, _, _ := strings.Cut(raw, ";")
		return path.Clean("/" + strings.ReplaceAll(decodedOnce(before), `\`, "/"))
	},
	"IIS": func(raw string) string {
		decoded := strings.ReplaceAll(decodedOnce(decodedOnce(raw)), `\`, "/")
		parts := strings.Split(path.Clean("/"+decoded), "/")
		for i := range parts {
			parts[i] = strings.TrimRight(parts[i], ". ")
		}
		return strings.ToLower(path.Clean("/" + strings.Join(parts, "/")))
	},
	"PHP": func(raw string) string { // an app that decodes what the server has decoded
		decoded := decodedOnce(path.Clean("/" + decodedOnce(raw)))
		before, _, _ := strings.Cut(decoded, "\x00")
		return before
	},
	"nginx": func(raw string) string { return path.Clean("/" + decodedOnce(raw)) },
	"nginx before a servlet": func(raw string) string { // which gets what nginx has made of it
		return path.Clean("/" + decodedOnce(parametersRemoved(path.Clean("/"+decodedOnce(raw)))))
	},
	"an app that decodes nothing": func(raw string) string { return raw },
	"an app with its own slashes": func(raw string) string { // encoded slashes stay characters
		return dotsRemoved(decodedOnce(strings.NewReplacer("%2f", "%252f", "%2F", "%252F").Replace(raw)))
	},
}

// behind are apps that have another root than the gateway: what they are sent for
// a path, and what that is in the gateway's words, whatever they read in it.
var behind = map[string]struct {
	sent func(raw string) (string, bool)
	told func(got string) (string, bool)
}{
	"": {
		func(raw string) (string, bool) { return raw, true },
		func(got string) (string, bool) { return got, true },
	},
	" behind a prefix that is taken off": {
		func(raw string) (string, bool) {
			rest, ok := strings.CutPrefix(raw, "/app")
			return "/" + strings.TrimPrefix(rest, "/"), ok && (strings.HasPrefix(rest, "/") || strings.HasPrefix(strings.ToLower(rest), "%2f"))
		},
		func(got string) (string, bool) { return "/app" + got, true },
	},
	" behind a base that is put before it": {
		func(raw string) (string, bool) { return "/base" + raw, true },
		func(got string) (string, bool) {
			rest, ok := strings.CutPrefix(got, "/base")
			return rest, ok && strings.HasPrefix(rest, "/")
		},
	},
}

// frontController is an app in PHP that is asked by the path behind its script.
func frontController(raw string) string {
	decoded := path.Clean("/" + decodedOnce(raw))
	if _, info, found := strings.Cut(decoded, "/index.php/"); found {
		return "/" + info
	}
	return decoded
}

func decodedOnce(s string) string {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				out = append(out, c...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func parametersRemoved(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		parts[i], _, _ = strings.Cut(part, ";")
	}
	return strings.Join(parts, "/")
}

// dotsRemoved is 5.2.4 of RFC 3986, step by step.
func dotsRemoved(in string) string {
	out := ""
	for in != "" {
		switch {
		case strings.HasPrefix(in, "../"):
			in = in[3:]
		case strings.HasPrefix(in, "./"):
			in = in[2:]
		case strings.HasPrefix(in, "/./"):
			in = in[2:]
		case in == "/.":
			in = "/"
		case strings.HasPrefix(in, "/../"), in == "/..":
			in = "/" + strings.TrimPrefix(strings.TrimPrefix(in, "/.."), "/")
			out = out[:max(strings.LastIndexByte(out, '/'), 0)]
		case in == ".", in == "..":
			in = ""
		default:
			next := strings.IndexByte(in[1:], '/') + 1
			if next == 0 {
				next = len(in)
			}
			out, in = out+in[:next], in[next:]
		}
	}
	return out
}

// guardedRules are the rules of the table: what an app has below /admin/ is for
// admins, below /assets/ for everybody, below /wiki/ for readers.
var guardedRules = []pathrule.Rule{
	{Patterns: []string{"/admin/*"}},
	{Patterns: []string{"/wiki/*"}, Methods: []string{"POST"}},
	{Patterns: []string{"/assets/*"}, Opens: pathrule.Public},
	{Patterns: []string{"/assets/private/*"}},
	{Patterns: []string{"/feed"}, Opens: pathrule.Optional},
	{Patterns: []string{"/app/admin/*"}},
	{Patterns: []string{"/app/assets/*"}, Opens: pathrule.Public},
}

// wants are what an app needs to be demanded where it takes a path for got.
func wants(got, method string) (demands []int, open bool) {
	got = strings.ToLower(got)
	for i, folder := range map[int]string{0: "/admin", 1: "/wiki", 3: "/assets/private", 5: "/app/admin"} {
		if (got == folder || strings.HasPrefix(got, folder+"/")) && (i != 1 || method == "POST") {
			demands = append(demands, i)
		}
	}
	return demands, strings.HasPrefix(got+"/", "/assets/") || strings.HasPrefix(got+"/", "/app/assets/") || got == "/feed" // whoever cleans a path takes its last slash off
}

// seeds are paths by which gateways were walked around, and ordinary ones.
var seeds = []string{
	"/admin/users", "/admin;x/users", "/x/..;/admin/users", "/%2561dmin/users", "/admin%5Cusers", "/assets/..%2fadmin/x", "/assets/%252e%252e/admin/",
	"/assets/..;/admin/x", "//x/admin/users", `/\x/admin/users`, "/ADMIN/x", "/admin", "/admin/", "/admin%2fusers", "/admin%252fusers", "/admin/..%2f..%2fassets/x",
	"/admin/..;/assets/x", "/assets/private/x", "/assets/Private/x", "/assets/./private;v=1/x", "/wiki/C%2B%2B", "/wiki/Caf%C3%A9", "/feed", "/feed/", "/feed%00",
	"/admin%00.css", "/admin./x", "/admin%20/x", "/x/%2e%2e/admin/x", "/x/%2E./admin", "/assets%2Fx", "/assets//x", "//assets/x", "/admin%3f/../assets/x", "/%c0%afadmin/x",
	"/assets/x/../../admin/%2e%2e/admin/x", "/%61dmin/x", "/a/b/..;/../..;/admin", "/group%2Fproject/-/tree/main", "/api/queues/%2F/name", "/assets/%5c..%5c..%5cadmin%5cx",
	"/%25%36%31dmin/x", "/x;/../admin/x", "/admin;/../x/admin", "/.;/admin/x", "/admin%252e/x", "/%2f/admin/x",
	"/app%2F/assets/x", "/app%2F/h/admin/x", "/app//h/admin/x", "/app/..;/admin/x", "/app/../admin/x", "/app/%2e%2e/admin/x", "/app/x/..;/..;/admin/x", "/app/..%5cadmin/x",
	"/app/assets/..;/admin/x", "/app/assets/..;/..;/x/assets/y", "/app%2f%5Ch/admin/x", "/../base/admin/x", "/..;/base/admin/x", "/assets/..;/..;/base/x",
	"/index.php/admin/x", "/index.php%2Fadmin/x", "/x/index.php/admin", "/assets/index.php/admin/x",
}

func TestNoReadingOfABackendIsWithoutItsDemand(t *testing.T) {
	rules := newRules(t)
	for _, seed := range seeds {
		for _, method := range []string{"GET", "POST"} {
			holdBackends(t, rules, seed, method)
			holdFrontController(t, rules, seed, method)
		}
	}
}

func newRules(t testing.TB) *pathrule.Rules {
	t.Helper()
	rules, err := pathrule.New(pathrule.Session, guardedRules)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// holdBackends checks that no reading that a rule covers reaches the app without
// its demand, and that none is open that no rule opens.
func holdBackends(t testing.TB, rules *pathrule.Rules, target, method string) {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || !strings.HasPrefix(target, "/") {
		return
	}
	v := rules.Decide(u, method, true)
	for where, root := range behind {
		sent, ok := root.sent(u.EscapedPath())
		for name, read := range backends {
			if got, reached := root.told(read(sent)); ok && reached {
				holdBackend(t, v, name+where, method, target, got)
			}
		}
	}
}

func holdBackend(t testing.TB, v pathrule.Verdict, name, method, target, got string) {
	t.Helper()
	demands, open := wants(got, method)
	for _, i := range demands {
		if !v.Demands(i) || v.Access != pathrule.Session {
			t.Errorf("%s %q is %q to %s, without the demand of %v", method, target, got, name, guardedRules[i].Patterns)
		}
	}
	if encoded := strings.ContainsAny(got, "%;\\?#\x00"); !open && v.Access != pathrule.Session && !encoded {
		t.Errorf("%s %q is %q to %s, and is open", method, target, got, name)
	}
}

// holdFrontController checks the demands alone: what is open to a script is so to
// what it makes of the path.
func holdFrontController(t testing.TB, rules *pathrule.Rules, target, method string) {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || !strings.HasPrefix(target, "/") {
		return
	}
	v, got := rules.Decide(u, method, true), frontController(u.EscapedPath())
	demands, _ := wants(got, method)
	for _, i := range demands {
		if !v.Demands(i) || v.Access != pathrule.Session {
			t.Errorf("%s %q is %q to a front controller, without the demand of %v", method, target, got, guardedRules[i].Patterns)
		}
	}
}

// The oracle is that no reading that a rule covers reaches the app without its
// demand.
func FuzzNoReadingIsWithoutItsDemand(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	rules := newRules(f)
	f.Fuzz(func(t *testing.T, target string) {
		if len(target) > 4096 {
			return
		}
		holdBackends(t, rules, target, "GET")
		holdBackends(t, rules, target, "POST")
		holdFrontController(t, rules, target, "GET")
	})
}

// holdMatchers checks that what a backend takes for a path below /admin/ is one
// to Caddy's `path /admin/*` too, and that what Caddy takes for one below
// /public/, which leads to the app, is one to the backend; or it is refused.
func holdMatchers(t testing.TB, target string) {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || !strings.HasPrefix(target, "/") {
		return
	}
	var watch pathrule.Watch
	watch.Gate("/admin/*")
	watch.Opener("/public/*")
	watch.Gate("/app/admin/*")
	watch.Opener("/app/public/*")
	watch.Below("/app")
	if watch.Refuse(u) != "" {
		return
	}
	for where, root := range behind {
		sent, ok := root.sent(u.EscapedPath())
		for name, read := range backends {
			if got, reached := root.told(read(sent)); ok && reached {
				holdMatched(t, u, name+where, target, strings.ToLower(got))
			}
		}
	}
}

func holdMatched(t testing.TB, u *url.URL, name, target, got string) {
	t.Helper()
	caddys := strings.ToLower(path.Clean(u.Path)) + "/" // as caddyhttp.MatchPath cleans it
	encoded := strings.ContainsAny(got, "%?#\x00")
	for _, root := range []string{"", "/app"} {
		if strings.HasPrefix(got, root+"/admin/") && !strings.HasPrefix(caddys, root+"/admin/") {
			t.Errorf("%q is %q to %s, past path %s/admin/*", target, got, name, root)
		}
		// A base that is put before the path is not known to the guard.
		if strings.HasPrefix(caddys, root+"/public/") && !strings.HasPrefix(got+"/", root+"/public/") && !encoded && !strings.Contains(name, "base") {
			t.Errorf("%q is %q to %s, let in by path %s/public/*", target, got, name, root)
		}
	}
}

func TestNoReadingOfABackendWalksAroundAMatcher(t *testing.T) {
	for _, seed := range seeds {
		holdMatchers(t, seed)
		holdMatchers(t, strings.ReplaceAll(seed, "assets", "public"))
	}
}

// The oracle is that no reading that a matcher covers reaches the app past it.
func FuzzNoReadingWalksAroundAMatcher(f *testing.F) {
	for _, seed := range seeds {
		f.Add(strings.ReplaceAll(seed, "assets", "public"))
	}
	f.Fuzz(func(t *testing.T, target string) {
		if len(target) <= 4096 {
			holdMatchers(t, target)
		}
	})
}
