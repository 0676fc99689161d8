package caller

import (
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Caller is who makes a request, as far as can be told. It is found once a
// request and never changes.
type Caller struct {
	Standing Standing
	// Session and User are set when Standing is SignedIn. User has the account
	// of this request as its primary one.
	Session *sessionstore.Session
	User    *sessionstore.UserSession
	// Entry keeps what is derived from the session for further requests.
	Entry *nearcache.Entry
	// PresentedToken says that it was a Bearer token that was looked at, and
	// Token is that token when it is good.
	PresentedToken bool
	Token          string
	// Refusal is the answer to a caller who is not signed in, or who asks for
	// an account that is not theirs; nil for all others. refusal.Unreadable is
	// that to a caller whose session is there and cannot be read.
	Refusal *refusal.Refusal
	// StaleCookie says that the cookie is known to be good for no session, so
	// that the browser may forget it. Never set when the store cannot tell, nor
	// of a cookie that another gateway may have made.
	StaleCookie bool
	// Cookies says what is wrong with the number of session cookies, if anything.
	Cookies Cookies
	// ByOldCookie says that the session was found by the cookie of another gateway,
	// and Arrival is its secret where it has begun with this request.
	ByOldCookie bool
	Arrival     *Arrival
}

// Cookies is what there is to say of the session cookies of one request.
type Cookies uint8

// What there is to say of them. Nothing is for one, or none.
const (
	Nothing     Cookies = iota
	Several             // of which at most one is of a session
	TwoSessions         // of which at least two are of different ones
	TooMany             // more than are tried
)

// Standing is what is known of a caller.
type Standing uint8

// The standings. Only the first two are for certain that there is no session.
const (
	Anonymous  Standing = iota // nothing was presented
	Rejected                   // what was presented is good for no session
	CannotTell                 // the store could not be asked
	SignedIn
)

// MayPass reports whether the caller is signed in and acts for an account of
// their own, so that only roles and permissions are left to decide.
func (c *Caller) MayPass() bool { return c.Standing == SignedIn && c.Refusal == nil }

// Of is who comes with that session and asks for these accounts.
func Of(e *nearcache.Entry, accounts []string) *Caller {
	c := &Caller{Standing: SignedIn}
	c.hold(e)
	c.selectAccount(accounts)
	return c
}

// Derive returns what derive makes of the caller's session: once for all
// requests that find the session in the near cache, unless this request acts
// for another account than the session does.
func (c *Caller) Derive(key any, derive func() any) any {
	if c.User != &c.Session.User {
		return derive()
	}
	return c.Entry.Derive(key, derive)
}

// With is the caller after their session was written, acting for the account
// that X-Account-Id asks for. A session that could not be written is nil.
func (c *Caller) With(s *sessionstore.Session, accounts []string) *Caller {
	after := *c
	if s != nil {
		after.hold(nearcache.Uncached(s))
		after.selectAccount(accounts)
	}
	return &after
}

// Ended is the caller when their session was found to have ended.
func (c *Caller) Ended() *Caller {
	after := *c
	why := refusal.Gone
	if c.PresentedToken {
		why = refusal.Token
	}
	after.reject(why)
	after.Token = ""
	return &after
}

// hold makes the caller the person of that session.
func (c *Caller) hold(e *nearcache.Entry) {
	c.Entry, c.Session, c.User = e, e.Session, &e.Session.User
}

func (c *Caller) reject(why *refusal.Refusal) {
	c.Standing, c.Session, c.User, c.Entry, c.Refusal = Rejected, nil, nil, nil, why
}

// selectAccount acts on X-Account-Id.
func (c *Caller) selectAccount(asked []string) {
	switch {
	case len(asked) == 0:
	case len(asked) > 1:
		c.Refusal = refusal.TwoAccounts
	default:
		user, ok := c.User.WithPrimary(asked[0])
		if !ok {
			user, ok = c.User.WithPrimary(decoded(asked[0]))
		}
		if !ok {
			c.Refusal = refusal.Account
			return
		}
		c.User = user
	}
}
