package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/sidegate/caddymodule/profile"
)

// userInfo asks the UserInfo endpoint, if there is one, what it knows of the
// person (OpenID Connect Core 1.0 section 5.3). Its answer must be about the
// ID token's subject: else an access token of somebody else, slipped in, would
// give their claims away.
func (l *Login) userInfo(ctx context.Context, m *metadata, accessToken, subject string) (claims, error) {
	if m.UserInfo == "" || l.config.NoUserInfo {
		return nil, nil
	}
	a, err := l.get(ctx, "the userinfo endpoint", m.UserInfo, accessToken)
	if err != nil {
		return nil, err
	}
	c, err := l.readUserInfo(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := checkSubject(c, subject); err != nil {
		return nil, &profile.Unmapped{Err: because(ErrProvider, "the userinfo endpoint answers %w", err)}
	}
	return c, nil
}

// checkSubject demands that the claims are about the subject. That the answer has
// none, or one of another type, is no reason to let it pass.
func checkSubject(c claims, subject string) error {
	switch sub, there := c["sub"]; {
	case !there:
		return errors.New("without sub, so about nobody: is it a UserInfo endpoint of OpenID Connect? Otherwise say `userinfo off`")
	case c.text("sub") == "":
		return fmt.Errorf("with a sub that is a %s and not a text: have the provider mend it, or say `userinfo off`", jsonType(sub))
	case c.text("sub") != subject:
		return errors.New("about another subject than the ID token")
	}
	return nil
}

// jsonType is what JSON calls the type of a claim.
func jsonType(claim any) string {
	switch claim.(type) {
	case string:
		return "text (an empty one)"
	case bool:
		return "truth value"
	case int64, uint64, float64:
		return "number"
	case []any:
		return "list"
	}
	return "object"
}

// readUserInfo reads JSON, or a signed JWT where the client is registered for
// that (section 5.3.2): then iss and aud, if given, must be right.
func (l *Login) readUserInfo(ctx context.Context, a answer) (claims, error) {
	if a.mediaType != "application/jwt" {
		c, err := decodeClaims(a.body)
		if err != nil {
			return nil, because(ErrProvider, "the userinfo endpoint's answer %w", err)
		}
		return c, nil
	}
	token, err := l.open(ctx, string(a.body), maxAnswer, "jwt")
	if err != nil {
		return nil, err
	}
	if c := token.claims; c["iss"] != nil && c.text("iss") != l.config.Issuer ||
		c["aud"] != nil && !slices.Contains(c.audience(), l.config.ClientID) {
		return nil, because(ErrProvider, "the userinfo endpoint's answer is of another issuer or for another client")
	}
	return token.claims, nil
}
