package endpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// trusting names the address that tests come from as a proxy's.
const trusting = "servers {\ntrusted_proxies static 127.0.0.1/32\n}"

const policies = `
	policy open {
		public /healthz /assets/*
	}
	policy admin {
		role admin
	}
	policy orders {
		path /orders/* {
			role admin
			method not GET
		}
		headers remote-user
		header X-Who {http.auth.user.email}
		assertion
	}
	policy pages {
		redirect
	}
	policy guests {
		optional
	}
	policy guests-told {
		optional
		headers remote-user
		header X-Who {http.auth.user.email}
		assertion
	}`

func verifying(t *testing.T) *gatewaytest.Server {
	t.Helper()
	return gatewaytest.Start(t, gatewaytest.Site{Options: policies, Global: trusting, Routes: "session_endpoints\nrespond 418"})
}

func TestOtherProxiesAreToldWhoMayPass(t *testing.T) {
	s := verifying(t)
	ada, grace, nobody := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace), s.Client(t)
	forwarded := func(method, uri string) []string {
		return []string{"X-Forwarded-Method", method, "X-Forwarded-Uri", uri, "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}
	}
	nginx := func(method, uri string) []string { return []string{"X-Original-Method", method, "X-Original-URI", uri} }
	ingress := func(method, uri string) []string {
		return []string{"X-Original-Method", method, "X-Original-URL", "https://app.example" + uri}
	}
	for _, c := range []struct {
		name   string
		who    *gatewaytest.Client
		path   string
		header []string
		want   int
	}{
		{"the default lets any session pass", grace, "/auth/verify", nil, http.StatusNoContent},
		{"and nobody else", nobody, "/auth/verify", nil, http.StatusUnauthorized},
		{"the default by its name", grace, "/auth/verify/default", nil, http.StatusNoContent},
		{"a role that one has", ada, "/auth/verify/admin", nil, http.StatusNoContent},
		{"a role that one has not", grace, "/auth/verify/admin", nil, http.StatusForbidden},
		{"what is open, by Traefik's headers", nobody, "/auth/verify/open", forwarded("GET", "/assets/a.css"), http.StatusNoContent},
		{"what is open, by nginx'", nobody, "/auth/verify/open", nginx("GET", "/assets/a.css"), http.StatusNoContent},
		{"what is open, by ingress-nginx'", nobody, "/auth/verify/open", ingress("GET", "/assets/a.css?v=1"), http.StatusNoContent},
		{"what is open, by Envoy's address", nobody, "/auth/verify/open/assets/a.css", nil, http.StatusOK},
		{"what can be read as something else", nobody, "/auth/verify/open", forwarded("GET", "/assets/..%2fadmin"), http.StatusUnauthorized},
		{"the same by Envoy's address", nobody, "/auth/verify/open/assets/..%2fadmin", nil, http.StatusUnauthorized},
		{"what is not open", nobody, "/auth/verify/open", nginx("GET", "/admin"), http.StatusUnauthorized},
		{"a method that is for all", grace, "/auth/verify/orders", nginx("GET", "/orders/7"), http.StatusNoContent},
		{"a HEAD of it", grace, "/auth/verify/orders", nginx("HEAD", "/orders/7"), http.StatusNoContent},
		{"a method that takes a role", grace, "/auth/verify/orders", nginx("DELETE", "/orders/7"), http.StatusForbidden},
		{"the same by another reading", grace, "/auth/verify/orders", nginx("DELETE", "/x/../orders/7"), http.StatusForbidden},
		{"the same with the role", ada, "/auth/verify/orders", nginx("DELETE", "/orders/7"), http.StatusNoContent},
		{"who is not signed in where none need be", nobody, "/auth/verify/guests", nil, http.StatusNoContent},
		{"a policy that is not there", ada, "/auth/verify/other", nil, http.StatusNotFound},
		{"a policy that is not there, by Envoy's address", ada, "/auth/verify/other/orders/7", nil, http.StatusNotFound},
		{"TRACE", ada, "/auth/verify", forwarded("TRACE", "/"), http.StatusForbidden},
		{"a tunnel", ada, "/auth/verify", forwarded("CONNECT", "/"), http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := c.who.In(t).Get(c.path, c.header...).Want(t, c.want)
			if signIn := answer.Header.Get("X-Login-Url"); (signIn != "") != (c.want == http.StatusUnauthorized || c.want == http.StatusForbidden) {
				t.Errorf("people sign in at %q", signIn)
			}
			if c.want/100 != 2 && answer.Header.Get("X-User-Email") != "" {
				t.Errorf("who is refused is told of as %s", answer.Header.Get("X-User-Email"))
			}
		})
	}
}

