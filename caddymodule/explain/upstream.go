package explain

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httputil"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// upstream stands for the transport of a reverse_proxy: it notes what would be sent,
// and answers 200 to it.
type upstream struct {
	TLS   bool   `json:"tls"`
	Plain bool   `json:"plain,omitempty"` // compression is off
	Of    string `json:"of,omitempty"`    // another protocol than HTTP
}

// CaddyModule returns the Caddy module information.
func (*upstream) CaddyModule() caddy.ModuleInfo {
	return moduleInfo("http.reverse_proxy.transport", func() caddy.Module { return new(upstream) })
}

// RequestHeaderOps are those of the transport that it stands for.
func (u *upstream) RequestHeaderOps() *headers.HeaderOps {
	if !u.TLS {
		return nil
	}
	return (&reverseproxy.HTTPTransport{TLS: new(reverseproxy.TLSConfig)}).RequestHeaderOps()
}

// RoundTrip notes the request as it would go over the wire.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	to := "http"
	if u.TLS {
		to = "https"
	}
	sent, err := u.sent(r, to)
	if err != nil {
		return nil, err
	}
	if u.Of != "" {
		to = u.Of
	}
	current.forwarded(Forwarded{
		To: to + "://" + r.URL.Host, Method: sent.Method, URI: sent.RequestURI, Host: sent.Host, Headers: sent.Header,
	})
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Request: r,
	}, nil
}

// sent is the request as an app would read it.
func (u *upstream) sent(r *http.Request, scheme string) (*http.Request, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.Body, out.ContentLength = scheme, http.NoBody, 0
	wire, err := httputil.DumpRequestOut(out, false)
	if err != nil {
		return nil, err
	}
	sent, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err == nil && u.Plain && r.Header["Accept-Encoding"] == nil {
		sent.Header.Del("Accept-Encoding")
	}
	return sent, err
}

// Interface guards
var (
	_ http.RoundTripper                      = (*upstream)(nil)
	_ reverseproxy.RequestHeaderOpsTransport = (*upstream)(nil)
)
