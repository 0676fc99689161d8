package endpoint

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
)

// original is a request that another proxy asks about, as that proxy tells of it.
type original struct {
	url    *url.URL // path and query
	method string   // empty where it is not told
	host   string
	scheme string // empty where it is not told beside the address
	below  bool   // it stood below the address of the policy
}

// longestOriginal bounds the address that a proxy tells of, in bytes.
const longestOriginal = 8 << 10

// telling are the headers in which proxies tell of the original: those that Traefik
// and Caddy write, those that are usual with nginx, and those of ingress-nginx,
// where the address is a whole one.
var telling = [...]struct{ uri, method, host string }{
	{"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host"},
	{"X-Original-Uri", "X-Original-Method", ""},
	{"X-Original-Url", "X-Original-Method", ""},
}

// tellsUs reports whether a header is one of these.
func tellsUs(name string) bool {
	for _, names := range telling {
		if name == names.uri || name == names.method {
			return true
		}
	}
	return false
}

// readOriginal reads what a proxy tells of the original request; nil where it tells
// nothing, or is none of trusted_proxies.
//
// A proxy that writes one of these headers passes on what its client wrote into the
// others. So all that is told of the address, of the host and of the method has to
// agree, and the method is not known unless each says it: a client could choose
// otherwise which request is decided on (CVE-2026-40575 of a peer).
func readOriginal(r *http.Request) (found *original, why *refusal.Refusal) {
	if !origin.TrustedPeer(r) {
		return nil, nil
	}
	for _, names := range telling {
		address, why := oneOf(r.Header, names.uri)
		if why != nil {
			return nil, why
		}
		if address == "" {
			continue
		}
		told, err := parseOriginal(address)
		if err != nil {
			return nil, refusal.OriginalUnread
		}
		if why := told.complete(r, names.method, names.host); why != nil {
			return nil, why
		}
		if found, why = found.joined(told); why != nil {
			return nil, why
		}
	}
	return found, nil
}

// oneOf is the one value of a header; empty for none.
func oneOf(h http.Header, name string) (string, *refusal.Refusal) {
	switch values := h[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", refusal.OriginalsDiffer
}

// complete adds what stands in other headers: the method, and the host where the
// address has none. Without a header for it the proxy tells it by Host.
func (o *original) complete(r *http.Request, method, host string) (why *refusal.Refusal) {
	if o.method, why = oneOf(r.Header, method); why != nil || o.host != "" {
		return why
	}
	if host != "" {
		if o.host, why = oneOf(r.Header, host); why != nil {
			return why
		}
	}
	if o.host == "" {
		o.host = r.Host
	}
	if strings.ContainsAny(o.host, ", /@") { // a list, or no host
		return refusal.OriginalsDiffer
	}
	return nil
}

// joined is what is known when two tell of the original.
func (o *original) joined(other *original) (*original, *refusal.Refusal) {
	switch {
	case o == nil:
		return other, nil
	case o.url.RequestURI() != other.url.RequestURI(), !strings.EqualFold(o.host, other.host),
		o.method != "" && other.method != "" && o.method != other.method:
		return nil, refusal.OriginalsDiffer
	case o.method == "":
		other.method = ""
	}
	return other, nil
}

// parseOriginal reads a path with its query, or a whole address. RequestURI of it is
// byte for byte what was told.
func parseOriginal(address string) (*original, error) {
	if len(address) > longestOriginal {
		return nil, errors.New("it is too long")
	}
	u, err := url.ParseRequestURI(address)
	if err != nil {
		return nil, err
	}
	told := &original{url: &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}}
	switch {
	case u.Scheme == "" && strings.HasPrefix(address, "/"):
	case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil:
		told.scheme, told.host = u.Scheme, u.Host
		if told.url.Path == "" {
			told.url.Path = "/"
		}
	default:
		return nil, errors.New("it is no path and no address of http")
	}
	return told, nil
}

// below is the original of a proxy that puts the address of the policy before that
// of the request, and asks with the method of the request, as Envoy does.
func below(r *http.Request, prefix string) *original {
	u := *r.URL
	u.Path = strings.TrimPrefix(u.Path, prefix)
	if u.RawPath != "" {
		u.RawPath = strings.TrimPrefix(u.RawPath, prefix)
	}
	return &original{url: &u, method: r.Method, host: r.Host, below: true}
}

// retold refuses where headers tell of another path or method than the address of the
// question does: the app may be told so, too.
func (o *original) retold(r *http.Request) *refusal.Refusal {
	for _, names := range telling {
		address, why := oneOf(r.Header, names.uri)
		if why != nil {
			return why
		}
		method, why := oneOf(r.Header, names.method)
		if why != nil {
			return why
		}
		if method != "" && method != o.method {
			return refusal.OriginalsDiffer
		}
		if address == "" {
			continue
		}
		if told, err := parseOriginal(address); err != nil || told.url.RequestURI() != o.url.RequestURI() {
			return refusal.OriginalsDiffer
		}
	}
	return nil
}

// request is the original with the headers of the question: what is asked of who
// makes it, and where they may be led back to, hangs on it.
func (o *original) request(r *http.Request) *http.Request {
	asked := *r
	asked.URL, asked.Host = o.url, o.host
	if o.method != "" {
		asked.Method = o.method
	}
	if o.scheme != "" && r.Header.Get("X-Forwarded-Proto") != o.scheme {
		asked.Header = r.Header.Clone()
		asked.Header.Set("X-Forwarded-Proto", o.scheme)
	}
	return &asked
}