func TestOtherProxiesAreToldWhoItIs(t *testing.T) {
	s := verifying(t)
	ada := s.WithCookie(t, gatewaytest.Ada)
	native := ada.Get("/auth/verify", "X-Session-Email", "mallory@example.com").Want(t, http.StatusNoContent)
	native.WantHeader(t, "X-Session-Email", gatewaytest.Ada)
	native.WantHeader(t, "Cache-Control", "no-store")
	if native.Body != "" {
		t.Errorf("it says %q", native.Body)
	}
	head := ada.Do(http.MethodHead, "/auth/verify", "").Want(t, http.StatusNoContent)
	head.WantHeader(t, "X-Session-Email", gatewaytest.Ada)
	own := ada.Get("/auth/verify/orders", "X-Original-Method", "GET", "X-Original-Uri", "/orders").Want(t, http.StatusNoContent)
	own.WantHeader(t, "Remote-Email", gatewaytest.Ada)
	own.WantHeader(t, "X-Who", gatewaytest.Ada)
	own.WantHeader(t, "X-Session-Email", "")
	if own.Header.Get("X-Session-Assertion") == "" {
		t.Error("there is no assertion")
	}
	guest := s.Client(t).Get("/auth/verify/guests").Want(t, http.StatusNoContent)
	for name := range guest.Header {
		if strings.HasPrefix(name, "X-Session") || strings.HasPrefix(name, "Remote-") {
			t.Errorf("of nobody it is told %s", name)
		}
	}
}

// Envoy hands any other status than 200 on to the client, and so a 204 as an empty
// answer (toResponse in its ext_authz_http_impl.cc); the Gateway API says the same.
func TestEnvoyIsToldByTheStatusThatItTakesForAYes(t *testing.T) {
	ada := verifying(t).WithCookie(t, gatewaytest.Ada)
	answer := ada.Get("/auth/verify/default/orders/7").Want(t, http.StatusOK)
	answer.WantHeader(t, "X-Session-Email", gatewaytest.Ada)
	if answer.Body != "" || answer.Header.Get("Content-Type") != "" {
		t.Errorf("it says %q, of type %q", answer.Body, answer.Header.Get("Content-Type"))
	}
}

// What Envoy is answered takes the place of what a client has sent under those names;
// what a client has sent under the others, Envoy leaves.
func TestEnvoyIsToldWhatToDelete(t *testing.T) {
	s := verifying(t)
	for _, c := range []struct {
		name, path string
		who        *gatewaytest.Client
		told, gone []string
	}{
		{"of who has all", "/auth/verify/default/", s.WithCookie(t, gatewaytest.Ada), []string{"X-Session-Email", "X-Session-Account-Id"}, []string{"X-Session-Truncated"}},
		{"of who has no account", "/auth/verify/default/", s.WithCookie(t, gatewaytest.Grace), []string{"X-Session-Email"}, []string{"X-Session-Account-Id", "X-Session-Account-Admin"}},
		{"of nobody", "/auth/verify/open/assets/a", s.Client(t), nil, []string{"X-Session-Email", "X-Session-User-Id", "X-Session-Id"}},
		{"of headers of one's own", "/auth/verify/orders/x", s.WithCookie(t, gatewaytest.Grace), []string{"Remote-Email", "X-Who", "X-Session-Assertion"}, nil},
		{"of nobody, of headers of one's own", "/auth/verify/guests-told/x", s.Client(t), nil, []string{"Remote-Email", "X-Who", "X-Session-Assertion"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := c.who.In(t).Get(c.path).Want(t, http.StatusOK).Header
			gone := strings.Split(h.Get("X-Envoy-Auth-Headers-To-Remove"), ",")
			for _, name := range c.told {
				if h.Get(name) == "" || slices.Contains(gone, name) {
					t.Errorf("%s is %q, and %q are deleted", name, h.Get(name), gone)
				}
			}
			for _, name := range c.gone {
				if h.Get(name) != "" || !slices.Contains(gone, name) {
					t.Errorf("%s is %q, and %q are deleted", name, h.Get(name), gone)
				}
			}
		})
	}
	if name := "X-Envoy-Auth-Headers-To-Remove"; s.WithCookie(t, gatewaytest.Ada).Get("/auth/verify").Header.Get(name) != "" {
		t.Error("other proxies are told too")
	}
}

