package caller

import (
	"net/http"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/origin"
)

// earlyData is the header by which a proxy says that it passes on a request
// which came before the handshake with its client was complete.
const earlyData = "Early-Data"

// Early reports whether somebody who only listened may send the same request
// again: it came before the TLS handshake was complete (0-RTT, HTTP/3 alone has
// it), or a proxy in front says that it did so there. Any value of Early-Data
// says so, and whoever sends it is believed: no client has a reason to, and it
// only makes things stricter (RFC 8470 section 5.1).
func Early(r *http.Request) bool {
	if inEarlyData(r) {
		return true
	}
	_, said := r.Header[earlyData]
	return said
}

func inEarlyData(r *http.Request) bool { return r.TLS != nil && !r.TLS.HandshakeComplete }

// TooEarly reports whether the request must wait for the handshake: a second
// one of it could do something a second time. That is every method that is not
// safe (RFC 9110 section 9.2.1), also one that an app takes from another header or
// from the query, and an upgrade, which opens what goes on.
func TooEarly(r *http.Request) bool {
	if !Early(r) {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return true
	}
	for name := range r.Header {
		if identity.MethodOverrides.Has(name) {
			return true
		}
	}
	_, overrides := identity.WithoutOverride(r.URL.RawQuery)
	return overrides || origin.IsUpgrade(r)
}

// MarkEarly tells the app of a request that is Early, so that it can answer 425
// (Too Early) itself: a GET of its own may do something, too. Several values of
// the header, and others than 1, mean the same as 1.
func MarkEarly(r *http.Request) {
	if Early(r) {
		r.Header[earlyData] = []string{"1"}
	}
}
