package origin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/origin"
)

// serversOf adapts a Caddyfile and reads its servers as they are written.
func serversOf(t *testing.T, text string) map[string]*caddyhttp.Server {
	t.Helper()
	var config struct {
		Apps struct {
			HTTP struct{ Servers map[string]*caddyhttp.Server }
		}
	}
	if err := json.Unmarshal(gatewaytest.Adapt(t, text), &config); err != nil {
		t.Fatal(err)
	}
	return config.Apps.HTTP.Servers
}

// at is a request that came to that server, for that host.
func at(server *caddyhttp.Server, host string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	return r.WithContext(context.WithValue(caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil).Context(), caddyhttp.ServerCtxKey, server))
}

func TestWhichSitesTokensAreGood(t *testing.T) {
	const app, plain = "{\nsession_auth\nreverse_proxy app\n}\n", "{\nreverse_proxy app\n}\n"
	servers := serversOf(t, "http://a.example, http://b.example "+app+"http://c.example, http://[::1] "+app+"http://d.example, http://e.example "+plain+
		"http://f.example, http://*.f.example, http://{env.G} "+app+"http://h.example, http://i.example {\nhandle /x/* {\nsession_endpoints\n}\n}\n"+
		"http://a.example:8080 "+app)
	s := new(origin.Sites)
	var one, two *caddyhttp.Server
	for _, server := range servers {
		s.Learn(server)
		s.Learn(server) // by the next handler
		if server.Listen[0] == ":80" {
			one = server
		} else {
			two = server
		}
	}
	for _, c := range []struct {
		name   string
		server *caddyhttp.Server
		host   string
		token  string
		good   bool
	}{
		{"its own", one, "a.example", "http://a.example", true},
		{"its own, with the port that it has anyway", one, "a.example:80", "http://a.example", true},
		{"the other name of the block", one, "a.example", "http://b.example", true},
		{"the other name of the block, in other letters", one, "A.Example", "http://b.example", true},
		{"an address of the block", one, "c.example", "http://[::1]", true},
		{"a name of the block for an address", one, "[::1]", "http://c.example", true},
		{"a name of another block", one, "a.example", "http://c.example", false},
		{"the other name over TLS", one, "a.example", "https://b.example", false},
		{"the other name at another port", one, "a.example", "http://b.example:8080", false},
		{"names of a block without us", one, "d.example", "http://e.example", false},
		{"what a wildcard covers", one, "x.f.example", "http://f.example", false},
		{"what a wildcard covers, another", one, "x.f.example", "http://y.f.example", false},
		{"the wildcard itself", one, "f.example", "http://*.f.example", false},
		{"names of a block where we stand deep inside", one, "h.example", "http://i.example", true},
		{"the name at another port's server", two, "a.example:8080", "http://a.example", false},
		{"another port's name, at this one", one, "a.example:8080", "http://a.example:8080", false},
		{"another port's name, at that one", two, "a.example:8080", "http://a.example:8080", true},
		{"a port of nobody here, as behind a mapped one", one, "a.example:9999", "http://a.example:9999", true},
		{"a server that nobody has read", new(caddyhttp.Server), "a.example", "http://b.example", false},
		{"what is no origin", one, "a.example", "a.example", false},
		{"nothing", one, "a.example", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s.Takes(at(c.server, c.host), c.token); got != c.good {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhetherABrowserCameOverPlainHTTP(t *testing.T) {
	secure, none := &origin.Sites{Public: parse(t, "https://a.example")}, new(origin.Sites)
	for _, c := range []struct {
		name  string
		sites *origin.Sites
		r     *http.Request
		plain bool
	}{
		{"to a site that is over plain http", none, request("a.example"), true},
		{"not to its own machine", none, request("localhost:8080", "Origin", "http://localhost:8080"), false},
		{"as a trusted proxy says", secure, trusted(request("a.example", "X-Forwarded-Proto", "http")), true},
		{"as somebody says who is none", secure, request("a.example", "X-Forwarded-Proto", "http"), false},
		{"not as a trusted proxy says", secure, trusted(request("a.example", "X-Forwarded-Proto", "https", "Origin", "http://a.example")), false},
		{"not as a browser shows that came over TLS", secure, trusted(request("a.example", "X-Forwarded-Proto", "http", "Sec-Fetch-Site", "none")), false},
		{"not with TLS here", none, overTLS(request("a.example", "Origin", "http://a.example")), false},
		{"from a page that did", secure, request("a.example", "Origin", "http://a.example"), true},
		{"from a page that did, by its address", secure, request("a.example", "Referer", "http://A.example/auth/login"), true},
		{"not from another's page", secure, request("a.example", "Referer", "http://b.example/"), false},
		{"not from a page over TLS", secure, request("a.example", "Origin", "https://a.example"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.sites.Plain(c.r); got != c.plain {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAudienceAndPublicSite(t *testing.T) {
	s := &origin.Sites{Audience: []origin.Origin{parse(t, "https://api.example")}}
	if !s.Takes(overTLS(at(nil, "api.example:443")), "https://a.example") || s.Takes(at(nil, "api.example"), "https://a.example") {
		t.Error("an audience is an origin, with its scheme")
	}
	s = &origin.Sites{Public: parse(t, "https://a.example")}
	if r := at(nil, "inside:8080"); !s.Takes(r, "https://a.example") || s.Takes(r, "http://inside:8080") || s.Of(r).String() != "https://a.example" {
		t.Error("with a public origin Host has a say")
	}
	if why := s.Refuse(at(nil, "x"), "https://b.example"); why == nil || *why != (origin.Elsewhere{Token: "https://b.example", Here: "https://a.example"}) {
		t.Errorf("told is %v", why)
	}
}

// TestATokenAtHomeCostsNoAllocation also says so of one at the other name of the
// block: they lie on the way of every request.
func TestATokenAtHomeCostsNoAllocation(t *testing.T) {
	servers := serversOf(t, "http://a.example, http://b.example {\nsession_auth\nreverse_proxy app\n}\n")
	s := new(origin.Sites)
	s.Learn(servers["srv0"])
	r := at(servers["srv0"], "a.example")
	for _, token := range []string{"http://a.example", "http://b.example"} {
		if !s.Takes(r, token) {
			t.Errorf("%s is not taken", token)
		}
		if n := testing.AllocsPerRun(100, func() { s.Takes(r, token) }); n != 0 {
			t.Errorf("%s: %v allocations", token, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { origin.IsUpgrade(r); s.Of(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func ExampleOrigin_Is() {
	o, _ := origin.Parse("https://App.example.com:443/")
	fmt.Println(o, o.Is("https://app.example.com"), o.Is("http://app.example.com"), o.Hostname())
	// Output: https://app.example.com true false app.example.com
}
