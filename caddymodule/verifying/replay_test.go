package verifying_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/identity"
)

// clientAddress is whom the proxies have their requests from.
const clientAddress = "192.0.2.7"

// asked is a request that a client has sent to a proxy.
type asked struct {
	method, path string
	header       http.Header
}

// question is what a proxy asks the gateway about it.
type question struct {
	method, target, host string
	header               http.Header
}

// An asker is a proxy that cannot run here. Ask is what its source says that it sends.
type asker struct {
	name string
	yes  int  // what it takes for a yes
	lead bool // it hands a redirect on
	lies int  // what a client gets that tells of another request in headers
	ask  func(t *testing.T, of asked) question
}

var askers = []asker{
	{"Traefik", http.StatusNoContent, true, http.StatusForbidden, traefik},
	{"Envoy", http.StatusOK, true, http.StatusForbidden, envoy},
	{"ingress-nginx", http.StatusNoContent, false, http.StatusBadRequest, ingress},
	{"Kubernetes Gateway API", http.StatusOK, true, http.StatusBadRequest, gatewayAPI},
}

// site is what the clients ask for.
const site = "app.example.com"

// hop are those that no proxy passes on.
var hop = []string{"Connection", "Keep-Alive", "Te", "Trailers", "Transfer-Encoding", "Upgrade"}

// traefik follows writeHeader in pkg/middlewares/auth/forward.go, behind an entry
// point that trusts nobody (pkg/middlewares/forwardedheaders) and a middleware headers.
func traefik(t *testing.T, of asked) question {
	middlewares := at[map[string]any](t, file(t, "traefik.yaml", 0), "http", "middlewares")
	h := of.header.Clone()
	for _, name := range []string{"Proto", "For", "Host", "Port", "Server", "Uri", "Method", "Tls-Client-Cert", "Tls-Client-Cert-Info"} {
		h.Del("X-Forwarded-" + name)
	}
	h.Del("X-Real-Ip")
	for name, value := range at[map[string]any](t, middlewares, "unforged", "headers", "customRequestHeaders") {
		if value != "" {
			t.Errorf("%s is not deleted", name)
		}
		h.Del(name)
	}
	for _, name := range hop {
		h.Del(name)
	}
	h.Del("Content-Length") // net/http's client writes its own, and the question has no body
	h.Set("X-Forwarded-For", clientAddress)
	h.Set("X-Forwarded-Method", of.method)
	h.Set("X-Forwarded-Proto", "http")
	h.Set("X-Forwarded-Host", site)
	h.Set("X-Forwarded-Uri", of.path)
	address := at[string](t, middlewares, "site", "forwardAuth", "address")
	return question{"GET", pathOf(t, address), "127.0.0.1:8080", h}
}

// envoy follows check in source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc.
func envoy(t *testing.T, of asked) question {
	manager := at[map[string]any](t, file(t, "envoy.yaml", 0), "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config")
	filters := at[[]any](t, manager, "http_filters")
	var allowed []func(name string) bool
	for _, pattern := range at[[]any](t, filters, 1, "typed_config", "allowed_headers", "patterns") {
		exact, _ := pattern.(map[string]any)["exact"].(string)
		prefix, _ := pattern.(map[string]any)["prefix"].(string)
		allowed = append(allowed, func(name string) bool {
			name = strings.ToLower(name)
			return name == exact || prefix != "" && strings.HasPrefix(name, prefix)
		})
	}
	service := at[map[string]any](t, filters, 1, "typed_config", "http_service")
	return appending(at[string](t, service, "path_prefix"), of, func(name string) bool {
		return slices.ContainsFunc(allowed, func(a func(string) bool) bool { return a(name) })
	})
}

// gatewayAPI is what the specification of HTTPAuthConfig demands.
func gatewayAPI(t *testing.T, of asked) question {
	filter := at[map[string]any](t, file(t, "gateway-api.yaml", 0), "spec", "rules", 1, "filters", 0, "externalAuth", "http")
	allowed := at[[]any](t, filter, "allowedHeaders")
	return appending(at[string](t, filter, "path"), of, func(name string) bool {
		return slices.ContainsFunc(allowed, func(a any) bool { return strings.EqualFold(a.(string), name) })
	})
}

// appending is the question of a proxy that puts a prefix before the path, and sends
// few headers.
func appending(prefix string, of asked, allowed func(name string) bool) question {
	h := http.Header{"Content-Length": {"0"}}
	sent := of.header.Clone()
	sent.Set("X-Forwarded-For", clientAddress)
	sent.Set("X-Forwarded-Proto", "http")
	for name, values := range sent {
		if name == "Authorization" || allowed(name) {
			h[name] = values
		}
	}
	return question{of.method, prefix + of.path, site, h}
}

