package oidc

import (
	"context"
	"crypto"
	"crypto/subtle"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
)

const (
	leeway     = 5 * time.Minute // that a provider's clock may be ahead of ours
	maxSubject = 255             // bytes, OpenID Connect Core 1.0 section 2
)

// openIDToken verifies an ID token (OpenID Connect Core 1.0 section 3.1.3.7)
// but for what ties it to an attempt: see checkAttempt.
func (l *Login) openIDToken(ctx context.Context, raw, accessToken string) (claims, error) {
	token, err := l.open(ctx, raw, maxIDToken, "jwt")
	if err != nil {
		return nil, err
	}
	c := token.claims
	if err := l.checkClaims(ctx, c); err != nil {
		return nil, err
	}
	l.notice.once("sid", c.tidySession())
	if err := l.checkAuthorizedParty(c); err != nil {
		return nil, err
	}
	if c.text("sub") == "" {
		return nil, flawed("has no sub")
	}
	return c, c.checkAccessToken(token.alg, accessToken)
}

// checkClaims checks what ID tokens and logout tokens have in common.
func (l *Login) checkClaims(ctx context.Context, c claims) error {
	if c.text("iss") != l.config.Issuer {
		_, _ = l.newest(ctx) // it may say so itself by now
		why := otherIssuer(c["iss"], l.config.Issuer).Error()
		if c["iss"] != nil && c.text("iss") == "" {
			why = "has an iss that " + why
		}
		return flawed(why)
	}
	if !slices.Contains(c.audience(), l.config.ClientID) {
		return &flaw{kind: ErrAudience, why: "does not have this client_id in its aud" + c.audienceIs()}
	}
	value, there := c["sub"]
	if text := c.text("sub"); there && (text == "" || len(text) > maxSubject) {
		return flawed(fmt.Sprintf("has a sub that is %s, and must be a text of 1 to %d bytes", inJSON(value), maxSubject))
	}
	return c.checkTimes(l.now())
}

// tidySession reads sid, which nobody needs to sign in: a number is a name, too, and
// what is no name is left out, which the error tells.
func (c claims) tidySession() error {
	value, there := c["sid"]
	if !there {
		return nil
	}
	switch sid := value.(type) {
	case int64:
		c["sid"] = strconv.FormatInt(sid, 10)
		return nil
	case uint64:
		c["sid"] = strconv.FormatUint(sid, 10)
		return nil
	case string:
		if sid != "" && len(sid) <= maxSubject && !hasControls(sid) {
			return nil
		}
	}
	delete(c, "sid")
	what := inJSON(value)
	if text, _ := value.(string); hasControls(text) {
		what += " with control characters or line breaks in it"
	}
	if len(fmt.Sprint(value)) > maxSubject {
		what += fmt.Sprintf(" of more than %d bytes", maxSubject)
	}
	return fmt.Errorf("the ID token of some people has a sid that is %s and is left out: when the provider ends one session of theirs by its sid, "+
		"it is not known here which", what)
}

// hasControls reports whether there is a character in a text that no session takes
// and nobody means.
func hasControls(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) })
}

// checkTimes gives exp no leeway: a longer life for a token is never what a
// wrong clock should give.
func (c claims) checkTimes(now time.Time) error {
	exp, _, ok := c.moment("exp")
	if !ok {
		return flawed("has no exp, or one that is no date")
	}
	iat, _, ok := c.moment("iat")
	if !ok {
		return flawed("has no iat, or one that is no date")
	}
	nbf, there, ok := c.moment("nbf")
	switch {
	case there && !ok:
		return flawed("has an nbf that is " + inJSON(c["nbf"]) + " and no date")
	case !now.Before(exp):
		return &flaw{kind: ErrClock, why: "has expired already: set the clocks by NTP"}
	case iat.After(now.Add(leeway)), nbf.After(now.Add(leeway)):
		return &flaw{kind: ErrClock, why: fmt.Sprintf("is of more than %v in the future: set the clocks by NTP", leeway)}
	}
	return nil
}

// checkAuthorizedParty demands azp of a token for several, and that it is us:
// another client of the provider must not use the tokens that it gets here.
func (l *Login) checkAuthorizedParty(c claims) error {
	azp, there := c["azp"]
	switch {
	case there && c.text("azp") == "":
		return &flaw{kind: ErrAudience, why: "has an azp that is " + inJSON(azp) + " and names no client: have the provider put this client_id there, or leave azp out"}
	case there && azp != any(l.config.ClientID):
		return &flaw{kind: ErrAudience, why: "was issued to another client, its azp: sign in with a client of this gateway's own"}
	case !there && len(c.audience()) > 1:
		return &flaw{kind: ErrAudience, why: "is for several clients and has no azp: have the provider put this client alone into the ID token's aud " +
			"(an audience mapper adds to the access token only), or add azp"}
	}
	return nil
}

// checkAccessToken checks at_hash where it is given (section 3.1.3.8): the
// access token is the one that was issued with the ID token.
func (c claims) checkAccessToken(alg jose.SignatureAlgorithm, accessToken string) error {
	given, there := c["at_hash"]
	if !there {
		return nil
	}
	digest := digestOf(alg).New()
	digest.Write([]byte(accessToken))
	sum := digest.Sum(nil)
	text, _ := given.(string)
	if text == "" {
		return flawed("has an at_hash that is " + inJSON(given) + " and not a text: have the provider mend it, or leave it out")
	}
	if !equal(text, encoding.EncodeToString(sum[:len(sum)/2])) {
		return flawed("has an at_hash of another access token")
	}
	return nil
}

// digestOf is the hash of the algorithm's name; Ed25519 has SHA-512 in it.
func digestOf(alg jose.SignatureAlgorithm) crypto.Hash {
	switch alg {
	case jose.RS256, jose.PS256, jose.ES256:
		return crypto.SHA256
	case jose.RS384, jose.PS384, jose.ES384:
		return crypto.SHA384
	}
	return crypto.SHA512
}

// checkAttempt ties the ID token to the attempt, and holds the provider to what
// was asked of it: how and when the person proved who they are.
func (l *Login) checkAttempt(c claims, attempt Attempt) error {
	if _, there := c["nonce"]; !there {
		return &flaw{kind: ErrProvider, why: "has no nonce, although one was sent: the provider does not keep to OpenID Connect Core 1.0 section 3.1.2.1, " +
			"or something in between drops it"}
	}
	if !equal(c.text("nonce"), attempt.Nonce) {
		return &flaw{kind: ErrForged, why: "has the nonce of another attempt"}
	}
	if acr := l.config.ACRValues; len(acr) > 0 && !slices.Contains(acr, c.text("acr")) {
		return &flaw{kind: ErrDenied, why: "has an acr that is not among acr_values, or none"}
	}
	if l.config.MaxAge == nil {
		return nil
	}
	at, _, ok := c.moment("auth_time")
	now := l.now()
	switch {
	case !ok:
		return flawed("has no auth_time, which max_age asks for, or one that is no date")
	case at.After(now.Add(leeway)):
		return &flaw{kind: ErrClock, why: "has an auth_time in the future: set the clocks by NTP"}
	case now.Sub(at) > *l.config.MaxAge+leeway:
		return &flaw{kind: ErrDenied, why: "has an auth_time longer ago than max_age"}
	}
	return nil
}

// equal compares secrets in constant time. Nothing equals the empty text.
func equal(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
