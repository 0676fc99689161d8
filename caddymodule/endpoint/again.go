package endpoint

import (
	"fmt"
	"net/http"
	"net/url"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
)

// errPlainHTTP is an ErrNoCookie whose reason is known: browsers take no Secure
// cookie over plain HTTP, unless it is of their own machine.
var errPlainHTTP = fmt.Errorf("%w, as browsers do over plain http, because it is Secure: serve the site over TLS; "+
	"where TLS ends in front of it, say `public_url https://...` and `trusted_proxies`; on a test network only, `insecure` in the block `cookie`", oidc.ErrNoCookie)

// errPlainProxy is errPlainHTTP where TLS ends in front and is not all that comes.
var errPlainProxy = fmt.Errorf("%w, as browsers do over plain http, because it is Secure: "+redirectPlain, oidc.ErrNoCookie)

// redirectPlain is what helps where people come over plain http to a site that is
// over TLS.
const redirectPlain = "the person came by an address that begins with http://, as the proxy in trusted_proxies says in X-Forwarded-Proto, " +
	"or the page that they signed in at: have what listens on port 80 redirect to https (nginx: `return 301 https://$host$request_uri;`)"

// Two more whose reason is known, or may be.
var (
	errCrowdedOut = fmt.Errorf("%w, for it has begun more than %d at once, and is had to forget the oldest", oidc.ErrNoCookie, maxAttempts)
	errNoCookies  = fmt.Errorf("%w, again: it takes none, or a proxy in front drops Set-Cookie or Cookie, or cuts them: "+
		"let those headers pass whole, up to 8 KiB", oidc.ErrNoCookie)
)

// errElsewhere is one whose cookie is at another host, if Host is what the browser
// said. It begins again by itself at the right one.
var errElsewhere = fmt.Errorf("%w, as the sign-in began at another host than that of `public_url`", oidc.ErrNoCookie)

// missing is why there is no cookie of an attempt. A state that is none of ours
// says nothing: see AttemptSealer.ReadState.
func (l providerLogin) missing(r *http.Request, state string) error {
	told, ours := l.attempts.ReadState(l.provider.Name(), state)
	switch {
	case !ours, !l.now().Before(told.Began.Add(oidc.AttemptLifetime)):
		return oidc.ErrExpired
	case !l.cookie.Insecure && l.address.Sites.Plain(r):
		return plainly(l.address.Sites, r, errPlainHTTP, errPlainProxy)
	case l.cookie.crowded(r):
		return errCrowdedOut
	case told.Again:
		return errNoCookies
	case told.Elsewhere:
		return fmt.Errorf("%w, %s: lead people there (`redir`) where they come to another, such as the name without www, and let a proxy in front keep Host",
			errElsewhere, l.address.Sites.Public)
	}
	return oidc.ErrNoCookie
}

// plainly is which of two errors it is where browsers keep no Secure cookie: the
// site is over plain http, or it is not and they came so all the same.
func plainly(sites *origin.Sites, r *http.Request, site, came error) error {
	if sites.Of(r).Scheme == "https" || origin.SaysPlain(r) {
		return came
	}
	return site
}

// again begins a sign-in that came to nothing once more, by itself and once, and
// reports whether it has: the state, which is sealed, counts. What begins is an
// attempt of this browser, as by the login page: who led it here with a state
// of their own has it sign in as nobody else. An attempt that was opened keeps
// where the person wanted to go; what is lost with its cookie they are told of.
func (l providerLogin) again(w http.ResponseWriter, r *http.Request, a oidc.Attempt, query url.Values, why error) bool {
	opened := a.Login != ""
	told, ours := l.attempts.ReadState(l.provider.Name(), query.Get("state"))
	if told.Again || !ours && !opened {
		return false
	}
	_ = l.judge(r, fmt.Errorf("%w; it begins again by itself", why)) // it is told, and answered otherwise
	next := departure{returnTo: "/", cut: told.Wanted, again: true, unkept: told.Unkept}
	if opened {
		next.returnTo, next.cut = l.address.ReturnTo.Clean(r, a.ReturnTo), a.Cut
	}
	l.depart(w, r, next)
	return true
}
