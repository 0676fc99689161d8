package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"example.com/sidegate/caddymodule/profile"
)

// maxKeptIDToken bounds the ID token that is kept as a hint for the sign-out,
// in bytes: it goes into a URL then.
const maxKeptIDToken = 8 << 10

// Finish ends a sign-in: query is what the browser brought to the callback.
// The person has what the mapping made of the claims, and Kept for Rebuild and
// EndSession. Errors: the sentinels of this package, and those of the Mapper.
//
// An attempt is good for one call: the caller deletes its cookie whatever the
// result, and the provider refuses a code the second time.
func (l *Login) Finish(ctx context.Context, attempt Attempt, query url.Values) (*profile.Person, error) {
	if attempt.Login != l.config.Name {
		return nil, because(ErrForged, "the attempt is for another login")
	}
	if !l.now().Before(attempt.Expires) {
		return nil, because(ErrExpired, "it took longer than %v", AttemptLifetime)
	}
	m, err := l.discover(ctx)
	if err != nil {
		return nil, err
	}
	code, err := l.readCallback(ctx, m, attempt, query)
	if err != nil {
		return nil, err
	}
	t, err := l.exchange(ctx, attempt, code)
	if err != nil {
		return nil, err
	}
	c, err := l.openIDToken(ctx, t.ID, t.Access)
	if err != nil {
		return nil, err
	}
	if err := l.checkAttempt(c, attempt); err != nil {
		return nil, err
	}
	return l.welcome(ctx, m, t, c)
}

// exchange gives the code for tokens (RFC 6749 section 4.1.3, RFC 7636 section
// 4.5).
func (l *Login) exchange(ctx context.Context, attempt Attempt, code string) (tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {attempt.RedirectURI}}
	if !l.config.NoPKCE {
		form.Set("code_verifier", attempt.Verifier)
	}
	t, err := l.grant(ctx, form)
	if errors.Is(err, errInvalidGrant) {
		return tokens{}, because(ErrSpent, "the provider refuses the code, by invalid_grant: it was used before, has expired, or is of another attempt or client; "+
			"where everybody's is refused, see whether this gateway takes long to reach it, and what its log says of the client and its redirect URIs")
	}
	if err == nil {
		err = t.check()
	}
	if err == nil && t.ID == "" {
		err = because(ErrProvider, "the token endpoint gives no ID token: does the client allow the openid scope?")
	}
	return t, err
}

// welcome makes the person of a verified sign-in.
func (l *Login) welcome(ctx context.Context, m *metadata, t tokens, idToken claims) (*profile.Person, error) {
	info, err := l.userInfo(ctx, m, t.Access, idToken.text("sub"))
	if err != nil {
		return nil, err
	}
	known := merge(idToken, info)
	l.notice.once("elsewhere", known.elsewhere())
	facts := profile.Facts{factToken: map[string]any(known)}
	kept := &profile.Kept{
		Facts:        l.withAccessToken(ctx, facts, t.Access, idToken.text("sub")),
		RefreshToken: t.Refresh,
		IDToken:      l.hint(t.ID),
	}
	l.keepAccess(kept, t)
	person, err := l.person(kept)
	return person, aboutAnother(err, idToken, info)
}

// hint is the ID token if it is short enough to be kept.
func (l *Login) hint(raw string) string {
	if len(raw) > maxKeptIDToken {
		l.notice.once("sign-out", fmt.Errorf("the ID token of some people has more than %d bytes and is not kept, so that they sign out at the provider without "+
			"id_token_hint: have it put less in", maxKeptIDToken))
		return ""
	}
	return raw
}
