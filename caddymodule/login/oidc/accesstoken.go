package oidc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"example.com/sidegate/caddymodule/profile"
)

// factAccessToken is the name by which expressions know the claims of the access
// token.
const factAccessToken = "access_token"

// withAccessToken adds the access token's claims to the facts, where the mapping
// asks for them; subject is whom the ID token is about. There are none, and the
// operator is told why, once for each reason, of a token that is no JWT or does not
// verify: it is the API's to read, and may be anything (RFC 6749 section 1.4). What
// it said before is not vouched for any longer.
func (l *Login) withAccessToken(ctx context.Context, facts profile.Facts, raw, subject string) profile.Facts {
	if !l.config.ReadsAccessToken {
		return facts
	}
	c, err := l.accessClaims(ctx, raw, subject)
	if !errors.Is(err, errTooSoon) { // what is wrong was told a moment ago
		l.notice.once("access token", err)
	}
	return facts.With(factAccessToken, map[string]any(c))
}

// accessClaims are those of an access token that is a JWT of this issuer, checked
// as an ID token is but for whom it is for: that is an API (RFC 9068 section 4).
func (l *Login) accessClaims(ctx context.Context, raw, subject string) (claims, error) {
	if strings.Count(raw, ".") != 2 {
		return nil, errors.New("the access token is no JWT, so access_token has no claims: the provider may have an option for that")
	}
	token, err := l.open(ctx, raw, maxIDToken, "jwt", "at+jwt")
	if err != nil {
		return nil, fmt.Errorf("access_token has no claims: %w", err)
	}
	c := token.claims
	if c.text("iss") != l.config.Issuer {
		return nil, errors.New("the access token is of the issuer " + shownURL(c.text("iss")) + ", and the configured one is " + shownURL(l.config.Issuer) +
			", so access_token has no claims")
	}
	if exp, _, ok := c.moment("exp"); !ok || !l.now().Before(exp) {
		return nil, errors.New("the access token has no exp or has expired, so access_token has no claims")
	}
	switch nbf, there, ok := c.moment("nbf"); {
	case there && !ok:
		return nil, errors.New("the access token has an nbf that is " + inJSON(c["nbf"]) + " and no date, so access_token has no claims")
	case nbf.After(l.now().Add(leeway)):
		return nil, errors.New("the access token is of the future, its nbf, so access_token has no claims: set the clocks by NTP")
	}
	if err := l.checkClient(c); err != nil {
		return nil, err
	}
	if err := checkAbout(c, subject); err != nil {
		return nil, err
	}
	return c, nil
}

// checkAbout holds an access token to the ID token's person: one of somebody else,
// slipped in, would give their roles away. A logout token is about one, too, and
// anybody may see it.
func checkAbout(c claims, subject string) error {
	switch _, logout := c["events"]; {
	case c.text("sub") != subject:
		return errors.New("the access token has another sub than the ID token, or none, so access_token has no claims")
	case logout:
		return errors.New("the access token is a logout token, so access_token has no claims")
	}
	return nil
}

// checkClient refuses a token that says that another client has it: one that was
// slipped in could give its claims away.
func (l *Login) checkClient(c claims) error {
	for _, name := range []string{"azp", "client_id"} {
		if value, there := c[name]; there && value != any(l.config.ClientID) {
			return errors.New("the access token was issued to another client, its " + name)
		}
	}
	return nil
}
