package lifecycle

import (
	"context"
	"errors"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// maxLead is how long before its end an access token is asked for anew, and
// leadPart the part of its life that it is at most.
const (
	maxLead  = time.Minute
	leadPart = 10
)

// AccessTokens are those of providers that sessions keep, for routes that send them
// to their upstreams. They are renewed with the session: by one refresh, whoever
// asks for it and however many do. They may be used concurrently.
type AccessTokens struct {
	config    *Config
	refresher *refresher
}

// AccessToken is that of one session.
type AccessToken struct {
	token      string
	due, until time.Time // zero: never
	renewable  bool
	none       bool // and it helps nothing to ask
	why        error
}

// TokenStanding is what there is to say of an access token at one moment.
type TokenStanding uint8

// The standings.
const (
	TokenNone  TokenStanding = iota // there is none, nor is there another to be had
	TokenGood                       // it is good
	TokenDue                        // it is good, and it is time to ask for another
	TokenOver                       // it has expired, or is not kept yet: another has to be asked for
	TokenSpent                      // it has, or is not, and there is no refresh token to ask with
)

// Of reads what the session keeps. A person whom the provider's answer does not
// describe any more, see ErrUnmapped, has none: it may be somebody else's.
func (a *AccessTokens) Of(s *sessionstore.Session) *AccessToken {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil || kept == nil || s.Unmapped || kept.Access != nil && kept.Access.Token == "" {
		return &AccessToken{none: true}
	}
	t := &AccessToken{renewable: kept.RefreshToken != "", why: whySpent(kept)}
	if kept.Access == nil {
		return t
	}
	t.token = kept.Access.Token
	at := time.UnixMilli(kept.Access.At)
	switch {
	case kept.Access.Until != 0:
		t.until = time.UnixMilli(kept.Access.Until)
	case t.renewable && a.config.RefreshEvery > 0: // it is not said how long it is good
		t.until = at.Add(a.config.RefreshEvery)
	default:
		return t
	}
	t.due = t.until.Add(-min(t.until.Sub(at)/leadPart, maxLead))
	return t
}

// Why there is no token, nor a refresh token to get another one with.
var (
	errTokenExpired = errors.New("it has expired, and there is no refresh token to get another one with")
	errTokenAdopted = errors.New("the person was adopted from another gateway, which hands none over: it comes with their next sign-in here")
	errTokenBefore  = errors.New("the person signed in before a route had upstream_token, and there is no refresh token to get one with: it comes with their next sign-in")
)

// whySpent says why what is kept will come to TokenSpent, if it does.
func whySpent(kept *profile.Kept) error {
	switch {
	case kept.Access != nil:
		return errTokenExpired
	case kept.IDToken == "" && !hasAudience(kept):
		return errTokenAdopted
	}
	return errTokenBefore
}

// WhySpent says why there is no token where the standing is TokenSpent.
func (t *AccessToken) WhySpent() error { return t.why }

// hasAudience reports whether the claims are of an ID token, which all have an audience
// (OpenID Connect Core 1.0 section 2); long ones are not kept themselves.
func hasAudience(kept *profile.Kept) bool {
	claims, _ := kept.Facts["token"].(map[string]any)
	return claims["aud"] != nil
}

// Standing says what there is to say of the token at that moment.
func (t *AccessToken) Standing(now time.Time) TokenStanding {
	switch {
	case t.none:
		return TokenNone
	case t.At(now) == "" && t.renewable:
		return TokenOver
	case t.At(now) == "":
		return TokenSpent
	case t.renewable && !t.due.IsZero() && !now.Before(t.due):
		return TokenDue
	}
	return TokenGood
}

// At is the token, as long as it has not expired at that moment; else empty.
func (t *AccessToken) At(now time.Time) string {
	if !t.until.IsZero() && !now.Before(t.until) {
		return ""
	}
	return t.token
}

// RenewSoon sets off a refresh of the session, as RefreshIfDue does.
func (a *AccessTokens) RenewSoon(s *sessionstore.Session, now time.Time) { a.refresher.note(s, now) }

// Renew is Sessions.Refresh for a request that needs the token. When the sources
// gave no answer a moment ago they are not asked, and the error is that of then.
func (a *AccessTokens) Renew(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	return a.config.Vouching.served(a.refresher.renew(ctx, s))
}
