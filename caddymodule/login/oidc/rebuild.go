package oidc

import (
	"context"
	"errors"
	"net/url"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Rebuild says anew who the session's person is. With a refresh token it asks
// the provider, once; without, it maps the claims of the sign-in again. The
// person's Kept is what the session has to keep from then on.
//
// login.ErrRefused is the provider's definite "no" (invalid_grant). An error
// that is a *Rotated carries a new refresh token, which the caller must write
// into the session although the rebuild failed. A *profile.Unmapped says that
// what came, verified, tells of no person that could be built. An answer that
// cannot be verified is no answer: it is trouble, like every other error.
//
// The caller sees to it that one session is rebuilt by one gateway at a time:
// a refresh token that is used twice looks stolen. Once sent, the request is
// not given up when ctx ends: its answer may hold the only good token.
func (l *Login) Rebuild(ctx context.Context, s *sessionstore.Session) (*profile.Person, error) {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil {
		return nil, &profile.Unmapped{Err: err}
	}
	before, err := l.keptClaims(kept)
	if err != nil {
		return nil, err
	}
	if kept.RefreshToken == "" {
		l.leaveAccess(kept)
		return l.remap(kept, s)
	}
	m, err := l.discover(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	t, err := l.refresh(context.WithoutCancel(ctx), kept.RefreshToken)
	rotated := *kept
	if t.Refresh != "" {
		rotated.RefreshToken = t.Refresh
	}
	var person *profile.Person
	if err == nil {
		person, err = l.refreshed(ctx, m, t, rotated, before, s)
	}
	if err != nil && rotated.RefreshToken != kept.RefreshToken {
		return nil, &Rotated{Kept: &rotated, Err: err}
	}
	return person, err
}

// Recall maps the claims that the session keeps. The provider may know more by
// now when there is a refresh token to ask it with.
func (l *Login) Recall(s *sessionstore.Session) (p *profile.Person, whole bool, err error) {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil {
		return nil, false, &profile.Unmapped{Err: err}
	}
	if _, err := l.keptClaims(kept); err != nil {
		return nil, false, err
	}
	p, err = l.remap(kept, s)
	return p, kept.RefreshToken == "", err
}

// keptClaims are those that the session keeps. Of whom another provider has
// signed in, by a login of the same name, this one can say nothing: a subject is
// one of its issuer (OpenID Connect Core 1.0 section 5.7), and so is a refresh
// token.
func (l *Login) keptClaims(kept *profile.Kept) (claims, error) {
	var c claims
	if kept != nil {
		c, _ = kept.Facts[factToken].(map[string]any)
	}
	if c.text("sub") == "" {
		return nil, &profile.Unmapped{Err: errors.New("the session keeps no claims of its sign-in: it was not made by this login")}
	}
	if issuer := c.text("iss"); issuer != "" && issuer != l.config.Issuer {
		return nil, &profile.Refused{Why: "the person was signed in by another provider, " + issuer}
	}
	return c, nil
}

// refresh is RFC 6749 section 6.
func (l *Login) refresh(ctx context.Context, refreshToken string) (tokens, error) {
	t, err := l.grant(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	if errors.Is(err, errInvalidGrant) {
		return tokens{}, because(login.ErrRefused, "the provider has ended the session that its refresh token stood for")
	}
	return t, err
}

// refreshed makes the person of a refresh's answer. kept is a copy of what the
// session kept, with the new refresh token; before are the claims until now.
func (l *Login) refreshed(
	ctx context.Context, m *metadata, t tokens, kept profile.Kept, before claims, s *sessionstore.Session,
) (*profile.Person, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	info, err := l.userInfo(ctx, m, t.Access, before.text("sub"))
	if err != nil {
		return nil, err
	}
	idToken := idTokenOf(&kept, before)
	now := merge(info, idToken)
	if t.ID != "" {
		idToken, err = l.openIDToken(ctx, t.ID, t.Access)
		if err != nil {
			return nil, err
		}
		if err := checkSuccessor(idToken, before); err != nil {
			return nil, &profile.Unmapped{Err: err}
		}
		kept.IDToken = l.hint(t.ID)
		now = merge(idToken, info)
	}
	kept.Facts = l.withAccessToken(ctx, kept.Facts.With(factToken, map[string]any(now)), t.Access, now.text("sub"))
	l.keepAccess(&kept, t)
	person, err := l.remap(&kept, s)
	if errors.Is(err, ErrUnvouched) {
		err = &profile.Unmapped{Err: aboutAnother(err, idToken, info)}
	}
	return person, err
}

// idTokenOf are the claims of the ID token that the session keeps, verified
// when it came. Without new ID token they stay, below what userinfo says now:
// a claim that is gone from userinfo is not to linger. All claims, when the ID
// token was too long to be kept.
func idTokenOf(kept *profile.Kept, before claims) claims {
	parts, err := split(kept.IDToken, maxKeptIDToken)
	if err != nil {
		return before
	}
	c, err := decodeClaims(parts.payload)
	if err != nil {
		return before
	}
	_ = c.tidySession() // it was told when the token came
	return c
}

// checkSuccessor holds a new ID token to the first one (OpenID Connect Core
// 1.0 section 12.2).
func checkSuccessor(idToken, before claims) error {
	if idToken.text("sub") != before.text("sub") {
		return flawed("is of another subject than the session")
	}
	_, there := idToken["nonce"]
	if _, had := before["nonce"]; there && had && idToken.text("nonce") != before.text("nonce") {
		return flawed("has another nonce than that of the sign-in")
	}
	return nil
}

// remap maps the kept claims. The provider's name for its session stays when
// the new claims do not tell it.
func (l *Login) remap(kept *profile.Kept, s *sessionstore.Session) (*profile.Person, error) {
	person, err := l.person(kept)
	if errors.Is(err, ErrNoEmail) || errors.Is(err, ErrUnverified) || errors.Is(err, ErrUnvouched) {
		err = &profile.Unmapped{Err: err}
	}
	if err == nil && person.SourceSession == "" {
		person.SourceSession = s.SourceSession
	}
	return person, err
}