// A client must not choose which request is decided on, by headers that a proxy
// passes on, or by asking itself.
func TestForgedOriginalsDecideNothing(t *testing.T) {
	t.Run("who is no trusted proxy", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: policies, Routes: "session_endpoints\nrespond 418"})
		wantDecided(t, s.WithCookie(t, gatewaytest.Grace), []forged{
			{"tells of what is open", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Forwarded-Method", "GET"}, http.StatusBadRequest},
			{"does by its address", "/auth/verify/open/assets/a", nil, http.StatusBadRequest},
			{"tells of the method", "/auth/verify/orders", []string{"X-Original-Uri", "/orders", "X-Original-Method", "GET"}, http.StatusBadRequest},
			{"is not heard where nothing hangs on it", "/auth/verify", []string{"X-Forwarded-Uri", "%zz", "X-Forwarded-Method", "TRACE"}, http.StatusNoContent},
			{"has the role that they have", "/auth/verify/admin", []string{"X-Forwarded-Uri", "/assets/a"}, http.StatusForbidden},
		})
		why := s.WithCookie(t, gatewaytest.Grace).Get("/auth/verify/default/orders/7").Want(t, http.StatusBadRequest)
		if !strings.Contains(why.Body, "is taken from trusted proxies alone") {
			t.Errorf("a policy that does not ask for the path is refused by %s", why.Body)
		}
	})
	wantDecided(t, verifying(t).WithCookie(t, gatewaytest.Grace), []forged{
		{"nothing is told", "/auth/verify/open", nil, http.StatusBadRequest},
		{"no method is told", "/auth/verify/orders", []string{"X-Original-Uri", "/orders"}, http.StatusBadRequest},
		{"a method alone", "/auth/verify/orders", []string{"X-Forwarded-Method", "GET"}, http.StatusBadRequest},
		{"the address is told twice", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Forwarded-Uri", "/assets/a"}, http.StatusBadRequest},
		{"the client's beside the proxy's", "/auth/verify/open", []string{"X-Forwarded-Uri", "/admin", "X-Original-Uri", "/assets/a"}, http.StatusBadRequest},
		{"the client's whole one beside the proxy's", "/auth/verify/open", []string{"X-Original-Uri", "/admin", "X-Original-Url", "https://a.example/assets/a"}, http.StatusBadRequest},
		{"the client's method beside the proxy's", "/auth/verify/orders",
			[]string{"X-Original-Uri", "/orders", "X-Original-Method", "DELETE", "X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET"}, http.StatusBadRequest},
		{"the client's method beside a proxy that tells none", "/auth/verify/orders",
			[]string{"X-Original-Uri", "/orders", "X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET"}, http.StatusBadRequest},
		{"the client's host beside the proxy's", "/auth/verify", []string{"X-Original-Uri", "/", "X-Forwarded-Uri", "/", "X-Forwarded-Host", "evil.example"}, http.StatusBadRequest},
		{"a list of hosts", "/auth/verify", []string{"X-Forwarded-Uri", "/", "X-Forwarded-Host", "a.example, b.example"}, http.StatusBadRequest},
		{"another path than the one behind the policy's", "/auth/verify/open/assets/a", []string{"Path", "/admin"}, http.StatusBadRequest},
		{"another path than the one that is always asked at", "/auth/verify/open/", []string{"Path", "/assets/a"}, http.StatusBadRequest},
		{"the same path", "/auth/verify/default/assets/a?b=c", []string{"Path", "/assets/a?b=c"}, http.StatusOK},
		{"no path", "/auth/verify", []string{"X-Forwarded-Uri", "assets/a"}, http.StatusBadRequest},
		{"another scheme", "/auth/verify", []string{"X-Original-Url", "ftp://a.example/"}, http.StatusBadRequest},
		{"a name in the address", "/auth/verify", []string{"X-Original-Url", "https://a@b.example/"}, http.StatusBadRequest},
		{"what cannot be decoded", "/auth/verify", []string{"X-Forwarded-Uri", "/%zz"}, http.StatusBadRequest},
		{"an endless one", "/auth/verify", []string{"X-Forwarded-Uri", "/" + strings.Repeat("a", 8<<10)}, http.StatusBadRequest},
		{"a method that the app takes in place of it", "/auth/verify/orders",
			[]string{"X-Original-Uri", "/orders", "X-Original-Method", "GET", "X-HTTP-Method-Override", "DELETE"}, http.StatusForbidden},
		{"the same in the query", "/auth/verify/orders", []string{"X-Original-Uri", "/orders?_method=DELETE", "X-Original-Method", "GET"}, http.StatusForbidden},
		{"a path that the app takes in place of it", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Rewrite-Url", "/admin"}, http.StatusForbidden},
		{"the same, of Envoy's", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Envoy-Original-Path", "/admin"}, http.StatusForbidden},
		{"the same, as a path", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Original-Path", "/admin"}, http.StatusForbidden},
		{"what is put before the path", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X-Forwarded-Prefix", "/admin"}, http.StatusForbidden},
		{"another spelling of what tells the gateway", "/auth/verify/open", []string{"X-Forwarded-Uri", "/assets/a", "X~Original~Uri", "/admin"}, http.StatusForbidden},
		{"a path that the app takes in place of it, behind the policy's address", "/auth/verify/open/assets/a", []string{"X-Rewrite-Url", "/admin"}, http.StatusForbidden},
		{"another address than the one behind the policy's", "/auth/verify/open/assets/a", []string{"X-Original-Url", "/admin"}, http.StatusBadRequest},
		{"another method than that of the question", "/auth/verify/default/orders", []string{"X-Original-Method", "DELETE"}, http.StatusBadRequest},
		{"the same address", "/auth/verify/default/assets/a?b=c", []string{"X-Original-Url", "https://a.example/assets/a?b=c", "X-Original-Method", "GET"}, http.StatusOK},
		{"a path that the app takes in place of it, where no path decides", "/auth/verify", []string{"X-Rewrite-Url", "/admin"}, http.StatusNoContent},
		{"the same where no method decides", "/auth/verify", []string{"X-HTTP-Method-Override", "DELETE"}, http.StatusNoContent},
	})
}

type forged struct {
	name, path string
	header     []string
	want       int
}

func wantDecided(t *testing.T, who *gatewaytest.Client, cases []forged) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			answer := who.In(t).Get(c.path, c.header...).Want(t, c.want)
			if c.want == http.StatusBadRequest {
				answer.WantError(t, http.StatusBadRequest, "bad_request")
			}
		})
	}
}

