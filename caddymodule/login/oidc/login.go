package oidc

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"example.com/sidegate/caddymodule/login"
)

// Login is one provider that people sign in through. It is safe for
// concurrent use.
type Login struct {
	config   Config
	client   *http.Client
	metadata *shared[*metadata]
	keys     *shared[[]publicKey]
	notice   notice
}

// New checks the configuration. It touches no network: the provider is asked
// when the first person signs in, so it may start after the gateway.
func New(config Config) (*Login, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Login{config: config, client: newClient(config), notice: notice{tell: config.Notice}}
	l.metadata = &shared[*metadata]{fetch: l.fetchMetadata, now: config.Now}
	l.keys = &shared[[]publicKey]{fetch: l.fetchKeys, now: config.Now}
	return l, nil
}

// Name is the method's name in the configuration.
func (l *Login) Name() string { return l.config.Name }

func (l *Login) now() time.Time { return l.config.Now() }

// endSessionPatience is how long a sign-out waits for the discovery document.
const endSessionPatience = 2 * time.Second

// EndSession is where to send the browser so that the provider's session ends
// too (OpenID Connect RP-Initiated Logout 1.0 section 2). idToken is the raw
// ID token of the session that ends, or empty; postLogoutRedirect, registered
// at the provider, is where it sends the browser afterwards, or empty.
//
// ok is false when the provider has no such place or does not say within two
// seconds: a sign-out here never waits for the provider.
func (l *Login) EndSession(ctx context.Context, idToken, postLogoutRedirect string) (location string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, endSessionPatience)
	defer cancel()
	m, err := l.discover(ctx)
	if err != nil || m.EndSession == "" {
		return "", false
	}
	query := url.Values{"client_id": {l.config.ClientID}}
	if idToken != "" {
		query.Set("id_token_hint", idToken)
	}
	if postLogoutRedirect != "" {
		query.Set("post_logout_redirect_uri", postLogoutRedirect)
	}
	return withQuery(m.EndSession, query), true
}

var (
	_ login.Method    = (*Login)(nil)
	_ login.Rebuilder = (*Login)(nil)
)
