package origin

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Origin is scheme, host and port as browsers write them: in lower case, without
// the port that the scheme has anyway. The zero value is none.
type Origin struct {
	Scheme string
	Host   string // with the port, where there is one
}

// The schemes that browsers know origins of pages by.
const (
	plain  = "http"
	secure = "https"
)

// Of is the origin of a request as this server saw it; headers that the client
// may have made up have no say in it. That TLS ended at a proxy in front is
// believed of trusted_proxies alone.
func Of(r *http.Request) Origin {
	scheme, _ := schemeOf(r)
	return newOrigin(scheme, r.Host)
}

// schemeOf is how the browser came here, as far as this server knows. It is not
// sure of plain HTTP: TLS may have ended in front of it, at a proxy that nobody
// has named. Some proxies call websockets by the names of their own.
func schemeOf(r *http.Request) (scheme string, sure bool) {
	if r.TLS != nil {
		return secure, true
	}
	if TrustedPeer(r) {
		// Proxies in a row each add theirs: the first is of the one that the client
		// came to. Who makes it up lies of their own way here, and to nobody else.
		said, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
		switch strings.ToLower(strings.TrimSpace(said)) {
		case secure, "wss":
			return secure, true
		case plain, "ws":
			return plain, true
		}
	}
	return plain, false
}

// SaysPlain reports whether a proxy that is believed says that a request came over
// plain http.
func SaysPlain(r *http.Request) bool {
	scheme, sure := schemeOf(r)
	return sure && scheme == plain
}

// DoubtsTLS reports whether the request says that its browser came over TLS, and
// is not believed: the peer is none of trusted_proxies, or says it otherwise than
// is read of those. Browsers say so themselves to a host that is not their own
// machine: they send Sec-Fetch-Site to no other by plain HTTP (W3C Fetch Metadata
// section 2).
func DoubtsTLS(r *http.Request) bool {
	scheme, sure := schemeOf(r)
	if scheme == secure {
		return false
	}
	if r.Header.Get("Sec-Fetch-Site") != "" && !newOrigin(plain, r.Host).Local() {
		return true
	}
	if sure {
		return false
	}
	says := func(name, word string) bool { return strings.Contains(strings.ToLower(r.Header.Get(name)), word) }
	return says("X-Forwarded-Proto", secure) || says("X-Forwarded-Scheme", secure) || says("X-Forwarded-Ssl", "on") ||
		says("Forwarded", "proto="+secure) || says("Forwarded", `proto="`+secure)
}

// TrustedPeer reports whether the request came from one of Caddy's
// trusted_proxies.
func TrustedPeer(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// newOrigin allocates nothing for a host in lower case, with a port as browsers
// write it.
func newOrigin(scheme, host string) Origin {
	host = strings.ToLower(host)
	at := portAt(host)
	if at < 0 {
		return Origin{scheme, host}
	}
	port := host[at+1:]
	for len(port) > 1 && port[0] == '0' {
		port = port[1:]
	}
	switch {
	case port == "", scheme == secure && port == "443", scheme == plain && port == "80":
		return Origin{scheme, host[:at]}
	case len(port) < len(host)-at-1:
		host = host[:at+1] + port
	}
	return Origin{scheme, host}
}

// portAt is where the colon before the port is, or would be with a port that is
// empty; negative for none.
func portAt(host string) int {
	at := strings.LastIndexByte(host, ':')
	if at <= strings.LastIndexByte(host, ']') || host[0] != '[' && strings.IndexByte(host, ':') != at {
		return -1 // the colons are those of an IPv6 address
	}
	return at
}

// OfURL is the origin of an address, of whatever scheme.
func OfURL(u *url.URL) Origin { return newOrigin(u.Scheme, u.Host) }

// Parse reads an origin: scheme and host, perhaps a port. The error does not
// repeat it: somebody may have written a password into it.
func Parse(raw string) (Origin, error) {
	u, err := url.Parse(raw)
	if err != nil || !plainHost(u.Hostname()) || u.User != nil || (u.Scheme != secure && u.Scheme != plain) ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return Origin{}, errors.New("give an origin such as https://app.example.com, without path or wildcard")
	}
	return OfURL(u), nil
}

// plainHost reports whether a host can stand in a page's content security
// policy, where a semicolon or an asterisk would mean something else.
func plainHost(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" // a zone names an interface of one machine: no browser sends it
	}
	return host != "" && !strings.ContainsFunc(host, func(c rune) bool {
		return c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	})
}

// String is how browsers write it; of none it is empty.
func (o Origin) String() string {
	if o == (Origin{}) {
		return ""
	}
	return o.Scheme + "://" + o.Host
}

// Is reports whether text is how browsers write the origin.
func (o Origin) Is(text string) bool {
	rest, ok := strings.CutPrefix(text, o.Scheme)
	if ok {
		rest, ok = strings.CutPrefix(rest, "://")
	}
	return ok && rest == o.Host
}

// Local reports whether the host is the browser's own machine, which is as good as
// https to it (W3C Secure Contexts section 3.1).
func (o Origin) Local() bool {
	name := o.Hostname()
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

// Hostname is the host without the port, and without the brackets of an IPv6
// address.
func (o Origin) Hostname() string {
	name, _ := split(o.Host)
	return name
}

// split is net.SplitHostPort for hosts that may have no port.
func split(host string) (name, port string) {
	name = host
	if at := portAt(host); at >= 0 {
		name, port = host[:at], host[at+1:]
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"), port
}
