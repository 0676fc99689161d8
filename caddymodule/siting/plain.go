package siting

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// warnOfPlain tells of sites where browsers keep no session cookie: it is
// Secure, and they come without TLS (RFC 6265bis section 5.7), as far as the
// configuration says.
func (l *look) warnOfPlain() {
	if l.Insecure || l.InFrontTLS || len(l.server.TLSConnPolicies) > 0 {
		return
	}
	var names []string
	for _, s := range slices.Concat(l.auths, l.endpoints) {
		if len(s.hosts) == 0 && slices.ContainsFunc(l.server.Listen, beyondLoopback) && !slices.Contains(names, anyHost) {
			names = append(names, anyHost)
		}
		for _, host := range s.hosts {
			if !local(host) && !strings.Contains(host, "{") && !slices.Contains(names, host) {
				names = append(names, host)
			}
		}
	}
	if len(names) == 0 {
		return
	}
	l.Warn("people who come by plain http are not kept signed in, for browsers take no Secure cookie there: serve the site over TLS; "+
		"where TLS ends in front of it, say `public_url https://...` and `trusted_proxies`; on a test network only, `insecure` in the block `cookie`",
		zap.Strings("hosts", names), zap.Strings("listen", l.server.Listen))
}

// anyHost is a site without a name, in what is told.
const anyHost = "any"

// local reports whether a host is the browser's own machine, to browsers (W3C
// Secure Contexts section 3.1).
func local(host string) bool {
	name := strings.ToLower(strings.Trim(host, "[]"))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

// warnOfInsecure tells of a cookie that is not Secure, where it may be read on
// its way.
func (l *look) warnOfInsecure() {
	if !l.Insecure {
		return
	}
	var open []string
	for _, address := range l.server.Listen {
		if beyondLoopback(address) {
			open = append(open, address)
		}
	}
	if len(open) > 0 {
		l.Warn("session cookies go over plain HTTP too, where whoever listens can take them: leave the option out, "+
			"or let only this machine in with `bind 127.0.0.1`", zap.Strings("listen", open), zap.String("option", "cookie { insecure }"))
	}
}

// beyondLoopback reports whether others than this machine may reach an address
// that a server listens on. One that cannot be read is taken for such.
func beyondLoopback(listen string) bool {
	address, err := caddy.ParseNetworkAddress(listen)
	if err != nil {
		return true
	}
	if address.IsUnixNetwork() || address.Host == "localhost" {
		return false
	}
	ip, err := netip.ParseAddr(address.Host)
	return err != nil || !ip.IsLoopback()
}
