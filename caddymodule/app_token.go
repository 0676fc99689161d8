package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
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
	// Off gives nobody a session token, and takes none: for sites whose front end
	// needs none, so that no script can read one. Programs send the cookie then.
	Off bool `json:"off,omitempty"`
	// Audience are origins where tokens are good that a browser has read at
	// whichever site of gateways with the same secret: those of APIs. It is looked
	// at where a token is presented.
	Audience []string `json:"audience,omitempty"`
	// Algorithm is ES256, EdDSA or RS256. Default: ES256.
	Algorithm string `json:"algorithm,omitempty"`
	// SigningKeys are PEM files of private keys: the first signs, all verify.
	// Default: keys derived from the secrets (RS256 cannot be derived).
	SigningKeys []string `json:"signing_keys,omitempty"`

	warned bool // of assertions without an audience
}

func (c *TokenConfig) words() map[string]directive.Option {
	return map[string]directive.Option{"token": directive.Checked(c.parse, c.checkWritten)}
}

// provision needs the public URL as browsers write it, and the secrets.
func (c *TokenConfig) provision(_ caddy.Context, a *App) error {
	c.setDefaults(a.PublicURL)
	if c.Off && len(c.Audience) > 0 {
		return errOffWithAudience
	}
	var err error
	if a.address.Sites.Audience, err = parseOrigins("token audience", c.Audience); err != nil {
		return err
	}
	if len(a.secrets) == 0 {
		return c.validate()
	}
	// Only to tell a wrong secret or signing key now rather than at Start.
	_, err = c.ring(a.secrets, a.now)
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

// checkWritten checks what stands in the block, but for what its files hold.
func (c *TokenConfig) checkWritten() error {
	filled := *c
	filled.setDefaults("")
	if filled.Off && len(filled.Audience) > 0 {
		return errOffWithAudience
	}
	if _, err := parseOrigins("token audience", filled.Audience); err != nil {
		return err
	}
	if len(filled.SigningKeys) > 0 { // of whichever kind, they are read when the configuration is loaded
		filled.SigningKeys = nil
		filled.Algorithm = cmp.Or(map[string]string{"RS256": "ES256"}[filled.Algorithm], filled.Algorithm)
	}
	return filled.validate()
}

var errOffWithAudience = errors.New("token: off gives out no tokens, so none is good at an audience: leave one of them out")

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
		pem, err := readNamed(file)
		if err != nil {
			return nil, fmt.Errorf("token signing_key: %w", err)
		}
		config.SigningKeys = append(config.SigningKeys, pem)
	}
	return token.NewRing(config)
}

// warnUnnamed says once that assertions are for `upstream` too, which is the name
// of every app behind a gateway, and when that ends.
func (c *TokenConfig) warnUnnamed(logger *zap.Logger) {
	if c.warned {
		return
	}
	c.warned = true
	logger.Warn("assertion names no audience: its aud is a list of the site's host and `upstream`, and from 0.3 on the host alone",
		zap.String("remedy", "let the app demand the site's host and say `assertion host`, or name an audience of its own: `assertion <audience>`"))
}

func (c *TokenConfig) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return directive.Block(d, "token", map[string]directive.Option{
		"issuer":      directive.Text(&c.Issuer),
		"ttl":         directive.Duration(&c.TTL),
		"off":         directive.Flag(&c.Off),
		"audience":    directive.Texts(&c.Audience),
		"algorithm":   directive.Choice(&c.Algorithm, "ES256", "EdDSA", "RS256"),
		"signing_key": directive.Files(&c.SigningKeys),
	})
}
