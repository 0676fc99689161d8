package caller

import (
	"context"
	"errors"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// maxTried bounds the cookies of our name that are tried, for each may be a
// question to the store. A host and the domains above it make no more.
const maxTried = 4

// byCookies is for a request with several cookies of our name: a gateway of a
// domain above may have set one, or an older configuration, or a sibling host,
// which has planted it. The one that opens a session counts, as it would alone.
// Of two sessions nobody can tell which the person means: neither counts, until a
// sign-in takes the place of both. none is that of byCookie.
func (f *Finder) byCookies(ctx context.Context, v *Remembered, c *Caller) (none bool) {
	c.Cookies, none = Several, true
	stale, found := true, (*nearcache.Entry)(nil)
	tried := make(map[sessionstore.Key]bool, maxTried)
	for _, value := range v.CookiesNamed(f.given.Cookie) {
		secret, err := sessionstore.ParseSecret(value)
		if err != nil || tried[secret.Key()] {
			continue
		}
		if len(tried) == maxTried {
			c.reject(refusal.Gone)
			c.Cookies = TooMany
			return false
		}
		tried[secret.Key()] = true
		e, err := f.ofSecret(ctx, secret)
		switch {
		case err == nil && found != nil:
			c.reject(refusal.Gone)
			c.Cookies = TwoSessions
			return false
		case err == nil:
			found = e
		case !errors.Is(err, sessionstore.ErrNotFound) && !errors.Is(err, sessionstore.ErrNotHere):
			f.settle(ctx, nil, err, c) // it may be another session
			return false
		}
		none = none && !errors.Is(err, sessionstore.ErrNotHere)
		stale = stale && f.given.Marker.Made(secret) && !errors.Is(err, sessionstore.ErrNotHere)
	}
	if found != nil {
		f.settle(ctx, found, nil, c)
		return false
	}
	c.StaleCookie = stale
	return none
}
