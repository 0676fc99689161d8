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

// cameParam says on an address of ours that the request that was led there had
// brought a session cookie, which the browser was had to forget. Anybody can write
// it: it only chooses between the words for somebody who has just signed in.
const cameParam = "came"

// What an operator has to put right so that sign-ins are kept.
var (
	errUnkept = errors.New("the browser sends no session cookie: it takes none, or a proxy in front drops Set-Cookie or Cookie, " +
		"or a gateway beside this one, of the same secret and another store, had it forget the cookie")
	errLost = errors.New("the session cookie that the browser sends opens no session here: are there gateways that share no store at one address, " +
		"or neither a store nor a secret, does another one use the same `name` in `cookie`, or was the session ended elsewhere a moment ago?")
	errCrowded = errors.New("the browser sends several session cookies of one name, and it cannot be told which counts: " +
		"give each gateway of these hosts a `name` of its own in `cookie`")
	errUnkeptPlain = errors.New("the browser sends no session cookie, as over plain http, because it is Secure: serve the site over TLS; " +
		"where TLS ends in front of it, say `public_url https://...` and `trusted_proxies`; on a test network only, `insecure` in the block `cookie`")
	errUnkeptProxy = errors.New("the browser sends no session cookie, as over plain http, because it is Secure: " + redirectPlain)
)

// mayKeepNothing reports whether the form was sent from the page by a browser that
// has no cookie of this site, and so may take none.
func (a *Address) mayKeepNothing(r *http.Request) bool {
	from, err := url.Parse(r.Referer())
	return err == nil && from.Path == a.BasePath+loginPath && r.Header["Cookie"] == nil
}

func withParam(address, name, value string) string {
	if strings.Contains(address, "?") {
		return address + "&" + name + "=" + value
	}
	return address + "?" + name + "=" + value
}

// passingOn is the address with those of the parameters that the request has.
func passingOn(r *http.Request, to string, names ...string) string {
	for _, name := range names {
		if r.URL.Query().Has(name) {
			to = withParam(to, name, "1")
		}
	}
	return to
}

// leadOn leads on from the form.
func (l passwordLogin) leadOn(w http.ResponseWriter, r *http.Request, s arrived, target string) {
	l.fresh.set(w, r, false, s.ExpiresAt.Sub(l.now()))
	if l.pages.address.mayKeepNothing(r) {
		target = l.fresh.confirm(l.pages.address.BasePath, target)
	}
	redirect(w, r, target)
}

// lost is what to say to somebody who is not signed in, if they have signed in a
// moment ago: as a cookie says that we set then, or the address that we led to.
// Nobody else can say so: a browser repeats the Referer of a page when that is
// reloaded, hours later.
func (l passwordLogin) lost(w http.ResponseWriter, r *http.Request, c *caller.Caller) web.Failure {
	fresh, _ := l.fresh.read(r)
	if !fresh && !l.fresh.confirms(r) || c.Standing == caller.CannotTell {
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
	case c.Standing == caller.Rejected, r.URL.Query().Has(cameParam):
		failure, err = web.UnkeptLost, errLost
	case !a.cookie.Insecure && a.fresh.sites.Plain(r):
		failure, err = web.UnkeptPlain, plainly(a.fresh.sites, r, errUnkeptPlain, errUnkeptProxy)
	case domain != "" && !holdsFor(domain, host):
		failure, err = web.UnkeptLost, fmt.Errorf("the `domain` of `cookie` is %s, and people come to %s, where browsers take no cookie of it", domain, host)
	case domain != "":
		err = fmt.Errorf("%w; or the `domain` of `cookie`, %s, is one that many share, such as co.uk, of which browsers take none", err, domain)
	}
	a.heard.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: Unkept, Err: err}))
	return failure
}

// holdsFor reports whether browsers take a cookie of that domain from the host
// (RFC 6265 section 5.1.3).
func holdsFor(domain, host string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}
