package explain

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/sessionstore"
)

// question is what is asked: one request, and of whom it is.
type question struct {
	method, address string
	headers         [][2]string
	from            netip.Addr
	as, account     string
	session         *given
	notes           []string
}

// methods are those that people mean by another spelling.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

func readFrom(text string) (netip.Addr, error) {
	from, err := netip.ParseAddr(text)
	if err != nil {
		return from, fmt.Errorf("--from %q: give an IP address such as 192.0.2.1", text)
	}
	return from, nil
}

// readHeaders reads those of --header.
func readHeaders(texts []string) (all [][2]string, err error) {
	for _, text := range texts {
		name, value, ok := strings.Cut(text, ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("--header %q: write a name, a colon and a value: 'Accept: text/html'", text)
		case strings.EqualFold(name, "Host"):
			return nil, errors.New("--header Host: say the host in the address: https://app.example.com/orders/7")
		case strings.EqualFold(name, "Content-Length"), strings.EqualFold(name, "Transfer-Encoding"):
			return nil, fmt.Errorf("--header %s: the request has no body", name)
		}
		all = append(all, [2]string{name, value})
	}
	return all, nil
}

// checkMethod refuses what no client sends.
func (q *question) checkMethod() error {
	switch {
	case !httpguts.ValidHeaderFieldName(q.method): // both are tokens (RFC 9110, 9.1)
		return fmt.Errorf("%q is no method: say the method first, then the address", q.method)
	case !slices.Contains(methods, q.method) && slices.Contains(methods, strings.ToUpper(q.method)):
		return fmt.Errorf("%q is no method: they are written in capital letters: %s", q.method, strings.ToUpper(q.method))
	case q.method == http.MethodConnect:
		return errors.New("CONNECT has no path that could be explained: every one is refused but for a websocket, which is decided on as a GET")
	}
	return nil
}

// read makes the request as a server reads it off the wire.
func (q *question) read(to *destination, s *sessionstore.Session, cookie string) (*http.Request, error) {
	var wire strings.Builder
	fmt.Fprintf(&wire, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, to.target, to.host)
	for _, h := range q.headers {
		fmt.Fprintf(&wire, "%s: %s\r\n", h[0], h[1])
	}
	if s != nil {
		fmt.Fprintf(&wire, "Cookie: %s\r\n", cookie)
	}
	if q.account != "" {
		fmt.Fprintf(&wire, "X-Account-Id: %s\r\n", q.account)
	}
	wire.WriteString("\r\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil {
		return nil, fmt.Errorf("the address %s cannot be read: %w", q.address, err)
	}
	r.RemoteAddr = net.JoinHostPort(q.from.String(), "40000")
	if to.tls {
		r.TLS = &tls.ConnectionState{
			Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: to.url.Hostname(), NegotiatedProtocol: "http/1.1",
		}
	}
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: to.port}
	return r.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, local)), nil
}

// split reads the address: where to, and what is asked for there as it is written.
func (q *question) split() (site *url.URL, target string, err error) {
	scheme, rest, whole := strings.Cut(q.address, "://")
	if !whole {
		if !strings.HasPrefix(q.address, "/") {
			return nil, "", fmt.Errorf("the address %q is neither a path such as /orders/7 nor a whole one such as https://app.example.com/orders/7", q.address)
		}
		return nil, q.written(q.address), nil
	}
	at := strings.IndexAny(rest, "/?#")
	if at < 0 {
		at = len(rest)
	}
	site, err = url.Parse(strings.ToLower(scheme) + "://" + rest[:at])
	if err != nil || site.Hostname() == "" || site.User != nil || site.Scheme != "http" && site.Scheme != "https" {
		return nil, "", fmt.Errorf("the address %q begins with no site such as https://app.example.com", q.address)
	}
	target = q.written(rest[at:])
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	return site, target, nil
}

// written is a target without what a client keeps for itself.
func (q *question) written(target string) string {
	target, kept, has := strings.Cut(target, "#")
	if has {
		q.notes = append(q.notes, fmt.Sprintf("#%s is left out, as browsers keep it for themselves: what sends it as it is is answered 400 by any server; a # in a path is written %%23", kept))
	}
	return target
}
