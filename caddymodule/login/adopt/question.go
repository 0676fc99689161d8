package adopt

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/source"
)

// Question is about somebody who comes with cookies of the other gateway.
type Question struct {
	Cookies Presented
	// Headers are those of the request that Login.HeadersOf has taken.
	Headers http.Header
	// Scheme and Host are of the site that they come to.
	Scheme, Host string
	// Client is their address, as far as it is known.
	Client netip.Addr
	// Turn is how soon it is asked where many are asked about.
	Turn login.Turn
	// Still is asked once there is a place, maybe long after it was waited for: an error
	// says that the other gateway is not asked, and is Ask's. Nil: it is.
	Still func(context.Context) error
}

// own are headers of the question that its own fields or net/http write.
var own = []string{
	"Cookie", "Host", "Connection", "Content-Length", "Content-Type", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Accept", "User-Agent", "X-Real-Ip", "Early-Data",
}

// checkHeader refuses a name that would let clients say who they are, or what was
// asked for: the other gateway believes what this one sends it.
func checkHeader(name string) error {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case name == "" || strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune(token, c) }):
		return fmt.Errorf("header %q: use a name of letters, digits and -", name)
	case identity.IsIdentity(canonical) || identity.Foreign.Has(canonical) || identity.MethodOverrides.Has(canonical):
		return fmt.Errorf("header %s: clients could say in it who they are, or what they ask for, and the other gateway would believe it: leave it out", name)
	case slices.Contains(own, canonical) || strings.HasPrefix(canonical, "X-Forwarded") || strings.HasPrefix(canonical, "X-Original") || canonical == "Forwarded":
		return fmt.Errorf("header %s is written by this gateway itself: leave it out", name)
	}
	return nil
}

// token are the characters of a header's name that anybody uses.
const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// HeadersOf takes the configured headers of a request; nil where there are none. One
// that cannot stand in a request is left out.
func (l *Login) HeadersOf(h http.Header) http.Header {
	var taken http.Header
	for _, name := range l.headers {
		for _, value := range h[name] {
			if strings.ContainsFunc(value, func(c rune) bool { return c != '\t' && isControl(c) }) {
				continue
			}
			if taken == nil {
				taken = make(http.Header)
			}
			taken.Add(name, value)
		}
	}
	return taken
}

// request is the question as it is sent. Nothing is in it that the client has made
// up but the cookies and headers that are named, and the site is told by its origin:
// what is allowed below some path is no matter of who somebody is.
func (l *Login) request(ctx context.Context, q Question) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url.String(), nil)
	if err != nil {
		return nil, err
	}
	h := r.Header
	source.SetHeaders(r, q.Headers)
	h.Set("Cookie", q.Cookies.line())
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "sidegate")
	h.Set("X-Original-Method", http.MethodGet)
	h.Set("X-Original-Url", q.Scheme+"://"+q.Host+"/")
	h.Set("X-Forwarded-Method", http.MethodGet)
	h.Set("X-Forwarded-Proto", q.Scheme)
	h.Set("X-Forwarded-Host", q.Host)
	h.Set("X-Forwarded-Uri", "/")
	if q.Client.IsValid() {
		client := q.Client.Unmap().WithZone("").String()
		h.Set("X-Forwarded-For", client)
		h.Set("X-Real-Ip", client)
	}
	return r, nil
}
