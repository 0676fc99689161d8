package caddymodule_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMistakesInPathRulesAreRefused(t *testing.T) {
	const at = "Caddyfile:3: "
	for _, c := range []struct{ name, where, line, want string }{
		{"no path", inAuth, "path", wrongCount},
		{"no path, and a block", inAuth, "path {\n\t\t\trole admin\n\t\t}", wrongCount},
		{"an empty path", inAuth, `path /a ""`, "path has an empty argument"},
		{"a path without its slash", inAuth, "path admin/*", at + `path "admin/*": give an exact path such as /login, or a prefix such as /admin/*`},
		{"an asterisk within", inAuth, "path /a/*/b", at + `path "/a/*/b": give an exact path such as /login, or a prefix such as /admin/*`},
		{"an encoded path", inAuth, "path /a%2Fb", at + `path "/a%2Fb": write it decoded, without //, dot segments, ; % ? # or \`},
		{"an unknown word", inAuth, "path /a {\n\t\t\troles admin\n\t\t}", "unrecognized path subdirective 'roles'"},
		{"no role", inAuth, "path /a {\n\t\t\trole\n\t\t}", wrongCount},
		{"no method", inAuth, "path /a {\n\t\t\tmethod\n\t\t}", wrongCount},
		{"a slip of not", inAuth, "path /a {\n\t\t\tmethod nt GET\n\t\t}", "'nt' is no method: did you mean `method not`?"},
		{"not, and no method", inAuth, "path /a {\n\t\t\tmethod not\n\t\t}", at + "path /a: not which methods? Name one at least"},
		{"methods twice", inAuth, "path /a {\n\t\t\tmethod GET\n\t\t\tmethod PUT\n\t\t}", "method is given twice: name them all on one line"},
		{"a word behind public", inAuth, "path /a {\n\t\t\tpublic yes\n\t\t}", takesNone},
		{"public twice", inAuth, "path /a {\n\t\t\tpublic\n\t\t\tpublic\n\t\t}", "public is given twice"},
		{"public and optional", inAuth, "path /a /b {\n\t\t\tpublic\n\t\t\toptional\n\t\t}", at + "path /a /b: public and optional exclude each other: keep one of them"},
		{"public and a demand", inAuth, "path /a {\n\t\t\tpublic\n\t\t\trole admin\n\t\t}", at + "path /a: it opens the path and demands something of it: leave out public and optional, or the demand"},
		{"optional and a demand", inAuth, "path /a {\n\t\t\toptional\n\t\t\taccount_admin\n\t\t}", "path /a: it opens the path and demands something of it"},
		{"what is no method", inAuth, "path /a {\n\t\t\tmethod GET,POST\n\t\t}", at + `path /a: "GET,POST" is no method`},
		{"ambiguous_paths without a word", inAuth, "ambiguous_paths", wrongCount},
		{"ambiguous_paths of something else", inAuth, "ambiguous_paths refuse", at + "ambiguous_paths: what stands there is not known: it takes the word allow"},
		{"ambiguous_paths twice", inAuth, "ambiguous_paths allow\n\t\tambiguous_paths allow", "ambiguous_paths is given twice"},
		{"ambiguous_paths of the app, of something else", inOptions, "ambiguous_paths off", "Caddyfile:4: ambiguous_paths: what stands there is not known: it takes the word allow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantAdaptError(t, strings.Replace(c.where, "LINE", c.line, 1), c.want)
		})
	}
}

func TestPathRulesThatCannotWorkAreRefused(t *testing.T) {
	_, config := adapted(t, gatewaytest.Site{Auth: "ambiguous_paths allow\npath /admin/* {\nrole admin\nmethod GET\n}"})
	for name, c := range map[string]struct{ old, new, want string }{
		"no path":                   {`"patterns":["/admin/*"]`, `"patterns":[]`, "path rule 1 names no path: give one such as /admin/*"},
		"a path without its slash":  {`"/admin/*"`, `"admin"`, `path "admin": give an exact path`},
		"no role":                   {`"roles":["admin"]`, `"roles":[]`, "path /admin/*: a requirement names no role and no permission"},
		"what is no method":         {`"methods":["GET"]`, `"methods":["G T"]`, `path /admin/*: "G T" is no method`},
		"public and a demand":       {`"methods":["GET"]`, `"public":true`, "path /admin/*: it opens the path and demands something of it"},
		"another word":              {`"ambiguous_paths":"allow","handler"`, `"ambiguous_paths":"x","handler"`, "ambiguous_paths \"x\": write `ambiguous_paths allow`"},
		"another word, of the app":  {`"sidegate":{`, `"sidegate":{"ambiguous_paths":"x",`, "ambiguous_paths \"x\": write `ambiguous_paths allow`"},
		"a rule without its fields": {`{"methods":["GET"],"patterns":["/admin/*"],"require":[{"roles":["admin"]}]}`, `{}`, "path rule 1 names no path"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Count(string(config), c.old) != 1 {
				t.Fatalf("there is no %s in\n%s", c.old, config)
			}
			wantInvalid(t, []byte(strings.Replace(string(config), c.old, c.new, 1)), c.want)
		})
	}
}

// A guard that cannot come first would be a promise that nobody keeps.
func TestADemandThatCannotBeGuardedIsRefused(t *testing.T) {
	const named = "&(gate) {\n\tsession_auth\n\treverse_proxy 127.0.0.1:9\n}\n"
	site := gatewaytest.Site{Upstream: "127.0.0.1:9", Routes: "handle /admin/* {\ninvoke gate\n}\nreverse_proxy {upstream}", Global: quiet}
	s := site.Prepare(t)
	text := strings.Replace(site.Caddyfile(s), "\nhttp://", "\n"+named+"\nhttp://", 1)
	wantInvalid(t, gatewaytest.Adapt(t, text), "session_auth stands in named routes or error routes alone, where it hangs on path \"/admin/*\"")
	for name, c := range map[string]struct{ old, new string }{
		"with session_endpoints in the site": {"handle /admin/*", "session_endpoints\nhandle /admin/*"},
		"where the app allows it":            {"sidegate {", "sidegate {\nambiguous_paths allow"},
	} {
		t.Run(name+" it is taken", func(t *testing.T) {
			if err := validate(t, gatewaytest.Adapt(t, strings.Replace(text, c.old, c.new, 1))); err != nil {
				t.Error(err)
			}
		})
	}
}

const ruled = `
	session_endpoints
	session_auth {
		role admin viewer
		public /healthz /assets/*
		path /admin/* {
			role owner admin
		}
		path /admin/logo.png {
			public
		}
		path /orders/* {
			method not GET HEAD
			permission orders:write
			role admin
		}
		path /accounts/* {
			account_admin
		}
		path /shop/* {
			optional
		}
		path /assets/private/* {
			role owner
		}
		path /wiki/* {
			public
			method GET
		}
	}
	reverse_proxy {upstream}
`

func TestPathRulesDecide(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: ruled, Upstream: up.Address()})
	people := map[string]*gatewaytest.Client{"ada": s.WithCookie(t, gatewaytest.Ada), "grace": s.WithCookie(t, gatewaytest.Grace), "nobody": s.Client(t)}
	for _, c := range []struct {
		name, who, method, path string
		header                  []string
		want                    int
	}{
		{"a path of no rule needs what the site demands", "ada", "GET", "/x", nil, 200},
		{"a path of no rule needs a session", "nobody", "GET", "/x", nil, 401},
		{"a role of a rule", "ada", "GET", "/admin/x", nil, 200},
		{"no role of a rule", "grace", "GET", "/admin/x", nil, 403},
		{"no session where a rule demands", "nobody", "GET", "/admin/x", nil, 401},
		{"an exact path that is public", "nobody", "GET", "/admin/logo.png", nil, 200},
		{"a method of a rule, and no role", "grace", "POST", "/orders/1", nil, 403},
		{"a method of a rule, and the role", "ada", "PUT", "/orders/1", nil, 200},
		{"a method that nobody knows", "grace", "FROB", "/orders/1", nil, 403},
		{"a method of no rule", "grace", "GET", "/orders/1", nil, 200},
		{"who administers the account", "ada", "GET", "/accounts/x", nil, 200},
		{"who administers another account", "ada", "GET", "/accounts/x", []string{"X-Account-Id", "globex"}, 403},
		{"optional, and nobody", "nobody", "GET", "/shop/x", nil, 200},
		{"optional, and a bad token", "nobody", "GET", "/shop/x", []string{"Authorization", "Bearer x"}, 401},
		{"the option public beside rules", "nobody", "GET", "/assets/a.css", nil, 200},
		{"a rule within the option public", "ada", "GET", "/assets/private/x", nil, 403},
		{"a rule within the option public, and nobody", "nobody", "GET", "/assets/private/x", nil, 401},
		{"the option public is stricter", "nobody", "GET", "/assets/a%2Fb", nil, 401},
		{"a rule that is public, with an encoded slash", "nobody", "GET", "/wiki/AC%2FDC", nil, 200},
		{"a rule that is public, and HEAD", "nobody", "HEAD", "/wiki/x", nil, 200},
		{"a rule that is public for another method", "nobody", "POST", "/wiki/x", nil, 401},
		{"a reading that leaves what is public", "nobody", "GET", "/wiki/..;/x", nil, 401},
		{"a reading that enters what is demanded", "grace", "GET", "/wiki/..;/admin/x", nil, 403},
		{"one that may do both passes", "ada", "GET", "/wiki/..;/admin/x", nil, 200},
		{"a public path, and a bad token", "nobody", "GET", "/wiki/x", []string{"Authorization", "Bearer x"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := up.Count()
			people[c.who].In(t).Do(c.method, c.path, "", c.header...).Want(t, c.want)
			if passed := up.Count() > before; passed != (c.want == http.StatusOK) {
				t.Errorf("the app got the request: %v", passed)
			}
			if c.want == http.StatusOK && c.who == "nobody" {
				wantAnonymous(t, up.Last())
			}
		})
	}
}

// An operator whose people are refused finds in the log which demand it is for,
// and what would let them pass.
func TestARefusedPathIsTold(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: "session_endpoints\nsession_auth /admin/* {\nrole admin\n}\nrespond ok"})
	told := func(parts ...string) func() bool {
		return func() bool {
			for line := range strings.Lines(p.Log.String()) {
				if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
					return true
				}
			}
			return false
		}
	}
	const rule, option = `"rule":"path \"/admin/*\""`, `"option":"ambiguous_paths allow"`
	gatewaytest.Await(t, "the start tells of the guard", told(`"level":"info"`, `"listen":["`, rule, option), p.Log.String)
	a := p.Exchange(t, "GET /shop;jsessionid=1/cart HTTP/1.1\nHost: 127.0.0.1\n\n")
	a.WantError(t, http.StatusBadRequest, "bad_request")
	gatewaytest.Await(t, "the refusal is logged", told(`"level":"warn"`, `"path":"/shop;jsessionid=1/cart"`, `"why":"a \";\" in a segment"`, rule, option), p.Log.String)
	p.AwaitSample("ambiguous_paths_refused_total", 1)
	page := p.Exchange(t, "GET /a%5Cb HTTP/1.1\nHost: 127.0.0.1\nSec-Fetch-Mode: navigate\nAccept: text/html\n\n").Want(t, http.StatusBadRequest)
	page.WantHeader(t, "Content-Type", "text/html; charset=utf-8")
	p.AwaitSample("ambiguous_paths_refused_total", 2)
}
