package caddymodule

import (
	"fmt"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/token"
)

const (
	defaultTokenTTL = 10 * time.Minute
	defaultIssuer   = "sidegate"
	minTokenTTL     = time.Minute
)

// TokenConfig shapes the tokens that the gateway signs.
type TokenConfig struct {
	// Issuer is the iss claim of every token. Default: public_url, else "sidegate".
	Issuer string `json:"issuer,omitempty"`
	// TTL is how long the token lives that a cookie caller reads in
	// GET /auth/session; at least 1m. Default: 10m.
	TTL caddy.Duration `json:"ttl,omitempty"`
	// Algorithm is ES256, EdDSA or RS256. Default: ES256.
	Algorithm string `json:"algorithm,omitempty"`
	// SigningKeys are PEM files of private keys: the first signs, all verify.
	// Default: keys derived from the secrets (RS256 cannot be derived).
	SigningKeys []string `json:"signing_keys,omitempty"`
}

func (c *TokenConfig) words() map[string]option {
	return map[string]option{"token": c.parse}
}

// provision needs the public URL as browsers write it, and the secrets.
func (c *TokenConfig) provision(_ caddy.Context, a *App) error {
	c.setDefaults(a.PublicURL)
	if len(a.secrets) == 0 {
		return c.validate()
	}
	// Only to tell a wrong secret or signing key now rather than at Start.
	_, err := c.ring(a.secrets, a.now)
	return err
}

func (c *TokenConfig) setDefaults(publicURL string) {
	if c.TTL == 0 {
		c.TTL = caddy.Duration(defaultTokenTTL)
	}
	if c.Issuer == "" {
		c.Issuer = publicURL
	}
	if c.Issuer == "" {
		c.Issuer = defaultIssuer
	}
}

// validate checks the options when there is no secret yet to make a ring of.
func (c *TokenConfig) validate() error {
	_, err := c.ring([]string{"a stand-in of sufficient length for a secret"}, time.Now)
	return err
}

// ring makes the key ring of these secrets.
func (c *TokenConfig) ring(secrets []string, now func() time.Time) (*token.Ring, error) {
	if time.Duration(c.TTL) < minTokenTTL {
		return nil, fmt.Errorf("token ttl %v is too short: give at least %v", time.Duration(c.TTL), minTokenTTL)
	}
	config := token.Config{Secrets: secrets, Algorithm: c.Algorithm, Issuer: c.Issuer, Now: now}
	for _, file := range c.SigningKeys {
		name, err := resolve(file)
		if err != nil {
			return nil, fmt.Errorf("token signing_key: %w", err)
		}
		pem, err := os.ReadFile(name) // #nosec G304 -- the operator names the file
		if err != nil {
			return nil, fmt.Errorf("reading token signing_key: %w", err)
		}
		config.SigningKeys = append(config.SigningKeys, pem)
	}
	return token.NewRing(config)
}

func (c *TokenConfig) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "token", map[string]option{
		"issuer":      text(&c.Issuer),
		"ttl":         duration(&c.TTL),
		"algorithm":   text(&c.Algorithm),
		"signing_key": texts(&c.SigningKeys),
	})
}
