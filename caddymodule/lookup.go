package caddymodule

import (
	"context"
	"errors"
	"net/http"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// caller is who makes a request, as far as can be told. It is found once a
// request and never changes.
type caller struct {
	standing standing
	// session and user are set when standing is signedIn. user has the account
	// of this request as its primary one.
	session *sessionstore.Session
	user    *sessionstore.UserSession
	// entry keeps what is derived from the session for further requests.
	entry *nearcache.Entry
	// presentedToken says that it was a Bearer token that was looked at, and
	// token is that token when it is good.
	presentedToken bool
	token          string
	// refusal is the answer to a caller who is not signed in, or who asks for
	// an account that is not theirs; nil for all others.
	refusal *refusal
	// staleCookie says that the cookie is known to be good for no session, so
	// that the browser may forget it. Never set when the store cannot tell.
	staleCookie bool
}

// standing is what is known of a caller.
type standing uint8

const (
	anonymous  standing = iota // nothing was presented
	rejected                   // what was presented is good for no session
	cannotTell                 // the store could not be asked
	signedIn
)

// mayPass reports whether the caller is signed in and acts for an account of
// their own, so that only roles and permissions are left to decide.
func (c *caller) mayPass() bool { return c.standing == signedIn && c.refusal == nil }

// caller finds out who makes the request. A matcher, an endpoint and a
// handler that ask about one request share one look-up.
func (g *gateway) caller(r *http.Request) *caller { return g.callerOf(r, visitOf(r)) }

// callerOf is caller for who has the visit at hand.
func (g *gateway) callerOf(r *http.Request, v *visit) *caller {
	if v.caller == nil {
		v.caller = g.identify(r.Context(), v, v.bearer(), &v.found)
	}
	return v.caller
}

// callerByCookie is caller for routes where a Bearer token that was not issued
// here belongs to the upstream (foreign_bearer): then the cookie decides.
func (g *gateway) callerByCookie(r *http.Request, v *visit) *caller {
	presented := v.bearer()
	if presented.count == 0 || presented.count == 1 && g.ring.LooksOurs(presented.token) {
		return g.callerOf(r, v)
	}
	if v.callerByCookie == nil {
		v.callerByCookie = g.identify(r.Context(), v, bearer{}, new(caller))
	}
	return v.callerByCookie
}

// identify finds the caller and fills c in. It lets a Bearer token win over
// the cookie, even a bad one: falling back would sign a caller in as somebody
// they did not mean to be.
func (g *gateway) identify(ctx context.Context, v *visit, presented bearer, c *caller) *caller {
	if presented.count > 0 {
		g.byBearer(ctx, presented, c)
	} else {
		g.byCookie(ctx, v, c)
	}
	if c.standing == signedIn {
		c.selectAccount(v.accounts)
	}
	return c
}

func (g *gateway) byBearer(ctx context.Context, presented bearer, c *caller) {
	c.presentedToken = true
	c.reject(&refuseToken)
	if presented.count > 1 {
		return
	}
	claims, err := g.verified.VerifySession(presented.token)
	if err != nil {
		return
	}
	g.load(ctx, claims.Key, c)
	if c.standing != signedIn {
		return
	}
	if c.session.User.ID != claims.UserID {
		c.reject(&refuseToken)
		return
	}
	c.token = presented.token
}

func (g *gateway) byCookie(ctx context.Context, v *visit, c *caller) {
	value, count := identity.FindCookie(v.cookies, g.app.Cookie.Name)
	if count == 0 {
		c.refusal = &refuseAnonymous
		return
	}
	c.reject(&refuseGone)
	if count > 1 {
		// Two cookies of our name: one may have been planted by a sibling
		// host, and nobody can tell which. Neither is used, neither cleared.
		return
	}
	secret, err := sessionstore.ParseSecret(value)
	if err != nil {
		c.staleCookie = true
		return
	}
	g.load(ctx, secret.Key(), c)
	c.staleCookie = c.standing == rejected
}

// load asks the store, and keeps "there is none" apart from "cannot tell".
func (g *gateway) load(ctx context.Context, key sessionstore.Key, c *caller) {
	e, err := g.lookup(ctx, key)
	switch {
	case err == nil:
		c.standing, c.refusal = signedIn, nil
		c.hold(e)
	case errors.Is(err, sessionstore.ErrNotFound):
		// The refusal that is there says so.
	default:
		c.standing, c.refusal = cannotTell, &refuseUnavailable
		g.reportStore(ctx, "a session could not be looked up", err)
	}
}

// hold makes the caller the person of that session.
func (c *caller) hold(e *nearcache.Entry) {
	c.entry, c.session, c.user = e, e.Session, &e.Session.User
}

// derive returns what derive makes of the caller's session: once for all
// requests that find the session in the near cache, unless this request acts
// for another account than the session does.
func (c *caller) derive(key any, derive func() any) any {
	if c.user != &c.session.User {
		return derive()
	}
	return c.entry.Derive(key, derive)
}

func (c *caller) reject(why *refusal) {
	c.standing, c.session, c.user, c.entry, c.refusal = rejected, nil, nil, nil, why
}

// with is the caller after their session was written, acting for the account
// that X-Account-Id asks for. A session that could not be written is nil.
func (c *caller) with(s *sessionstore.Session, accounts []string) *caller {
	after := *c
	if s != nil {
		after.hold(nearcache.Uncached(s))
		after.selectAccount(accounts)
	}
	return &after
}

// selectAccount acts on X-Account-Id.
func (c *caller) selectAccount(asked []string) {
	switch {
	case len(asked) == 0:
	case len(asked) > 1:
		c.refusal = &refuseTwoAccounts
	default:
		user, ok := c.user.WithPrimary(asked[0])
		if !ok {
			c.refusal = &refuseAccount
			return
		}
		c.user = user
	}
}