// ingress follows the location of the external authentication in
// rootfs/etc/nginx/template/nginx.tmpl. What clients tell of their requests in other
// headers goes along, so that they may be refused for it.
func ingress(t *testing.T, of asked) question {
	notes := at[map[string]any](t, file(t, "ingress-nginx.yaml", 0), "metadata", "annotations")
	address := at[string](t, notes, "nginx.ingress.kubernetes.io/auth-url")
	h := of.header.Clone()
	for name := range h {
		if strings.ContainsAny(name, "_.") || slices.Contains(hop, name) {
			h.Del(name)
		}
	}
	h.Del("X-Forwarded-Proto")
	h.Del("Content-Length")
	h.Set("X-Original-Url", "http://"+site+of.path)
	h.Set("X-Original-Method", of.method)
	h.Set("X-Sent-From", "nginx-ingress-controller")
	h.Set("X-Real-Ip", clientAddress)
	h.Set("X-Forwarded-For", clientAddress)
	h.Set("X-Auth-Request-Redirect", of.path)
	h.Set("X-Request-Id", "6f1c")
	h.Set("Connection", "close")
	return question{"GET", pathOf(t, address), "sidegate.default.svc.cluster.local", h}
}

func pathOf(t *testing.T, address string) string {
	t.Helper()
	_, path, found := strings.Cut(strings.TrimPrefix(address, "http://"), ":8080/")
	if !found {
		t.Fatalf("%s is none of the gateway's", address)
	}
	return "/" + path
}

// file is a document of a file of YAML.
func file(t *testing.T, name string, document int) (found any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, name)))
	for range document + 1 {
		found = nil
		if err := d.Decode(&found); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return found
}

// at goes down by keys and places.
func at[T any](t *testing.T, in any, path ...any) (found T) {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			in = in.(map[string]any)[step]
		case int:
			in = in.([]any)[step]
		}
	}
	found, ok := in.(T)
	if !ok {
		t.Fatalf("%v has %T", path, in)
	}
	return found
}

func (q question) send(t *testing.T, s *gatewaytest.Process) gatewaytest.Answer {
	t.Helper()
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s %s HTTP/1.1\nHost: %s\n", q.method, q.target, q.host)
	for name, values := range q.header {
		for _, value := range values {
			fmt.Fprintf(&lines, "%s: %s\n", name, value)
		}
	}
	return s.Exchange(t, lines.String()+"\n")
}

