package caller_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// fronts are proxies in front, of whom two tell by a header of their own.
const fronts = `servers {
		trusted_proxies static 127.0.0.1/32 10.0.0.0/8 fd00::/8
		trusted_proxies_unix
		client_ip_headers CF-Connecting-IP X-Forwarded-For
	}`

// server is one of Caddy's as a gateway has it.
func server(t *testing.T, global string) *caddyhttp.Server {
	t.Helper()
	_, handler := gatewaytest.InProcess(t, gatewaytest.Site{Global: global})
	return handler.(*caddyhttp.Server)
}

// sent is a request that came to the server from there, with pairs of names and
// values of headers.
func sent(s *caddyhttp.Server, from string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/auth/login", nil)
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), s)
}

// addr is none for an empty text.
func addr(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a
}

func TestTheAddressBehindTrustedProxiesIsNotTheClientsToChoose(t *testing.T) {
	const proxy, xff = "127.0.0.1:5000", "X-Forwarded-For"
	s := server(t, fronts)
	for _, c := range []struct {
		name   string
		from   string
		header []string
		want   string
	}{
		{"what stands left of it is made up", proxy, []string{xff, "192.0.2.99, 203.0.113.5"}, "203.0.113.5"},
		{"also in a header of its own", proxy, []string{xff, "192.0.2.99", xff, "203.0.113.5"}, "203.0.113.5"},
		{"a trusted address that is made up hides nothing", proxy, []string{xff, "192.0.2.99, 10.0.0.9, 203.0.113.5"}, "203.0.113.5"},
		{"two trusted proxies in a chain", proxy, []string{xff, "192.0.2.99, 203.0.113.5, 10.0.0.2"}, "203.0.113.5"},
		{"the second of which sends a header of its own", proxy, []string{xff, "203.0.113.5", xff, "10.0.0.2"}, "203.0.113.5"},
		{"with a port", proxy, []string{xff, "192.0.2.99:1, 203.0.113.5:4711"}, "203.0.113.5"},
		{"IPv6", proxy, []string{xff, "192.0.2.99,2001:db8::5"}, "2001:db8::5"},
		{"IPv6 in brackets", proxy, []string{xff, "192.0.2.99, [2001:db8::5]"}, "2001:db8::5"},
		{"IPv6 with a port, behind a space", proxy, []string{xff, "192.0.2.99, [2001:db8::5]:4711"}, "2001:db8::5"},
		{"IPv6 with a zone", proxy, []string{xff, "192.0.2.99, fe80::5%eth0"}, "fe80::5"},
		{"IPv4 written as IPv6", proxy, []string{xff, "192.0.2.99, ::ffff:203.0.113.5"}, "203.0.113.5"},
		{"a trusted one written so", proxy, []string{xff, "192.0.2.99, 203.0.113.5, ::ffff:10.0.0.2"}, "203.0.113.5"},
		{"a trusted one with a port", proxy, []string{xff, "192.0.2.99, 203.0.113.5, [fd00::2]:80"}, "203.0.113.5"},
		{"a proxy's own header, which comes first", proxy, []string{"CF-Connecting-IP", "203.0.113.5", xff, "192.0.2.99"}, "203.0.113.5"},
		{"of which nothing can be read", proxy, []string{"CF-Connecting-IP", "x", xff, "192.0.2.99, 203.0.113.5"}, "203.0.113.5"},
		{"nothing between commas", proxy, []string{xff, "192.0.2.99, 203.0.113.5, ,"}, "203.0.113.5"},
		{"a proxy at a unix socket", "@", []string{xff, "192.0.2.99, 203.0.113.5"}, "203.0.113.5"},
		{"over IPv6", "[fd00::1]:5000", []string{xff, "192.0.2.99, 203.0.113.5"}, "203.0.113.5"},
		{"no header", proxy, nil, "127.0.0.1"},
		{"an empty one", proxy, []string{xff, ""}, "127.0.0.1"},
		{"a stranger's is not read", "203.0.113.5:5000", []string{xff, "192.0.2.99"}, "203.0.113.5"},
		{"nor by the header that proxies have", "203.0.113.5:5000", []string{"CF-Connecting-IP", "192.0.2.99"}, "203.0.113.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sent(s, c.from, c.header...)
			if got := caller.Address(r); got != addr(c.want) {
				t.Errorf("the client is at %s", got)
			}
			if got := caller.WhenceOf(r, true); c.from == proxy && got != (caller.Whence{Addr: addr(c.want), Shared: c.want == "127.0.0.1"}) { // who says nothing is many people's
				t.Errorf("it comes from %+v", got)
			}
			if got := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey); got != c.want {
				t.Errorf("Caddy's log says %s", got)
			}
		})
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	const xff = "X-Forwarded-For"
	s := server(t, fronts)
	for _, c := range []struct {
		name    string
		from    string
		header  []string
		fronted bool
		want    caller.Whence
	}{
		{"a client", "203.0.113.5:1", nil, false, caller.Whence{Addr: addr("203.0.113.5")}},
		{"a stranger who claims to be a proxy is none", "203.0.113.5:1", []string{xff, "192.0.2.99"}, false, caller.Whence{Addr: addr("203.0.113.5")}},
		{"a proxy elsewhere, where the configuration speaks of one", "203.0.113.5:1", []string{xff, "192.0.2.99, 192.0.2.1"}, true,
			caller.Whence{Addr: addr("203.0.113.5"), Shared: true, Told: addr("192.0.2.1")}},
		{"a client, where the configuration speaks of a proxy", "203.0.113.5:1", nil, true, caller.Whence{Addr: addr("203.0.113.5")}},
		{"a proxy on a network of ours", "192.168.1.2:1", []string{xff, "192.0.2.99, 192.0.2.1"}, false,
			caller.Whence{Addr: addr("192.168.1.2"), Shared: true, Told: addr("192.0.2.1")}},
		{"one on this machine", "127.0.0.9:1", []string{"X-Real-IP", "192.0.2.1"}, false,
			caller.Whence{Addr: addr("127.0.0.9"), Shared: true, Told: addr("192.0.2.1")}},
		{"one of a cloud", "100.64.0.9:1", []string{"Forwarded", "for=192.0.2.1"}, false, caller.Whence{Addr: addr("100.64.0.9"), Shared: true}},
		{"one that says nothing to be made out", "127.0.0.9:1", []string{xff, "192.0.2.99, unknown"}, false, caller.Whence{Addr: addr("127.0.0.9"), Shared: true}},
		{"a client on a network of ours", "192.168.1.2:1", nil, false, caller.Whence{Addr: addr("192.168.1.2")}},
		{"people among the trusted proxies", "127.0.0.1:1", []string{xff, "10.1.1.1, 10.0.0.2"}, false,
			caller.Whence{Addr: addr("127.0.0.1"), Shared: true, Told: addr("10.1.1.1")}},
		{"a trusted proxy that writes what is no address", "127.0.0.1:1", []string{xff, "192.0.2.99, unix:"}, false, caller.Whence{Addr: addr("127.0.0.1"), Shared: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := caller.WhenceOf(sent(s, c.from, c.header...), c.fronted); got != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAServerWithoutTrustedProxiesSaysNothingOfThem(t *testing.T) {
	for _, c := range []struct {
		name, global string
		want         bool
	}{
		{"none", "", false},
		{"some", "servers {\ntrusted_proxies static 127.0.0.1/32\n}", true},
		{"at a unix socket", "servers {\ntrusted_proxies_unix\n}", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, c.global)
			if s.TrustedProxiesStrict == 0 {
				t.Error("Caddy reads from the left")
			}
			s.TrustedProxiesStrict = 0
			if got := caller.ReadStrictly(s); got != c.want || s.TrustedProxiesStrict == 0 {
				t.Errorf("it is said: %t", got)
			}
			if caller.ReadStrictly(s) {
				t.Error("a second time")
			}
		})
	}
}
