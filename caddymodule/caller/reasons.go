package caller

import (
	"context"
	"errors"
	"net/http"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// Reason is why somebody is not signed in, as far as it can be told: a word for
// programs, and what to say to the person.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The reasons.
var (
	NothingSent = Reason{"nothing_sent", "Neither a session cookie nor a bearer token came with this request. " +
		"Nobody has signed in with this browser, or it has dropped the cookie, or does not send it here."}
	CookieHeldBack = Reason{"cookie_held_back", "No session cookie came with this request, and a link of another site led here: the browser may have one, " +
		"and hold it back. Open the address itself."}
	OldCookieUnknown = Reason{"old_cookie_unknown", "A cookie of the gateway before this one came, and is good for nobody there any more. Sign in again."}
	CookieMalformed  = Reason{"cookie_malformed", "The session cookie is none that a gateway of this kind makes: it is cut off, or something else has set it."}
	CookieForeign    = Reason{"cookie_foreign", "The session cookie was made by a gateway with another secret, and there is no such session here."}
	SessionEnded     = Reason{"session_ended", "The session has ended: it was signed out, ended by somebody who may, or it has expired."}
	SessionNotHere   = Reason{"session_not_here", "The session is there, and the configuration of this gateway does not vouch for it: " +
		"its login, or the person, is not admitted here as it was. Sign in again."}
	SeveralSessions = Reason{"two_sessions", "The cookies of two sessions came, and nobody can tell which is meant. Sign in again, which takes the place of both."}
	TooManyCookies  = Reason{"too_many_cookies", "More session cookies came than are tried. Clear the cookies of this site, and sign in again."}
	SeveralTokens   = Reason{"several_tokens", "A bearer token came with more than one Authorization header: send one."}
	TokenExpired    = Reason{"token_expired", "The bearer token has expired. Ask for a new one."}
	TokenForeign    = Reason{"token_foreign", "The bearer token was not given out by a gateway of this kind, and no cookie is looked at beside one."}
	TokenInvalid    = Reason{"token_invalid", "The bearer token is damaged, or was given out by a gateway with another secret."}
	TokenElsewhere  = Reason{"token_elsewhere", refusal.TokenElsewhere.Message}
	TokensOff       = Reason{"tokens_off", refusal.TokensOff.Message}
	ChangedSince    = Reason{"changed", "It has changed while this was answered. Ask again."}
)

// Reasons are all of them.
var Reasons = []Reason{
	NothingSent, CookieHeldBack, OldCookieUnknown, CookieMalformed, CookieForeign, SessionEnded, SessionNotHere, SeveralSessions, TooManyCookies,
	SeveralTokens, TokenExpired, TokenForeign, TokenInvalid, TokenElsewhere, TokensOff, ChangedSince,
}

// ReasonOf says why a caller is not signed in of whom that is certain: Anonymous, or
// Rejected. It looks at the credentials once more, and asks the store again.
func ReasonOf(f *Finder, r *http.Request, c *Caller) Reason {
	v := Remember(r)
	if c.PresentedToken {
		return reasonOfToken(r.Context(), f, v.bearer(), c)
	}
	values := v.CookiesNamed(f.given.Cookie)
	switch {
	case len(values) == 0 && f.given.Adopt != nil && f.given.Adopt.Presented(v):
		return OldCookieUnknown
	case len(values) == 0:
		return NothingSent
	case c.Cookies == TwoSessions:
		return SeveralSessions
	case c.Cookies == TooMany:
		return TooManyCookies
	}
	why := CookieMalformed
	for _, value := range values {
		secret, err := sessionstore.ParseSecret(value)
		if err != nil {
			continue
		}
		_, err = f.ofSecret(r.Context(), secret)
		switch one := reasonOfLookup(err); {
		case one != SessionEnded: // says more than that another one has ended
			return one
		case f.given.Marker.Made(secret):
			why = SessionEnded
		case why == CookieMalformed:
			why = CookieForeign
		}
	}
	return why
}

func reasonOfToken(ctx context.Context, f *Finder, presented bearer, c *Caller) Reason {
	switch {
	case presented.count > 1:
		return SeveralTokens
	case c.Refusal == refusal.TokensOff:
		return TokensOff
	case c.Refusal == refusal.TokenElsewhere:
		return TokenElsewhere
	}
	claims, err := f.given.Verified.VerifySession(presented.token)
	switch {
	case errors.Is(err, token.ErrExpired):
		return TokenExpired
	case err != nil && !f.given.Ring.LooksOurs(presented.token):
		return TokenForeign
	case err != nil:
		return TokenInvalid
	}
	e, err := f.lookup(ctx, claims.Key)
	if err == nil && e.Session.User.ID != claims.UserID {
		return TokenInvalid
	}
	return reasonOfLookup(err)
}

// reasonOfLookup is what a look-up says.
func reasonOfLookup(err error) Reason {
	switch {
	case errors.Is(err, sessionstore.ErrNotHere):
		return SessionNotHere
	case errors.Is(err, sessionstore.ErrNotFound):
		return SessionEnded
	}
	return ChangedSince
}