// A proxy that lets early data through says so, and who has listened may send it again
// (RFC 8470 section 5.1). The question about it is always safe; the request need not be.
func TestWhatCameBeforeTheHandshakeOfAnotherProxyWaits(t *testing.T) {
	s := verifying(t)
	ada := s.WithCookie(t, gatewaytest.Ada)
	told := func(method string, header ...string) []string {
		return append([]string{"Early-Data", "1", "X-Forwarded-Uri", "/orders", "X-Forwarded-Method", method}, header...)
	}
	for _, c := range []struct {
		name, method, path string
		header             []string
		want               int
	}{
		{"a POST", http.MethodGet, "/auth/verify", told("POST"), http.StatusTooEarly},
		{"a method that the app takes in place of it", http.MethodGet, "/auth/verify", told("GET", "X-Http-Method-Override", "POST"), http.StatusTooEarly},
		{"a websocket", http.MethodGet, "/auth/verify", told("GET", "Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), http.StatusTooEarly},
		{"a request of which nothing is told", http.MethodGet, "/auth/verify", []string{"Early-Data", "1"}, http.StatusTooEarly},
		{"one of which no method is told", http.MethodGet, "/auth/verify", []string{"Early-Data", "1", "X-Original-Uri", "/orders"}, http.StatusTooEarly},
		{"a POST behind Envoy's address", http.MethodPost, "/auth/verify/default/orders", []string{"Early-Data", "1"}, http.StatusTooEarly},
		{"a GET does not", http.MethodGet, "/auth/verify", told("GET"), http.StatusNoContent},
		{"a GET behind Envoy's address does not", http.MethodGet, "/auth/verify/default/orders", []string{"Early-Data", "1"}, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) { ada.In(t).Do(c.method, c.path, "", c.header...).Want(t, c.want) })
	}
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	s := verifying(t)
	ada := s.WithCookie(t, gatewaytest.Ada)
	for _, c := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"a POST", http.MethodPost, "/auth/verify", "", http.StatusMethodNotAllowed},
		{"a DELETE of a policy", http.MethodDelete, "/auth/verify/admin", "", http.StatusMethodNotAllowed},
		{"a body", http.MethodGet, "/auth/verify", "x", http.StatusBadRequest},
		{"a body behind Envoy's address", http.MethodPost, "/auth/verify/default/orders", "x", http.StatusBadRequest},
		{"Envoy's POST without it", http.MethodPost, "/auth/verify/default/orders", "", http.StatusOK},
		{"Envoy's of WebDAV", "PROPFIND", "/auth/verify/default/orders", "", http.StatusOK},
		{"Envoy's of TRACK", "TRACK", "/auth/verify/default/orders", "", http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) { ada.In(t).Do(c.method, c.path, c.body).Want(t, c.want) })
	}
}

