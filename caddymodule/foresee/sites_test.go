package foresee_test

import "example.com/sidegate/caddymodule/gatewaytest"

// site is a whole server, of which every request is asked about, and then made.
type site struct {
	name string
	gatewaytest.Site
	other string // a site of its own at the same port, called localhost
	named string // a route that can be invoked
	asks  []ask
}

// ask is a request, and what is foreseen of it for Grace and for Ada: the decision, and
// behind a colon by which handler.
type ask struct {
	method, target string
	grace, ada     string
	other          bool   // at the other site
	note           string // a part of what is noted of it
}

func get(target, both string) ask { return ask{method: "GET", target: target, grace: both, ada: both} }

func noted(a ask, note string) ask {
	a.note = note
	return a
}

// The words of most answers.
const (
	passes   = "pass:reverse_proxy"
	public   = "public:reverse_proxy"
	unasked  = "unguarded:reverse_proxy"
	forbids  = "refused:session_auth"
	ambigous = "refused:ambiguous paths"
	ours     = "answered:session_endpoints"
)

var sites = []site{
	{name: "rules by path", Site: gatewaytest.Site{Routes: `session_endpoints
		session_auth {
			public /healthz /assets/*
			path /orders/* {
				role admin
			}
			path /reports/* {
				permission orders:read
				method not GET
			}
			path /help/* {
				optional
			}
			path /trial/* {
				role nobody
				report_only
			}
			path /boss/* {
				account_admin
			}
		}
		reverse_proxy {upstream}`}, asks: []ask{
		{"GET", "/orders/7?a=b", forbids, passes, false, ""}, {"GET", "/ORDERS/7", forbids, passes, false, ""}, {"GET", "/orders", forbids, passes, false, ""},
		{"POST", "/reports/x", forbids, passes, false, ""}, get("/reports/x", passes), {"HEAD", "/reports/x", passes, passes, false, ""},
		{"BREW", "/reports/x", forbids, passes, false, ""},
		get("/help/me", passes), noted(get("/trial/x", passes), "only reports would be 403 forbidden"),
		{"GET", "/boss/x", forbids, passes, false, ""}, get("/", passes), get("/healthz", public), get("/assets/a.css", public), get("/Assets/a.css", passes),
		{"GET", "/assets/../orders/7", forbids, passes, false, ""}, {"GET", "/assets/..;/orders/7", forbids, passes, false, ""},
		{"GET", "/assets/..%2forders/7", forbids, passes, false, ""}, {"GET", "//orders/7", forbids, passes, false, ""}, get("/a%2fb", passes),
		{"GET", "/%6frders/7", forbids, passes, false, ""}, {"GET", `/x\..\orders/7`, forbids, passes, false, ""},
		{"TRACE", "/healthz", "refused:session_endpoints", "refused:session_endpoints", false, ""}, {"TRACE", "/auth/session", ours, ours, false, ""},
		get("/auth/session", ours), get("/auth/nothing", ours), get("/auth/verify/x", ours), get("/auth", passes), get("/auth/why?path=/x", ours),
	}},
	{name: "matchers", Site: gatewaytest.Site{Routes: `session_endpoints
		@admin path /admin/*
		@in session role admin
		@write method POST PUT
		session_auth @admin {
			role admin
		}
		header /tagged X-Tag set
		request_header X-Added yes
		handle_path /strip/* {
			session_auth {
				path /secret/* {
					role admin
				}
			}
			reverse_proxy {upstream}
		}
		handle /teapot {
			respond "short and stout" 418
		}
		handle @in {
			rewrite * /inside{uri}
			reverse_proxy {upstream}
		}
		handle @write {
			error 409
		}
		@tagged header X-Added yes
		handle @tagged {
			session_auth {
				role admin
				no_redirect
			}
			reverse_proxy {upstream}
		}
		handle {
			reverse_proxy {upstream}
		}
		handle_errors 409 {
			respond "conflict" 409
		}`}, asks: []ask{
		{"GET", "/admin/x", forbids, passes, false, ""}, get("/admin;x/y", ambigous), get("/%2e%2e/admin/x", ambigous), get("/strip/a/b?c", passes),
		{"GET", "/strip/secret/b", forbids, passes, false, ""},
		get("/teapot", "unguarded:static_response"), {"POST", "/x", "refused:error", unasked, false, ""},
		noted(ask{"GET", "/tagged", forbids, unasked, false, ""}, "the matcher session chooses a route"), {"GET", "/x", forbids, unasked, false, ""},
	}},
	{name: "groups, the end of a route, and routes by name", named: "session_auth {\nrole admin\n}\nreverse_proxy {upstream}", Site: gatewaytest.Site{Routes: `session_endpoints
		route /a/* {
			session_auth {
				role admin
			}
			reverse_proxy {upstream}
		}
		handle /b/* {
			handle /b/open/* {
				reverse_proxy {upstream}
			}
			handle {
				session_auth {
					permission orders:read
				}
				reverse_proxy {upstream}
			}
		}
		handle /b/first/* {
			reverse_proxy {upstream}
		}
		route /g/* {
			handle /g/* {
				session_auth
				reverse_proxy {upstream}
			}
			handle /g/x {
				reverse_proxy {upstream}
			}
		}
		route /named/* {
			invoke guarded
		}
		route /two/* {
			session_auth
			session_auth {
				account_admin
			}
			reverse_proxy {upstream}
		}
		route /moved/* {
			uri replace /moved/ /a/
			session_auth {
				path /a/* {
					role admin
				}
			}
			reverse_proxy {upstream}
		}
		route /mapped/* {
			map {path} {kind} {
				~^/mapped/in/ in
				default out
			}
			vars kind {kind}
			@in vars {kind} in
			session_auth @in {
				role admin
			}
			reverse_proxy {upstream}
		}
		route /end/* {
			session_auth
		}
		redir /gone /elsewhere
		`}, asks: []ask{
		{"GET", "/a/x", forbids, passes, false, ""}, get("/b/open/x", unasked), {"GET", "/b/x", forbids, passes, false, ""}, get("/b/first/x", unasked), get("/g/x", passes), {"GET", "/named/x", forbids, passes, false, ""},
		{"GET", "/two/x", forbids, passes, false, ""}, {"GET", "/moved/x", forbids, passes, false, ""}, get("/mapped/out/x", unasked),
		{"GET", "/mapped/in/x", forbids, passes, false, ""}, noted(get("/end/x", "pass:"), "blank page"), get("/gone", "unguarded:static_response"),
		noted(get("/nowhere", "unguarded:"), "blank page"), get("/nowhere/verify", "refused:nobody"),
	}},
	{name: "refusals that go to error routes", Site: gatewaytest.Site{Routes: `session_endpoints
		session_auth {
			role admin
			handle_errors
		}
		reverse_proxy {upstream}
		handle_errors {
			respond "sorry" 404
		}`}, asks: []ask{noted(ask{"GET", "/x", forbids, passes, false, ""}, "error routes"), {"TRACK", "/x", "refused:session_endpoints", "refused:session_endpoints", false, ""}}},
	{name: "all that is only reported", Site: gatewaytest.Site{Options: "report_only", Auth: "role admin"}, asks: []ask{get("/x", passes), get("/auth/refresh", ours)}},
	{name: "headers, files and what others decide", Site: gatewaytest.Site{Routes: `session_endpoints
		@staff header X-Session-Roles *admin*
		@beta header X-Beta yes
		@there file {
			root .
			try_files /same_test.go
		}
		@long expression ` + "`{method} == \"GET\" && path('/plain/*')`" + `
		route /told/* {
			session_auth
			respond @staff "staff" 200
			error 403
		}
		route /beta/* {
			session_auth @beta {
				role admin
			}
			reverse_proxy {upstream}
		}
		route /there/* {
			session_auth @there {
				role admin
			}
			reverse_proxy {upstream}
		}
		route /plain/* {
			session_auth @long {
				role admin
			}
			reverse_proxy {upstream}
		}
		route /asked/* {
			forward_auth {upstream} {
				uri /may
			}
			session_auth {
				role admin
			}
			reverse_proxy {upstream}
		}
		route /basic/* {
			basic_auth {
				bob $2a$04$S4tjDsVAxWtHj3cFhqTVeeNlvTkhQWd5UZJDYLiGIa7KRD1FVZvNG
			}
			session_auth
			reverse_proxy {upstream}
		}
		handle /files/* {
			session_auth
			file_server
		}
		respond "rest" 200`}, asks: []ask{
		{"GET", "/told/x", "refused:error", "pass:static_response", false, ""}, noted(get("/beta/x", unasked), "looks at headers"),
		noted(ask{"GET", "/there/x", forbids, passes, false, ""}, "looks at files"), {"GET", "/plain/x", forbids, passes, false, ""}, {"POST", "/plain/x", unasked, unasked, false, ""},
		noted(ask{"GET", "/asked/x", forbids, passes, false, ""}, "reverse_proxy is not run"), noted(get("/basic/x", passes), "authentication is not run"),
		get("/files/x", "pass:file_server"), get("/rest", "unguarded:static_response"),
	}},
	{name: "two sites at one port", Site: gatewaytest.Site{Auth: "path /x/* {\nrole admin\n}"}, other: `session_endpoints
		session_auth {
			path /y/* {
				role admin
			}
		}
		reverse_proxy {upstream}`, asks: []ask{
		{"GET", "/x/1", forbids, passes, false, ""}, get("/y/1", passes), {"GET", "/x/1", passes, passes, true, ""}, {"GET", "/y/1", forbids, passes, true, ""},
	}},
	{name: "nothing that guards, and a proxy that asks elsewhere", Site: gatewaytest.Site{Options: "policy staff {\nrole admin\n}", Routes: `session_endpoints
		session_health /healthz
		reverse_proxy {upstream}`}, asks: []ask{get("/x", unasked), get("/auth/verify/staff", ours), get("/healthz", "answered:session_health"), {"POST", "/healthz", "answered:session_health", "answered:session_health", false, ""}}},
}
