// Package provider is a real OpenID provider for tests: the certified one of
// zitadel/oidc with people, sessions, rotating refresh tokens and back-channel
// logout of its own, on loopback. It asks for no password, misbehaves on
// command and counts what it is asked.
package provider

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/loopback"
)

// Config is how a provider begins. The zero value is one without people and
// clients on a free port.
type Config struct {
	// Address is host:port of loopback. Default: a free port.
	Address string
	// Path is the issuer's path, such as /realms/acme. Default: none.
	Path string
	// TLS serves https with a certificate of its own; see CertificatePEM.
	TLS bool
	// Algorithm signs the tokens: RS256 (default), ES256 or EdDSA.
	Algorithm string
	// AccessTokenLife and IDTokenLife are how long those tokens are good.
	// Default: 5 minutes each.
	AccessTokenLife time.Duration
	IDTokenLife     time.Duration
	// KeepRefreshTokens leaves a refresh token good when it is used, as Google
	// does. Default: each use gives the next one and spends the one before.
	KeepRefreshTokens bool
	// People and Clients are those known from the start.
	People  []Person
	Clients []Client
}

// Endpoint is one of the provider's, where faults can be switched on.
type Endpoint string

// The endpoints. Token and Refresh are one URL: Refresh is what asks there
// with a refresh token, Token everything else.
const (
	Discovery     Endpoint = "discovery"
	Keys          Endpoint = "keys"
	Authorization Endpoint = "authorization"
	Token         Endpoint = "token"
	Refresh       Endpoint = "refresh"
	UserInfo      Endpoint = "userinfo"
	EndSession    Endpoint = "end session"
)

// Provider is a running provider. Its methods may be called at any time.
type Provider struct {
	config Config
	issuer string
	server *loopback.Server
	op     *op.Provider
	store  *store
	points map[Endpoint]*fault.Point
	front  front
}

// Start runs a provider until Close.
func Start(c Config) (*Provider, error) {
	c.AccessTokenLife = cmp.Or(c.AccessTokenLife, 5*time.Minute)
	c.IDTokenLife = cmp.Or(c.IDTokenLife, 5*time.Minute)
	c.Algorithm = cmp.Or(c.Algorithm, "RS256")
	listen := loopback.Listen
	if c.TLS {
		listen = loopback.ListenTLS
	}
	server, err := listen(c.Address)
	if err != nil {
		return nil, fmt.Errorf("starting the provider: %w", err)
	}
	p := &Provider{config: c, server: server, issuer: server.URL() + strings.TrimSuffix(c.Path, "/"), points: make(map[Endpoint]*fault.Point)}
	if err := p.prepare(); err != nil {
		server.Close()
		return nil, fmt.Errorf("starting the provider: %w", err)
	}
	server.Serve(http.StripPrefix(strings.TrimSuffix(c.Path, "/"), p.handler()))
	return p, nil
}

func (p *Provider) prepare() (err error) {
	for _, e := range []Endpoint{Discovery, Keys, Authorization, Token, Refresh, UserInfo, EndSession} {
		p.points[e] = new(fault.Point)
	}
	p.front.responseIssuer = p.issuer
	if p.store, err = newStore(p.config, p.issuer); err != nil {
		return err
	}
	for _, person := range p.config.People {
		p.SetPerson(person)
	}
	for _, client := range p.config.Clients {
		p.SetClient(client)
	}
	settings := &op.Config{
		DefaultLogoutRedirectURI:          p.issuer + signOutPath,
		CodeMethodS256:                    true,
		AuthMethodPost:                    true,
		AuthMethodPrivateKeyJWT:           true,
		GrantTypeRefreshToken:             true,
		BackChannelLogoutSupported:        true,
		BackChannelLogoutSessionSupported: true,
	}
	_, _ = rand.Read(settings.CryptoKey[:]) // never fails
	p.op, err = op.NewProvider(settings, p.store, op.StaticIssuer(p.issuer), op.WithAllowInsecure(),
		op.WithIDTokenHintVerifierOpts(op.WithSupportedIDTokenHintSigningAlgorithms(p.config.Algorithm)))
	p.store.tell = p.tell
	return err
}

// Issuer is the provider's issuer.
func (p *Provider) Issuer() string { return p.issuer }

// CertificatePEM is the certificate to trust; nil without TLS.
func (p *Provider) CertificatePEM() []byte { return p.server.CertificatePEM() }

// At is the endpoint as a place for faults, and its count.
func (p *Provider) At(e Endpoint) *fault.Point { return p.points[e] }

// Down cuts all connections and refuses further ones. Sessions and tokens
// stay.
func (p *Provider) Down() { p.server.Down() }

// Up undoes Down, at the same port.
func (p *Provider) Up() error { return p.server.Up() }

// Close ends the provider.
func (p *Provider) Close() { p.server.Close() }