// What a browser is led to by the answer of a proxy that hands ours on.
func TestPeopleAreLedToTheLoginPage(t *testing.T) {
	page := []string{"Accept", "text/html", "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/orders/7?a=b&c", "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https"}
	const at, back = "/auth/login?return_to=", "%2Forders%2F7%3Fa%3Db%26c"
	type led struct {
		name, path   string
		header       []string
		want         int
		login, leads string
	}
	wantLed := func(t *testing.T, s *gatewaytest.Server, cases []led) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				answer := s.Client(t).Get(c.path, c.header...).Want(t, c.want)
				answer.WantHeader(t, "X-Login-Url", c.login)
				answer.WantHeader(t, "Location", c.leads)
			})
		}
	}
	t.Run("of this host", func(t *testing.T) {
		wantLed(t, verifying(t), []led{
			{"by the question", "/auth/verify?redirect", page, http.StatusSeeOther, at + back, at + back},
			{"by the policy", "/auth/verify/pages", page, http.StatusSeeOther, at + back, at + back},
			{"not without", "/auth/verify", page, http.StatusUnauthorized, at + back, ""},
			{"to no address where none is told", "/auth/verify", page[:2], http.StatusUnauthorized, "/auth/login", ""},
			{"by the question, to no address where none is told", "/auth/verify?redirect", page[:2], http.StatusSeeOther, "/auth/login", "/auth/login"},
			{"by the policy, to no address where none is told", "/auth/verify/pages", page[:2], http.StatusSeeOther, "/auth/login", "/auth/login"},
			{"not by another word", "/auth/verify?redirects", page, http.StatusUnauthorized, at + back, ""},
			{"not a program", "/auth/verify/pages", append([]string{"Accept", "application/json"}, page[2:]...), http.StatusUnauthorized, at + back, ""},
			{"not by what belongs to the original", "/auth/verify/default/orders/7?redirect", []string{"Accept", "text/html"},
				http.StatusUnauthorized, at + "%2Forders%2F7%3Fredirect", ""},
		})
	})
	t.Run("of another host", func(t *testing.T) {
		const there = "https://sign-in.example/auth/login"
		s := gatewaytest.Start(t, gatewaytest.Site{
			Options: "public_url https://sign-in.example\nreturn_to https://app.example\n" + policies, Global: trusting,
			Routes: "session_endpoints\nrespond 418",
		})
		to := there + "?return_to=https%3A%2F%2Fapp.example" + back
		wantLed(t, s, []led{
			{"and back", "/auth/verify/pages", page, http.StatusSeeOther, to, to},
			{"and to no address where none is told", "/auth/verify/pages", page[:2], http.StatusSeeOther, there, there},
			{"and not back to a host that is not listed", "/auth/verify/pages",
				append(page[:6:6], "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "https"), http.StatusSeeOther, there, there},
		})
	})
}

// Proxies take every 2xx for a yes, and who asks them chooses Host: Caddy's blank page
// and other sites' apps must not answer.
func TestNoOtherSiteIsTakenForAYes(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: policies, Global: trusting, Localhost: true,
		Routes: "@app host 127.0.0.1\nhandle @app {\nsession_endpoints\n}\nhandle {\nrespond app 200\n}"})
	for _, c := range []struct {
		name, host, path string
		header           []string
		want             int
	}{
		{"a host of no site", "other.example", "/auth/verify/site", nil, http.StatusMisdirectedRequest},
		{"a host of no site, below", "other.example", "/auth/verify/default/orders", nil, http.StatusMisdirectedRequest},
		{"a host of another site", "localhost", "/auth/verify/site", []string{"X-Forwarded-Uri", "/", "X-Forwarded-Method", "GET"}, http.StatusMisdirectedRequest},
		{"an app that has such an address", "localhost", "/auth/verify", nil, http.StatusOK},
		{"an app that has one like it", "localhost", "/auth/verify-email", []string{"X-Original-Uri", "/auth/verify-email"}, http.StatusOK},
		{"the site itself", "127.0.0.1", "/auth/verify", nil, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = strings.Replace(s.Address(), "127.0.0.1", c.host, 1)
			for i := 0; i < len(c.header); i += 2 {
				req.Header.Set(c.header[i], c.header[i+1])
			}
			resp, err := gatewaytest.NoRedirects.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("got %s", resp.Status)
			}
		})
	}
}

