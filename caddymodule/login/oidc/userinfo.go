package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/profile"
)

// userInfo asks the UserInfo endpoint, if there is one, what it knows of the
// person (OpenID Connect Core 1.0 section 5.3). Its answer must be about the
// ID token's subject: else an access token of somebody else, slipped in, would
// give their claims away.
func (l *Login) userInfo(ctx context.Context, m *metadata, accessToken, subject string) (claims, error) {
	c, there, err := l.askUserInfo(ctx, m, accessToken)
	if now := l.elsewhere(ctx, err, m, func(m *metadata) string { return m.UserInfo }); now != nil {
		c, there, err = l.askUserInfo(ctx, now, accessToken)
	}
	if err != nil || !there {
		return nil, err
	}
	if err := checkSubject(c, subject); err != nil {
		return nil, &profile.Unmapped{Err: because(ErrProvider, "the userinfo endpoint answers %w", err)}
	}
	return c, nil
}

// askUserInfo asks; there is false when there is nobody to ask.
func (l *Login) askUserInfo(ctx context.Context, m *metadata, accessToken string) (c claims, there bool, err error) {
	if m.UserInfo == "" || l.config.NoUserInfo {
		return nil, false, nil
	}
	a, err := l.get(ctx, theUserInfo, m.UserInfo, accessToken)
	if err != nil {
		return nil, true, err
	}
	c, err = l.readUserInfo(ctx, a)
	return c, true, err
}

// checkSubject demands that the claims are about the subject. That the answer has
// none, or one of another type, is no reason to let it pass.
func checkSubject(c claims, subject string) error {
	switch sub, there := c["sub"]; {
	case !there:
		return errors.New("without sub, so about nobody: is it a UserInfo endpoint of OpenID Connect? Otherwise say `userinfo off`")
	case c.text("sub") == "":
		return fmt.Errorf("with a sub that is %s and names nobody: have the provider mend it, or say `userinfo off`", inJSON(sub))
	case strings.EqualFold(c.text("sub"), subject) && c.text("sub") != subject:
		return errors.New("about another subject than the ID token: its sub differs in upper and lower case alone, and must be the same to the letter; " +
			"have the provider mend it, or say `userinfo off`")
	case c.text("sub") != subject:
		return errors.New("about another subject than the ID token")
	}
	return nil
}

// readUserInfo reads JSON, or a signed JWT where the client is registered for
// that (section 5.3.2): then iss and aud, if given, must be right.
func (l *Login) readUserInfo(ctx context.Context, a answer) (claims, error) {
	if a.mediaType != "application/jwt" {
		c, err := decodeClaims(withoutMark(a.body))
		if err != nil {
			return nil, &moved{because(ErrProvider, "the userinfo endpoint's answer %w", err), false}
		}
		return c, nil
	}
	token, err := l.open(ctx, string(a.body), maxAnswer, "jwt")
	if err != nil {
		return nil, err
	}
	switch c := token.claims; {
	case c["iss"] != nil && c.text("iss") != l.config.Issuer:
		return nil, because(ErrProvider, "the userinfo endpoint's answer %w", otherIssuer(c["iss"], l.config.Issuer))
	case c["aud"] != nil && !slices.Contains(c.audience(), l.config.ClientID):
		return nil, because(ErrProvider, "the userinfo endpoint's answer is for another client: it does not have this client_id in its aud")
	}
	return token.claims, nil
}
