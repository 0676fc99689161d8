package caller

import (
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// ReadStrictly has Caddy read what trusted_proxies say of a server's clients from
// the right, for its log and matchers, and reports whether it did not before.
func ReadStrictly(server *caddyhttp.Server) bool {
	if server.TrustedProxiesStrict > 0 {
		return false
	}
	server.TrustedProxiesStrict = 1
	return Trusting(server)
}

// Trusting reports whether a server has trusted_proxies.
func Trusting(server *caddyhttp.Server) bool {
	// Caddy keeps to itself whether there are any: a field of another name only
	// means that it is said of a server that has none.
	proxies := reflect.ValueOf(server).Elem().FieldByName("trustedProxies")
	return server.TrustedProxiesUnix || !proxies.IsValid() || !proxies.IsNil()
}

// throughProxies tells where a request of trusted_proxies comes from. Each proxy
// writes down at the right whom it heard from, so it is read from there, as far
// as the proxies are trusted: what stands further left the client may have made
// up.
//
// Caddy's trusted_proxies_strict reads so too, but passes over what it cannot
// make out, such as an IPv6 address with a port behind a space, to what stands
// left of it. So this reads again, with Caddy's word for who is trusted; where
// the two differ, the log says what this has found.
func throughProxies(r *http.Request) Whence {
	server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || server == nil {
		return Whence{Addr: remembered(r)}
	}
	var told, legible = netip.Addr{}, true
	for _, name := range server.ClientIPHeaders {
		for _, text := range slices.Backward(entries(r.Header.Values(name))) {
			if told, legible = parseHop(text); !legible {
				break
			}
			if !trusts(server, r, told) {
				return agreed(r, Whence{Addr: told})
			}
		}
	}
	if !legible {
		told = netip.Addr{}
	}
	// A proxy that says nothing that can be read is many people's address all the same.
	return agreed(r, Whence{Addr: peer(r), Shared: true, Told: told})
}

// agreed has Caddy's log say the same.
func agreed(r *http.Request, from Whence) Whence {
	if addr := from.client(); addr.IsValid() && addr != remembered(r) {
		caddyhttp.SetVar(r.Context(), caddyhttp.ClientIPVarKey, addr.String())
	}
	return from
}

// peer is who is at the other end of the connection; the zero value at that of a
// unix socket.
func peer(r *http.Request) netip.Addr {
	addr, _ := parseHop(r.RemoteAddr)
	return addr
}

// entries are what stands between commas, also of several headers.
func entries(values []string) (hops []string) {
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			if text = strings.TrimSpace(text); text != "" {
				hops = append(hops, text)
			}
		}
	}
	return hops
}

// parseHop reads an address as proxies write them: with a port or without, IPv6
// with brackets or without.
func parseHop(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	addr, err := netip.ParseAddr(text)
	return addr.WithZone("").Unmap(), err == nil
}

// trusts asks Caddy, which keeps the addresses of its trusted_proxies to itself,
// whether a peer there would be one.
func trusts(server *caddyhttp.Server, r *http.Request, hop netip.Addr) bool {
	probe := &http.Request{
		Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{},
		RemoteAddr: netip.AddrPortFrom(hop, 0).String(),
	}
	probe = caddyhttp.PrepareRequest(probe.WithContext(r.Context()), caddy.NewReplacer(), nil, server)
	trusted, _ := caddyhttp.GetVar(probe.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}
