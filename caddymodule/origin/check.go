package origin

import (
	"net/http"
	"slices"
)

// Check tells requests that a page of another site has sent from one's own
// pages' and from those of programs. Browsers send the cookie with both, at
// least from hosts beside ours, and for websockets nothing else asks whose page
// it is.
type Check struct {
	// Public is the origin that browsers see, where one is configured.
	Public Origin
	// Listed are origins whose pages may act for people here.
	Listed []Origin
}

// Mismatch is what was compared with what where a request was refused.
type Mismatch struct {
	// Site and Origin are what the browser said: Sec-Fetch-Site and Origin.
	Site   string
	Origin string
	// Own are the origins that are taken for this site's.
	Own string
	// Plain says that the page is of this very host over plain http, while people
	// come here over TLS.
	Plain bool
}

// Error says what was compared, and no more than a line has room for.
func (m *Mismatch) Error() string {
	from := "it is from " + m.Origin
	if m.Origin == "" {
		from = "it does not say where it is from"
	}
	return from + ", and this site is " + m.Own
}

// longest bounds what is repeated of a client's.
const longest = 256

// Of judges a request; nil says that it comes from a page of this site, from one
// that is listed, or from no page at all. What Sec-Fetch-Site says of the page
// comes first: a browser writes it, and knows. `null`, the origin of sandboxed
// frames of any page, is nobody's.
func (c *Check) Of(r *http.Request) *Mismatch {
	site, from := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "same-origin" || site == "none" || site == "" && from == "" {
		return nil
	}
	page, err := Parse(from)
	if err == nil && (page == c.Public || slices.Contains(c.Listed, page) || site == "" && c.own(r, page)) {
		return nil
	}
	return &Mismatch{Site: cut(site), Origin: cut(from), Own: cut(c.describe(r)), Plain: c.opensPlain(r, from)}
}

// own reports whether a page is of this site. Where it is known how browsers
// come here, one over plain HTTP is another's than ours over TLS: who stands on
// the way to it has written it.
func (c *Check) own(r *http.Request, page Origin) bool {
	scheme, sure := c.schemeOf(r)
	return (!sure || page.Scheme == scheme) && page == newOrigin(page.Scheme, r.Host)
}

func (c *Check) schemeOf(r *http.Request) (scheme string, sure bool) {
	scheme, sure = schemeOf(r)
	if !sure && c.Public != (Origin{}) && c.Public == newOrigin(c.Public.Scheme, r.Host) {
		return c.Public.Scheme, true
	}
	return scheme, sure
}

// opensPlain reports whether a page has the host of this site, which is over TLS,
// and is not.
func (c *Check) opensPlain(r *http.Request, from string) bool {
	scheme, _ := c.schemeOf(r)
	return scheme == secure && plainPage(from, newOrigin(scheme, r.Host)) || c.Public.Scheme == secure && plainPage(from, c.Public)
}

// describe is what own compares with.
func (c *Check) describe(r *http.Request) string {
	scheme, sure := c.schemeOf(r)
	said := newOrigin(scheme, r.Host).String()
	if !sure {
		said += " or " + newOrigin(secure, r.Host).String()
	}
	if c.Public != (Origin{}) && !c.Public.Is(said) {
		said += " or " + c.Public.String()
	}
	return said
}

func cut(text string) string { return text[:min(len(text), longest)] }

// IsWebsocketConnect reports whether a request asks for a websocket by an
// extended CONNECT (RFC 8441 section 4, RFC 9220 section 3), as reverse_proxy
// understands it: the app behind it gets a GET that asks for an upgrade.
func IsWebsocketConnect(r *http.Request) bool {
	if r.Method != http.MethodConnect {
		return false
	}
	protocol := r.Header[":protocol"]
	return r.ProtoMajor == 2 && len(protocol) == 1 && protocol[0] == "websocket" || r.ProtoMajor == 3 && r.Proto == "websocket"
}

// IsUpgrade reports whether a request asks for a websocket, or for another
// protocol in its place: in HTTP/1.1 by Upgrade, which no script can set, in
// HTTP/2 and 3 by an extended CONNECT (RFC 8441 section 4, RFC 9220 section 3),
// whose :protocol Caddy shows as a header, or as the protocol of the request.
func IsUpgrade(r *http.Request) bool {
	if r.Method == http.MethodConnect {
		return r.Header[":protocol"] != nil || r.Proto == "websocket"
	}
	return r.Header["Upgrade"] != nil
}
