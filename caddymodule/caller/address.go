package caller

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/origin"
)

// Address is the address of the client, with Caddy's trusted_proxies taken into
// account; the zero value when there is none.
func Address(r *http.Request) netip.Addr {
	if origin.TrustedPeer(r) {
		return throughProxies(r).client()
	}
	return remembered(r)
}

// remembered is the address that Caddy has for the client, which its log and
// matchers go by.
func remembered(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// OnThisMachine reports whether the request was made on the machine that we run
// on: it came to a loopback address, and no proxy tells of a client elsewhere.
// What a client says of itself only makes it one from elsewhere.
func OnThisMachine(r *http.Request) bool {
	for _, told := range []string{"X-Forwarded-For", "Forwarded"} {
		if _, is := r.Header[told]; is {
			return false
		}
	}
	return toLoopback(r) && Address(r).IsLoopback()
}

// toLoopback looks at the address of ours that the connection was made to. A
// unix socket is none: a proxy is at its other end.
func toLoopback(r *http.Request) bool {
	switch ours := r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr:
		return ours.IP.IsLoopback()
	case *net.UDPAddr: // HTTP/3
		return ours.IP.IsLoopback()
	}
	return false
}

// TrustedPeer reports whether the request came from one of Caddy's
// trusted_proxies, so that its headers are believed. Before the handshake is
// complete nobody has shown that the address it comes from is theirs (RFC 9000
// section 8.1), so none is trusted.
func TrustedPeer(r *http.Request) bool {
	return !inEarlyData(r) && origin.TrustedPeer(r)
}
