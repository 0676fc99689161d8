package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// AttemptLifetime is how long a person may take at the provider.
const AttemptLifetime = 10 * time.Minute

// Begin starts a sign-in: location is where to send the browser, and attempt
// what Finish needs when it is back. state is one that nobody can guess, of this
// attempt alone: see AttemptSealer.State. redirectURI is that of this gateway's
// callback, exactly as registered at the provider; returnTo is kept for the
// caller. Errors: ErrUnavailable, ErrProvider.
func (l *Login) Begin(ctx context.Context, state, redirectURI, returnTo string) (location string, attempt Attempt, err error) {
	m, err := l.discover(ctx)
	if err != nil {
		return "", Attempt{}, err
	}
	verifier := newVerifier()
	attempt = Attempt{
		Login: l.config.Name, State: state, Nonce: nonceOf(verifier), Verifier: verifier,
		RedirectURI: redirectURI, ReturnTo: returnTo, Expires: l.now().Add(AttemptLifetime),
	}
	return withQuery(m.Authorization, l.authParams(attempt)), attempt, nil
}

// authParams are those of OpenID Connect Core 1.0 section 3.1.2.1. PKCE goes
// with every request, whether or not the provider says that it knows it (RFC
// 9700 section 2.1.1); without it the nonce still ties the answer to the attempt.
func (l *Login) authParams(attempt Attempt) url.Values {
	challenge := sha256.Sum256([]byte(attempt.Verifier))
	params := url.Values{}
	for _, param := range l.config.AuthParams {
		params.Add(param[0], param[1])
	}
	params.Set("response_type", "code")
	params.Set("client_id", l.config.ClientID)
	params.Set("redirect_uri", attempt.RedirectURI)
	params.Set("scope", strings.Join(l.config.Scopes, " "))
	params.Set("state", attempt.State)
	params.Set("nonce", attempt.Nonce)
	if !l.config.NoPKCE {
		params.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
		params.Set("code_challenge_method", "S256")
	}
	if l.config.FormPost {
		params.Set("response_mode", "form_post")
	}
	if len(l.config.ACRValues) > 0 {
		params.Set("acr_values", strings.Join(l.config.ACRValues, " "))
	}
	if l.config.MaxAge != nil {
		params.Set("max_age", strconv.FormatInt(int64(l.config.MaxAge.Seconds()), 10))
	}
	return params
}

// InLanguages is the location that Begin has given, with what the person reads, the
// wanted first: ui_locales of OpenID Connect Core 1.0 section 3.1.2.1. What the
// configuration says of it goes before. Providers need not heed it.
func InLanguages(location string, tags []string) string {
	at, err := url.Parse(location)
	if err != nil || len(tags) == 0 || at.Query().Has("ui_locales") {
		return location
	}
	return withQuery(location, url.Values{"ui_locales": {strings.Join(tags, " ")}})
}

// random is 256 random bits.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

func newVerifier() string {
	seed := make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails: see crypto/rand
	return verifierOf(seed)
}
