package endpoint

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/web"
)

// unkeptParam says on the login page's address that the page's own form led to a
// place where nobody was signed in. Anybody can write it: it shows a message.
const unkeptParam = "unkept"

// What an operator has to put right so that sign-ins are kept.
var (
	errUnkept = errors.New("the browser sends no session cookie: it takes none, or a proxy in front drops Set-Cookie or Cookie, " +
		"or a gateway beside this one, of the same secret and another store, had it forget the cookie")
	errLost = errors.New("the session cookie that the browser sends opens no session here: do gateways of one address share " +
		"neither a store nor a secret, or does another one use the same `name` in `cookie`?")
	errCrowded = errors.New("the browser sends several session cookies of one name, and it cannot be told which counts: " +
		"give each gateway of these hosts a `name` of its own in `cookie`")
	errUnkeptPlain = errors.New("the browser sends no session cookie, as over plain http, because it is Secure: serve the site over TLS; " +
		"where TLS ends in front of it, say `public_url https://...` and `trusted_proxies`; on a test network only, `cookie { insecure }`")
)

// cameFromLogin reports whether the form of the login page led here: the browser
// names that page, where its redirect has let it (see leadBack), and no link of
// the page leads to where somebody has to be signed in.
func (a *Address) cameFromLogin(r *http.Request) bool {
	from, err := url.Parse(r.Referer())
	return err == nil && from.Path == a.BasePath+loginPath && a.Sites.Of(r) == origin.OfURL(from)
}

func withParam(address, name string) string {
	if strings.Contains(address, "?") {
		return address + "&" + name + "=1"
	}
	return address + "?" + name + "=1"
}

// leadBack leads on from the form, and lets the browser say so on the same site.
// The address of the login page has nothing in it but where it leads.
func leadBack(w http.ResponseWriter, r *http.Request, target string) {
	redirectAs(w, r, target, "same-origin")
}

// lost is what to say to somebody who is not signed in, if they have signed in a
// moment ago: as the address says, or the browser.
func (l passwordLogin) lost(w http.ResponseWriter, r *http.Request, c *caller.Caller) web.Failure {
	fresh, _ := l.fresh.read(r)
	led := r.URL.Query().Get(unkeptParam) != "" && c.Standing != caller.CannotTell
	if !led && (!fresh || c.Standing != caller.Anonymous) {
		return web.NoFailure
	}
	l.fresh.clear(w, r)
	return l.unkept(r, c, l.pages.address.Sites.Of(r))
}

// unkept says why somebody who has signed in a moment ago is not signed in, to the
// person and in the log.
func (a arrivals) unkept(r *http.Request, c *caller.Caller, site origin.Origin) web.Failure {
	failure, err := web.Unkept, errUnkept
	domain, host := a.cookie.Domain, site.Hostname()
	switch {
	case c.Cookies == caller.TwoSessions, c.Cookies == caller.TooMany:
		failure, err = web.UnkeptCrowded, errCrowded
	case c.Standing == caller.Rejected:
		failure, err = web.UnkeptLost, errLost
	case !a.cookie.Insecure && overPlainHTTP(site):
		failure, err = web.UnkeptPlain, errUnkeptPlain
	case domain != "" && !holdsFor(domain, host):
		failure, err = web.UnkeptLost, fmt.Errorf("the `domain` of `cookie` is %s, and people come to %s, where browsers take no cookie of it", domain, host)
	case domain != "":
		err = fmt.Errorf("%w; or the `domain` of `cookie`, %s, is one that many share, such as co.uk, of which browsers take none", err, domain)
	}
	a.heard.Happened(lifecycle.Event{Kind: Unkept, Client: caller.Address(r), Err: err})
	return failure
}

// holdsFor reports whether browsers take a cookie of that domain from the host
// (RFC 6265 section 5.1.3).
func holdsFor(domain, host string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}
