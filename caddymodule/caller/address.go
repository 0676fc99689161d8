package caller

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Address is the address of the client, with Caddy's trusted_proxies taken into
// account; the zero value when there is none.
func Address(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// Origin is the origin of a request as this server saw it; headers that the
// client may have made up have no say in it. That TLS ended at a proxy in
// front is believed of trusted_proxies alone.
func Origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || TrustedPeer(r) && r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + strings.ToLower(r.Host)
}

// TrustedPeer reports whether the request came from one of Caddy's
// trusted_proxies, so that its headers are believed. Before the handshake is
// complete nobody has shown that the address it comes from is theirs (RFC 9000
// section 8.1), so none is trusted.
func TrustedPeer(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}
	if inEarlyData(r) {
		return false
	}
