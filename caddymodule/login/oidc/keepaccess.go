package oidc

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

// KeepAccessToken has sessions keep the provider's access token, for a route that
// sends it to its upstream, from the next sign-in or refresh on. Without it none is
// kept: what nobody needs is not there to be taken.
func (l *Login) KeepAccessToken() { l.keepsAccess.Store(true) }

// keepAccess puts the access token of an answer that was checked into what is kept,
// where sessions keep it. One that cannot be kept stops nobody.
func (l *Login) keepAccess(kept *profile.Kept, t tokens) {
	kept.Access = nil
	if !l.keepsAccess.Load() {
		return
	}
	kept.Access = profile.NewAccessToken(t.Access, t.At, t.Life)
	if err := checkKeepable(kept); err != nil {
		kept.Access = new(profile.AccessToken)
		l.notice.once("kept access token", err)
	}
}

// leaveAccess drops one that no route sends any more.
func (l *Login) leaveAccess(kept *profile.Kept) {
	if !l.keepsAccess.Load() {
		kept.Access = nil
	}
}

// checkKeepable refuses an access token that cannot be kept, or cannot stand in a
// header (RFC 6750 section 2.1): a line break in one would begin another header.
func checkKeepable(kept *profile.Kept) error {
	token := kept.Access.Token
	if len(token) > profile.MaxAccessToken {
		return fmt.Errorf("the access token of some people has more than %d bytes and is not kept, so upstream_token sends them none: "+
			"have the provider put less into it (fewer roles or groups, a narrower scope), or give out opaque tokens", profile.MaxAccessToken)
	}
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return errors.New("the access token of some people has characters in it that cannot stand in a header, so upstream_token sends them none: " +
			"have the provider give out tokens of letters, digits and -._~+/=")
	}
	if _, err := kept.Encode(); err != nil {
		return fmt.Errorf("the access token of some people is not kept, so upstream_token sends them none: beside it %w", err)
	}
	return nil
}

// maxLife bounds what is believed of a token's life.
const maxLife = 10 * 365 * 24 * time.Hour

// lifeOf reads expires_in (RFC 6749 section 5.1), which some providers write as a
// text. What is no time to come says nothing.
func lifeOf(value any) time.Duration {
	seconds, ok := value.(float64)
	if text, isText := value.(string); isText {
		n, err := strconv.ParseFloat(text, 64)
		seconds, ok = n, err == nil
	}
	if !ok || !(seconds > 0) || math.IsInf(seconds, 0) {
		return 0
	}
	return time.Duration(min(seconds, maxLife.Seconds()) * float64(time.Second))
}
