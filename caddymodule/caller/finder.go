package caller

import (
	"context"
	"errors"
	"net/http"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Config is what a Finder is given. Its types are those themselves rather than
// interfaces, for it lies on the way of every request.
type Config struct {
	// Near is the near cache; nil asks Store for each request.
	Near  *nearcache.Cache
	Store sessionstore.Store
	// Vouch says what is served of a session that was just looked up: see
	// nearcache.Options, where there is a near cache. nil serves it as it is.
	Vouch func(*sessionstore.Session) (*sessionstore.Session, error)
	// Ring tells whose a token is, and Verified whether it is good.
	Ring     *token.Ring
	Verified *token.Verified
	// Bearers says which tokens are taken where.
	Bearers Bearers
	// Marker knows the cookies that gateways with these secrets have made; nil
	// knows none.
	Marker *sessionstore.Marker
	// Cookie is the name of the session cookie.
	Cookie string
	// Adopt finds sessions by the cookies of other gateways; nil: there are none.
	Adopt Adopter
	// Trouble hears of a store that could not be asked.
	Trouble func(ctx context.Context, what string, err error)
}

// Bearers says which tokens are taken where; the zero value takes those of no
// site, which are good everywhere.
type Bearers struct {
	// Off takes no session token at all.
	Off bool
	// Sites knows where those are good that a browser has read.
	Sites *origin.Sites
	// Refused hears why a token was refused that is good otherwise: ErrTokensOff,
	// or an *origin.Elsewhere.
	Refused func(why error)
}

// ErrTokensOff says that session tokens are not taken here.
var ErrTokensOff = errors.New("session tokens are off here")

// refuse says with what a token is refused that is good otherwise; nil takes it.
func (b *Bearers) refuse(r *http.Request, claims token.SessionClaims) *refusal.Refusal {
	if b.Off {
		b.Refused(ErrTokensOff)
		return refusal.TokensOff
	}
	if claims.Site == "" {
		return nil
	}
	if elsewhere := b.Sites.Refuse(r, claims.Site); elsewhere != nil {
		b.Refused(elsewhere)
		return refusal.TokenElsewhere
	}
	return nil
}

// Finder finds out who makes a request. It may be used concurrently.
type Finder struct{ given Config }

// NewFinder returns a Finder that uses what it is given.
func NewFinder(c Config) *Finder { return &Finder{c} }

// Caller finds out who makes the request. A matcher, an endpoint and a handler
// that ask about one request share one look-up.
func (f *Finder) Caller(r *http.Request) *Caller { return f.Of(r, Remember(r)) }

// Of is Caller for who has what is remembered at hand.
func (f *Finder) Of(r *http.Request, v *Remembered) *Caller {
	if v.caller == nil {
		v.caller = f.identify(r, v, v.bearer(), &v.found)
	}
	return v.caller
}

// ByCookie is Of for routes where a Bearer token that was not issued here
// belongs to the upstream (foreign_bearer): then the cookie decides.
func (f *Finder) ByCookie(r *http.Request, v *Remembered) *Caller {
	presented := v.bearer()
	if presented.count == 0 || presented.count == 1 && f.given.Ring.LooksOurs(presented.token) {
		return f.Of(r, v)
	}
	if v.callerByCookie == nil {
		v.callerByCookie = f.identify(r, v, bearer{}, new(Caller))
	}
	return v.callerByCookie
}

// HasCookie reports whether a session cookie came with the request, or one by which
// somebody is adopted, good or not.
func (f *Finder) HasCookie(v *Remembered) bool {
	_, count := identity.FindCookie(v.cookies, f.given.Cookie)
	return count > 0 || f.given.Adopt != nil && f.given.Adopt.Presented(v)
}

// IssuedHere reports whether the Bearer token that came with the request is one
// of ours, good or not, and so not the upstream's business. Of several it
// cannot be told, and then they are taken for ours.
func (f *Finder) IssuedHere(v *Remembered) bool {
	presented := v.bearer()
	if presented.count > 1 {
		return true
	}
	return v.caller != nil && v.caller.Token != "" || f.given.Ring.LooksOurs(presented.token)
}

// Issued is IssuedHere where nobody has looked who is calling.
func (f *Finder) Issued(token string, many bool) bool {
	return many || f.given.Ring.LooksOurs(token)
}

// identify finds the caller and fills c in. It lets a Bearer token win over
// the cookie, even a bad one: falling back would sign a caller in as somebody
// they did not mean to be.
func (f *Finder) identify(r *http.Request, v *Remembered, presented bearer, c *Caller) *Caller {
	if presented.count > 0 {
		f.byBearer(r, presented, c)
	} else if none := f.byCookie(r.Context(), v, c); none && f.given.Adopt != nil {
		adopt(f, r, v, c)
	}
	if c.Standing == SignedIn {
		c.selectAccount(v.Accounts)
	}
	return c
}

func (f *Finder) byBearer(r *http.Request, presented bearer, c *Caller) {
	c.PresentedToken = true
	c.reject(refusal.Token)
	if presented.count > 1 {
		return
	}
	claims, err := f.given.Verified.VerifySession(presented.token)
	if err != nil {
		return
	}
	if why := f.given.Bearers.refuse(r, claims); why != nil {
		c.reject(why)
		return
	}
	e, err := f.lookup(r.Context(), claims.Key)
	f.settle(r.Context(), e, err, c)
	if c.Standing != SignedIn {
		return
	}
	if c.Session.User.ID != claims.UserID {
		c.reject(refusal.Token)
		return
	}
	c.Token = presented.token
}

// byCookie reports whether it is known that no session is named: not where one may
// be good at another gateway, and not where the store cannot tell.
func (f *Finder) byCookie(ctx context.Context, v *Remembered, c *Caller) (none bool) {
	value, count := identity.FindCookie(v.cookies, f.given.Cookie)
	if count == 0 {
		c.Refusal = refusal.Anonymous
		return true
	}
	c.reject(refusal.Gone)
	if count > 1 {
		return f.byCookies(ctx, v, c)
	}
	secret, err := sessionstore.ParseSecret(value)
	if err != nil {
		c.StaleCookie = true
		return true
	}
	e, err := f.ofSecret(ctx, secret)
	f.settle(ctx, e, err, c)
	// Of a cookie that another gateway has made, with another secret, it is not
	// known that it is gone: it may be good there, as may a session that is not
	// good here.
	none = c.Standing == Rejected && !errors.Is(err, sessionstore.ErrNotHere)
	c.StaleCookie = none && f.given.Marker.Made(secret)
	return none
}

// Session returns the live session that a secret names, as it is served; nil
// when there is none, or when that cannot be told.
func (f *Finder) Session(ctx context.Context, secret sessionstore.Secret) *sessionstore.Session {
	e, err := f.ofSecret(ctx, secret)
	if err != nil {
		return nil
	}
	return e.Session
}

// settle fills in what came of a look-up, and keeps "there is none" apart from
// "cannot tell".
func (f *Finder) settle(ctx context.Context, e *nearcache.Entry, err error, c *Caller) {
	switch {
	case err == nil:
		c.Standing, c.Refusal = SignedIn, nil
		c.hold(e)
	case errors.Is(err, sessionstore.ErrNotFound), errors.Is(err, sessionstore.ErrNotHere):
		// The refusal that is there says so.
	default:
		c.Standing, c.Refusal = CannotTell, refusal.Unavailable
		if sessionstore.IsUnreadable(err) {
			c.Refusal = refusal.Unreadable
		}
		f.given.Trouble(ctx, "a session could not be looked up", err)
	}
}

// ofSecret is lookup for a secret that anybody may have made up: only when the
// store has to be asked is it looked at whether it bears our mark. Of one that
// does not, a cookie is left alone even when there is no such session.
func (f *Finder) ofSecret(ctx context.Context, secret sessionstore.Secret) (*nearcache.Entry, error) {
	key := secret.Key()
	if f.given.Near != nil {
		if e, err := f.given.Near.Known(key); e != nil || err != nil {
			return e, err
		}
	}
	if f.given.Marker != nil && !f.given.Marker.Made(secret) {
		ctx = sessionstore.Guess(ctx)
	}
	return f.lookup(ctx, key)
}

// Lookup returns a session as it is now, for who asks behind a request and can wait:
// what a request would be served while the store cannot tell may have ended.
// ErrNotFound and ErrNotHere are certain; any other error means "cannot tell".
func (f *Finder) Lookup(ctx context.Context, key sessionstore.Key) (*nearcache.Entry, error) {
	if f.given.Near != nil {
		return f.given.Near.LookupSure(ctx, key)
	}
	return f.lookup(ctx, key)
}

// lookup returns the session of that key, and room for what is derived of it.
func (f *Finder) lookup(ctx context.Context, key sessionstore.Key) (*nearcache.Entry, error) {
	if f.given.Near != nil {
		return f.given.Near.Lookup(ctx, key)
	}
	s, err := f.given.Store.Get(ctx, key)
	if err == nil && f.given.Vouch != nil {
		s, err = f.given.Vouch(s)
	}
	if err != nil {
		return nil, err
	}
	return nearcache.Uncached(s), nil
}
