package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	maxJTI      = 255 // bytes
	// maxLogoutAge bounds how long a jti must be remembered, whatever exp says.
	maxLogoutAge = 24 * time.Hour
)

// LogoutToken is a provider's word that a session of its own has ended.
type LogoutToken struct {
	// Subject and SessionID say whose session, and which; one of them may be
	// empty. Without SessionID it is every session of the subject. With both,
	// it is the sessions that have both.
	Subject   string
	SessionID string
	// JTI names the token. The caller remembers it until Expires and refuses
	// it a second time.
	JTI     string
	Expires time.Time
}

// VerifyLogoutToken checks a logout token as OpenID Connect Back-Channel Logout
// 1.0 section 2.6 demands, but for its replay. ErrInvalidLogoutToken is a
// definite "no" (400); every other error means that the provider's keys could
// not be asked (503), or not yet (ErrNotYet): the token may be good, and a session is
// to end.
func (l *Login) VerifyLogoutToken(ctx context.Context, raw string) (LogoutToken, error) {
	t, err := l.verifyLogoutToken(ctx, raw)
	var bad *flaw
	switch {
	case !errors.As(err, &bad):
		return t, err
	case bad.unsure:
		return LogoutToken{}, because(ErrNotYet, "the logout token %s, as far as can be told", bad.why)
	}
	return LogoutToken{}, because(ErrInvalidLogoutToken, "it %s", bad.why)
}

func (l *Login) verifyLogoutToken(ctx context.Context, raw string) (LogoutToken, error) {
	token, err := l.open(ctx, raw, maxLogoutToken, "logout+jwt", "jwt")
	if err != nil {
		return LogoutToken{}, err
	}
	c := token.claims
	if err := l.checkClaims(ctx, c); err != nil {
		return LogoutToken{}, err
	}
	if err := checkLogout(token); err != nil {
		return LogoutToken{}, err
	}
	exp, _, _ := c.moment("exp")
	iat, _, _ := c.moment("iat")
	last := iat.Add(maxLogoutAge)
	if !l.now().Before(last) {
		return LogoutToken{}, flawed("is older than a day")
	}
	if exp.After(last) {
		exp = last
	}
	return LogoutToken{Subject: c.text("sub"), SessionID: c.text("sid"), JTI: c.text("jti"), Expires: exp}, nil
}

// checkLogout checks what makes a logout token one. An ID token has a nonce
// and no such event: it cannot be passed off as one (section 4).
func checkLogout(token *signed) error {
	c := token.claims
	var all map[string]json.RawMessage // c lacks those that are null
	if err := json.Unmarshal(token.payload, &all); err != nil {
		return flawed("has no claims")
	}
	if _, there := all["nonce"]; there {
		return flawed("has a nonce, as only ID tokens do")
	}
	events, _ := c["events"].(map[string]any)
	if _, ok := events[logoutEvent].(map[string]any); !ok {
		return flawed("has no back-channel logout event")
	}
	// Without it, all sessions of the person would end in the place of one.
	if value, there := c["sid"]; there && c.tidySession() != nil && value != any("") {
		return flawed(fmt.Sprintf("has a sid that is %s, or longer than %d bytes", inJSON(value), maxSubject))
	}
	if c.text("sub") == "" && c.text("sid") == "" {
		return flawed("has neither sub nor sid")
	}
	if jti := c.text("jti"); jti == "" || len(jti) > maxJTI {
		return flawed("has no jti, or one that is too long")
	}
	return nil
}
