package endpoint

import (
	"net/http"
	"net/netip"
	"sync/atomic"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/origin"
)

// clientOf is whom the throttle counts a request for.
func (a *Address) clientOf(r *http.Request) login.Client {
	from := caller.WhenceOf(r, a.fronted())
	return login.Client{Addr: from.Addr, Shared: from.Shared, Told: from.Told}
}

// fronted reports whether the configuration says that there is a proxy in front.
func (a *Address) fronted() bool { return a.Sites.Public != origin.Origin{} }

// untrusted tells once of a proxy that is not trusted, and once of a peer that a
// stranger's may be as well: strangers must not use up the word about the proxy.
type untrusted struct {
	told [2]atomic.Bool
}

// notice looks whether somebody passes the request on. It costs nothing once both
// are told of.
func (u *untrusted) notice(r *http.Request, heard lifecycle.Events) {
	if u.told[0].Load() && u.told[1].Load() || !caller.Forwards(r) {
		return
	}
	if peer := caller.Address(r); u.first(peer) {
		heard.Happened(lifecycle.Event{Kind: NotTrusted, Client: peer})
	}
}

// first reports whether nobody of the peer's kind was told of yet.
func (u *untrusted) first(peer netip.Addr) bool {
	which := 0
	if caller.Near(peer) {
		which = 1
	}
	return !u.told[which].Swap(true)
}
