package caller

import (
	"net/http"
	"net/netip"

	"example.com/sidegate/caddymodule/origin"
)

// Whence is where a request comes from, as far as it can be told.
type Whence struct {
	// Addr is the address that nobody can have made up: the client's, or that of
	// a proxy which is Shared. The zero value when it is not known.
	Addr netip.Addr
	// Shared says that Addr is a proxy's, and that it does not say of its people
	// who they are in a way that can be believed.
	Shared bool
	// Told is what a proxy that is Shared says of the client. A client that is
	// no proxy has made it up. The zero value when nothing is said.
	Told netip.Addr
}

// client is the client's address as trusted proxies tell it, also where it is one
// of their own.
func (w Whence) client() netip.Addr {
	if w.Told.IsValid() {
		return w.Told
	}
	return w.Addr
}

// WhenceOf tells where the request comes from. A peer that passes requests on
// and is none of trusted_proxies is taken for a proxy all the same where it is
// on a network of ours, or where fronted says that there is one in front: a
// stranger must not become a proxy by sending X-Forwarded-For.
func WhenceOf(r *http.Request, fronted bool) Whence {
	if origin.TrustedPeer(r) {
		return throughProxies(r)
	}
	from := Whence{Addr: remembered(r)}
	if Forwards(r) && (fronted || Near(from.Addr)) {
		from.Shared, from.Told = true, told(r)
	}
	return from
}

// forwarding are the headers in which proxies say whom they speak for.
var forwarding = [...]string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"}

// Forwards reports whether the request says that somebody passes it on who is
// none of Caddy's trusted_proxies: a proxy, or a client that makes it up.
func Forwards(r *http.Request) bool {
	for _, name := range forwarding {
		if _, is := r.Header[name]; is {
			return !origin.TrustedPeer(r)
		}
	}
	return false
}

// told is what the peer says last of whom it speaks for.
func told(r *http.Request) netip.Addr {
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		if hops := entries(r.Header[name]); len(hops) > 0 {
			addr, _ := parseHop(hops[len(hops)-1])
			return addr
		}
	}
	return netip.Addr{}
}

// shared is what carriers and clouds have between them and their clients (RFC
// 6598), and no stranger's address.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Near reports whether an address is on this machine or a network of ours, from
// which no stranger on the internet comes. A unix socket, which has none, is on
// this machine.
func Near(addr netip.Addr) bool {
	addr = addr.Unmap()
	return !addr.IsValid() || addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || shared.Contains(addr)
}