func TestOtherProxiesThatCannotRunHereAreAnswered(t *testing.T) {
	p := gateway(t)
	ada, grace := p.WithCookie(t, gatewaytest.Ada), p.WithCookie(t, gatewaytest.Grace)
	page := http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}
	socket := func(origin string) http.Header {
		return http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}, "Origin": {origin}}
	}
	forged := http.Header{
		"X-Forwarded-Uri": {"/assets/a"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Host": {"evil.example"}, "X-Original-Uri": {"/assets/a"},
		"X-Original-Url": {"http://evil.example/assets/a"}, "X-Original-Method": {"GET"}, "Path": {"/assets/a"}, "X-Session-Email": {gatewaytest.Ada}, "X-Session-Roles": {"admin"},
	}
	const no, yes = http.StatusForbidden, 0
	for _, c := range []struct {
		name, method, path string
		who                *gatewaytest.Client
		header             http.Header
		want               int
	}{
		{"a program of nobody", "GET", "/page", p.Client(t), nil, http.StatusUnauthorized},
		{"a page of nobody", "GET", "/page?a=b", p.Client(t), page, http.StatusSeeOther},
		{"what is open", "GET", "/assets/a.css", p.Client(t), http.Header{"X-Session-Email": {gatewaytest.Ada}}, yes},
		{"what is open by one reading", "GET", "/assets/..%2fadmin", p.Client(t), nil, http.StatusUnauthorized},
		{"who is signed in", "GET", "/page", grace, nil, yes},
		{"a method for all", "HEAD", "/orders/7", grace, nil, yes},
		{"a method that takes a permission", "POST", "/orders/7", grace, http.Header{"Content-Length": {"1048576"}, "Content-Type": {"text/plain"}}, no},
		{"a method that takes a permission, with it", "POST", "/orders/7", ada, http.Header{"Content-Length": {"1048576"}, "Content-Type": {"text/plain"}}, yes},
		{"a method that the app takes in place of it", "GET", "/orders/7", grace, http.Header{"X-Http-Method-Override": {"DELETE"}}, no},
		{"a path that takes a role", "GET", "/admin/x?a=/assets/a", grace, nil, no},
		{"its HEAD", "HEAD", "/admin/x", grace, nil, no},
		{"another spelling of it", "GET", "/orders/..%2fadmin", grace, nil, no},
		{"two slashes", "GET", "//admin", grace, nil, no},
		{"what an encoded question mark hides", "GET", "/admin%3f/assets/a", grace, nil, no},
		{"a path that takes a role, with it", "GET", "/admin/x", ada, nil, yes},
		{"a websocket of the own page", "GET", "/live", ada, socket("http://" + site), yes},
		{"a websocket of another site's", "GET", "/live", ada, socket("https://evil.example"), no},
		{"TRACE", "TRACE", "/page", ada, nil, no},
		{"a bad token beside a good cookie", "GET", "/page", ada, http.Header{"Authorization": {"Bearer x"}}, http.StatusUnauthorized},
	} {
		for _, a := range askers {
			t.Run(a.name+", "+c.name, func(t *testing.T) {
				of := asked{c.method, c.path, http.Header{}}
				for name, values := range c.header {
					of.header[name] = values
				}
				if c.who.Cookie != "" {
					of.header.Set("Cookie", c.who.Cookie)
				}
				a.wantAnswered(t, a.ask(t, of).send(t, p), c.want, c.path)
			})
		}
	}
	for _, a := range askers {
		for _, path := range []string{"/admin/x", "/orders/7"} {
			t.Run(a.name+", what a client tells of itself and of POST "+path, func(t *testing.T) {
				of := asked{"POST", path, forged.Clone()}
				of.header.Set("Cookie", grace.Cookie)
				if answer := a.ask(t, of).send(t, p); answer.StatusCode != a.lies {
					t.Errorf("answered %s", answer.Status)
				}
			})
		}
	}
}

// wantAnswered takes 0 for a yes.
func (a asker) wantAnswered(t *testing.T, answer gatewaytest.Answer, want int, path string) {
	t.Helper()
	leads := want == http.StatusSeeOther
	switch {
	case want == 0:
		want = a.yes
	case leads && !a.lead:
		want = http.StatusUnauthorized
	}
	if answer.StatusCode != want {
		t.Fatalf("answered %s, want %d\n%s", answer.Status, want, answer.Body)
	}
	if at := "/auth/login?return_to=%2Fpage%3Fa%3Db"; leads && (answer.Header.Get("X-Login-Url") != at || a.lead && answer.Header.Get("Location") != at) {
		t.Errorf("it leads to %q, %q", answer.Header.Get("Location"), answer.Header.Get("X-Login-Url"))
	}
	if told := answer.Header.Get("X-Session-Email") != ""; told != (want == a.yes && path != "/assets/a.css") {
		t.Errorf("it tells of %q", answer.Header.Get("X-Session-Email"))
	}
}

// What is no trusted proxy has no say in what a request is.
func TestOtherProxiesThatAreNotTrustedDecideNothing(t *testing.T) {
	p := gatewayTrusting(t, "192.0.2.1/32")
	who := p.WithCookie(t, gatewaytest.Ada)
	for _, a := range askers {
		for _, path := range []string{"/assets/a", "/page"} {
			t.Run(a.name+" "+path, func(t *testing.T) {
				of := asked{"GET", path, http.Header{"Cookie": {who.Cookie}}}
				a.ask(t, of).send(t, p).WantError(t, http.StatusBadRequest, "bad_request")
			})
		}
	}
}

// Every file names every header that the gateway may send, for what is not named a
// client may send.
func TestTheFilesNameEveryIdentityHeader(t *testing.T) {
	for _, name := range []string{"nginx.conf", "haproxy.lua", "apache.lua", "caddy.Caddyfile", "envoy.yaml", "ingress-nginx.yaml", "gateway-api.yaml"} {
		text := strings.ToLower(read(t, name))
		for _, header := range nativeHeaders(t) {
			if !strings.Contains(text, strings.ToLower(header)) {
				t.Errorf("%s does not name %s", name, header)
			}
		}
	}
}

// nativeHeaders are those of a policy that names none.
func nativeHeaders(t *testing.T) []string {
	t.Helper()
	native, err := identity.NewSet("native")
	if err != nil {
		t.Fatal(err)
	}
	return append(native.Names(), identity.Truncated, identity.Assertion)
}