// Proxies take every 2xx for a yes, so a page for who is not signed in is none,
// whatever they came by.
func TestNoPageIsTakenForAYes(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: policies, Cookie: "insecure\nsame_site strict", Global: trusting, Routes: "session_endpoints\nrespond 418"})
	s.Client(t).Get("/auth/verify/pages", "Accept", "text/html", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate",
		"X-Forwarded-Uri", "/", "X-Forwarded-Method", "GET").Want(t, http.StatusSeeOther)
}

// A page of another site opens a websocket with the person's cookie (RFC 6455
// section 10.2); a proxy that asks has taken Upgrade away.
func TestAWebsocketOfAnotherSiteIsRefusedThroughAProxy(t *testing.T) {
	s := verifying(t)
	ada := s.WithCookie(t, gatewaytest.Ada)
	from := func(origin string, header ...string) []string {
		return append([]string{"X-Forwarded-Uri", "/ws", "X-Forwarded-Method", "GET", "X-Forwarded-Host", "app.example", "X-Forwarded-Proto", "https", "Origin", origin}, header...)
	}
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"of the own page", from("https://app.example", "Upgrade", "websocket", "Connection", "Upgrade"), http.StatusNoContent},
		{"of another", from("https://evil.example", "Upgrade", "websocket", "Connection", "Upgrade"), http.StatusForbidden},
		{"of another, without Upgrade", from("https://evil.example", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), http.StatusForbidden},
		{"of another, over HTTP/2 in front", from("https://evil.example", "Sec-WebSocket-Version", "13"), http.StatusForbidden},
		{"what is no websocket is the app's to judge", from("https://evil.example"), http.StatusNoContent},
	} {
		t.Run(c.name, func(t *testing.T) { ada.In(t).Get("/auth/verify", c.header...).Want(t, c.want) })
	}
}
