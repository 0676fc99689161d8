package oidc

import (
	"net/http"
	"sync/atomic"
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

	keepsAccess atomic.Bool // see KeepAccessToken
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

var (
	_ login.Method    = (*Login)(nil)
	_ login.Rebuilder = (*Login)(nil)
)
