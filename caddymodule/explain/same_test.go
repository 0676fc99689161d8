package explain_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/explain"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// asked is a request, to the running gateway and to the command.
type asked struct {
	method, target, as string
	headers            []string
}

// everyone asks for it in turn: nobody, somebody with few rights, and with many.
func everyone(method, target string, headers ...string) (all []asked) {
	for _, as := range []string{"", gatewaytest.Grace, gatewaytest.Ada} {
		all = append(all, asked{method, target, as, headers})
	}
	return all
}

const page = "Accept: text/html"

// sites are those of which every request is sent to both.
var sites = []struct {
	name string
	site gatewaytest.Site
	asks [][]asked
}{
	{"rules by path", gatewaytest.Site{Routes: `session_endpoints
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
			headers native remote-user
			header X-Tenant {http.auth.user.account_id}
			assertion host
		}
		reverse_proxy {upstream} {
			header_up X-Gateway yes
			header_up -X-Session-Accounts
			header_up Host {upstream_hostport}
		}`}, [][]asked{
		everyone("GET", "/orders/7?a=b"), everyone("GET", "/ORDERS/7", page), everyone("POST", "/reports/x"), everyone("GET", "/reports/x"),
		everyone("GET", "/help/me", page), everyone("GET", "/trial/x", page), everyone("GET", "/boss/x"), everyone("HEAD", "/"),
		everyone("GET", "/healthz", "X-Session-Email: eve@example.com", "X-Real-Ip: 10.0.0.1"), everyone("GET", "/assets/../orders/7"),
		everyone("GET", "/assets/..;/orders/7"), everyone("GET", "/a%2fb"), everyone("TRACE", "/healthz"), everyone("BREW", "/tea"),
		everyone("GET", "/auth/session"), everyone("GET", "/auth/login", page), everyone("GET", "/auth/nothing"), everyone("PUT", "/auth/session"),
		everyone("GET", "/x", "Upgrade: websocket", "Connection: Upgrade", "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Version: 13", "Origin: https://evil.example.com"),
		everyone("GET", "/x", "Authorization: Bearer nonsense"), everyone("GET", "/x", "Connection: X-Session-Email, close"),
		{{"GET", "/boss/x", gatewaytest.Ada, []string{"X-Account-Id: globex"}}, {"GET", "/boss/x", gatewaytest.Ada, []string{"X-Account-Id: initech"}}},
	}},
	{"matchers", gatewaytest.Site{Routes: `session_endpoints
		@admin path /admin/*
		@in session role admin
		@write method POST PUT
		session_auth @admin {
			role admin
			no_redirect
		}
		header /tagged X-Tag set
		request_header X-Added yes
		handle_path /strip/* {
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
		handle /moved {
			redir https://elsewhere.example.com/{query} 302
		}
		handle {
			reverse_proxy {upstream}
		}
		handle_errors 409 {
			respond "conflict" 409
		}`}, [][]asked{
		everyone("GET", "/admin/x", page), everyone("GET", "/admin;x/y"), everyone("GET", "/%2e%2e/admin/x"), everyone("GET", "/strip/a/b?c"),
		everyone("GET", "/teapot"), everyone("POST", "/x", "X-Http-Method-Override: DELETE"), everyone("GET", "/moved?a=b"), everyone("GET", "/tagged"),
	}},
	{"refusals that go to error routes", gatewaytest.Site{Routes: `session_endpoints
		session_auth {
			role admin
			handle_errors
			headers none
		}
		reverse_proxy {upstream}
		handle_errors {
			rewrite * /failed/{err.status_code}
			reverse_proxy {upstream}
		}`}, [][]asked{everyone("GET", "/x"), everyone("GET", "/x", page, "Remote-User: eve")}},
	{"what browsers ask first, and accounts by address", gatewaytest.Site{Options: "account_param account", Auth: "preflight pass\npath /boss/* {\naccount_admin\n}"}, [][]asked{
		everyone("OPTIONS", "/x", "Origin: https://app.example", "Access-Control-Request-Method: PUT"), everyone("OPTIONS", "/x"),
		everyone("OPTIONS", "/x", "Origin: https://app.example", "Access-Control-Request-Method: PUT", "X-Http-Method-Override: PUT"),
		everyone("GET", "/boss/x?account=globex&a=b"), everyone("GET", "/boss/x?account=acme"), everyone("GET", "/x?account=acme;a=b"),
	}},
	{"all that is only reported", gatewaytest.Site{Options: "report_only", Auth: "role admin"}, [][]asked{
		everyone("GET", "/x"), everyone("TRACE", "/x"), everyone("GET", "/x", page),
	}},
	{"nothing that guards", gatewaytest.Site{Routes: "session_endpoints\nreverse_proxy {upstream}"}, [][]asked{
		everyone("GET", "/x", "X-Session-Roles: admin"), everyone("POST", "/x?_method=PUT", "X-Http-Method-Override: DELETE"),
	}},
	{"another proxy asks", gatewaytest.Site{Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}", Options: `policy staff {
			role admin
			path /open/* {
				public
			}
			headers native remote-user
		}`}, [][]asked{
		everyone("GET", "/auth/verify"), everyone("GET", "/auth/verify/none"),
		everyone("GET", "/auth/verify/staff", "X-Forwarded-Uri: /x", "X-Forwarded-Method: GET", "X-Forwarded-Host: 127.0.0.1"),
		everyone("GET", "/auth/verify/staff", "X-Forwarded-Uri: /open/x", "X-Forwarded-Method: GET"),
		everyone("GET", "/auth/verify/staff", "X-Original-Uri: /a", "X-Forwarded-Uri: /b", "X-Forwarded-Method: GET"),
	}},
}

func TestWhatIsExplainedIsWhatTheGatewayDoes(t *testing.T) {
	for _, c := range sites {
		t.Run(c.name, func(t *testing.T) {
			up := gatewaytest.NewRecorder(t)
			c.site.Upstream = up.Address()
			var written string
			s := gatewaytest.StartEdited(t, c.site, func(text string, _ int) string { written = text; return text })
			gatewaytest.WriteFile(t, filepath.Join(s.Dir, "Caddyfile"), written)
			cookies := map[string]string{"": ""}
			for _, who := range []string{gatewaytest.Ada, gatewaytest.Grace} {
				cookies[who] = s.WithCookie(t, who).Cookie
			}
			for _, ask := range slices.Concat(c.asks...) {
				t.Run(fmt.Sprintf("%s %s as %s %v", ask.method, ask.target, ask.as, ask.headers), func(t *testing.T) {
					before := up.Count()
					answer := send(t, s, ask, cookies[ask.as])
					compare(t, answer, up.Since(before), explained(t, s, ask))
				})
			}
		})
	}
}

// send asks the running gateway, in the words of the request.
func send(t *testing.T, s *gatewaytest.Server, ask asked, cookie string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
	lines := append([]string{ask.method + " " + ask.target + " HTTP/1.1", "Host: " + s.Address()}, ask.headers...)
	if cookie != "" {
		lines = append(lines, "Cookie: "+cookie)
	}
	if _, err := conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: ask.method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// explained asks the command.
func explained(t *testing.T, s *gatewaytest.Server, ask asked) *explain.Report {
	t.Helper()
	args := []string{ask.method, s.URL + ask.target, "--from", "127.0.0.1"}
	if ask.as != "" {
		args = append(args, "--as", ask.as)
	}
	for _, h := range ask.headers {
		args = append(args, "--header", h)
	}
	return reportOf(t, s.Dir, args...)
}

// reportOf is what the command says of a request, in JSON.
func reportOf(t *testing.T, dir string, args ...string) *explain.Report {
	t.Helper()
	said, code := gatewaytest.RunCaddy(t, dir, append([]string{"sidegate-explain", "--json"}, args...)...)
	r := new(explain.Report)
	in := json.NewDecoder(bytes.NewReader([]byte(said)))
	in.DisallowUnknownFields()
	if err := in.Decode(r); err != nil || code != map[bool]int{true: 0, false: 3}[r.Passes] {
		t.Fatalf("status %d: %v\n%s", code, err, said)
	}
	return r
}

// TestASessionThatIsGivenIsThatOfTheRunningGateway: what GET /auth/session answers
// is a person as good as one of the users file.
func TestASessionThatIsGivenIsThatOfTheRunningGateway(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	var written string
	s := gatewaytest.StartEdited(t, gatewaytest.Site{Upstream: up.Address(), Auth: "path /x/* {\nrole admin\n}"}, func(text string, _ int) string {
		written = text
		return text
	})
	gatewaytest.WriteFile(t, filepath.Join(s.Dir, "Caddyfile"), written)
	for _, who := range []string{gatewaytest.Ada, gatewaytest.Grace} {
		t.Run(who, func(t *testing.T) {
			c, before := s.WithCookie(t, who), up.Count()
			gatewaytest.WriteFile(t, filepath.Join(s.Dir, "session.json"), c.Get("/auth/session").Body)
			answer := send(t, s, asked{method: "GET", target: "/x/y"}, c.Cookie)
			r := reportOf(t, s.Dir, "GET", s.URL+"/x/y", "--from", "127.0.0.1", "--input", "session.json")
			compare(t, answer, up.Since(before), r)
		})
	}
}

// compare looks whether both say the same, but for what is new each time.
func compare(t *testing.T, answer *http.Response, got []*http.Request, r *explain.Report) {
	t.Helper()
	if answer.StatusCode != r.Answer.Status {
		t.Errorf("the answer is %d, and explained as %+v", answer.StatusCode, r.Answer)
	}
	for _, name := range []string{"Location", "Www-Authenticate", "Allow", "X-Tag", "X-Login-Url", "X-Session-Email", "Remote-User", "Cache-Control", "Vary"} {
		if is, said := answer.Header[name], r.Answer.Headers[name]; !slices.Equal(is, said) {
			t.Errorf("%s of the answer is %q, and explained as %q", name, is, said)
		}
	}
	if len(got) != len(r.Forwarded) {
		t.Fatalf("the app got %d requests, and explained are %+v", len(got), r.Forwarded)
	}
	for i, f := range slices.Backward(r.Forwarded) {
		is := got[len(got)-1-i]
		if is.Method != f.Method || is.RequestURI != f.URI || is.Host != f.Host {
			t.Errorf("the app got %s %s at %s, and explained is %s %s at %s", is.Method, is.RequestURI, is.Host, f.Method, f.URI, f.Host)
		}
		if was, said := told(is.Header), told(f.Headers); !reflect.DeepEqual(was, said) {
			t.Errorf("the app got\n%v\nand explained is\n%v", was, said)
		}
	}
}

// told are the headers, with what is new each time only as there or not.
func told(h http.Header) http.Header {
	all := maps.Clone(h)
	for _, name := range []string{"X-Session-Id", "X-Session-Assertion"} {
		if all[name] != nil {
			all[name] = []string{"is there"}
		}
	}
	return all
}
