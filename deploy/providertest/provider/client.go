package provider

import (
	"cmp"
	"crypto"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Client is an app that people sign in to. Every client must use PKCE with
// S256 (RFC 9700 section 2.1.1).
type Client struct {
	// ID is the client_id. Required.
	ID string
	// Secret is for client_secret_basic and client_secret_post; both are taken
	// of every client that has one. Without Secret and PublicKey the client is
	// a public one (none).
	Secret string
	// PublicKey makes it a private_key_jwt client: RSA, or ECDSA on P-256. The
	// assertion's kid may be any, its aud must contain the issuer.
	PublicKey crypto.PublicKey
	// RedirectURIs and PostLogoutRedirectURIs are compared byte by byte.
	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	// BackChannelLogoutURI is told when a session ends that the client has a
	// part in. Empty: the client is not told.
	BackChannelLogoutURI string
	// ClaimsOnlyInUserInfo keeps the person's claims out of the ID token, as
	// the specification has it where there is an access token.
	ClaimsOnlyInUserInfo bool
	// ReadableAccessTokens makes its access tokens JWTs, as Keycloak does.
	ReadableAccessTokens bool
}

// SetClient adds the client, or changes it.
func (p *Provider) SetClient(client Client) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	client.RedirectURIs = slices.Clone(client.RedirectURIs)
	client.PostLogoutRedirectURIs = slices.Clone(client.PostLogoutRedirectURIs)
	p.store.clients[client.ID] = client
}

// registered is a Client as the library asks it.
type registered struct {
	Client
	issuer      string
	idTokenLife time.Duration
}

func (c registered) GetID() string                       { return c.ID }
func (c registered) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c registered) PostLogoutRedirectURIs() []string    { return c.Client.PostLogoutRedirectURIs }
func (c registered) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c registered) IDTokenLifetime() time.Duration      { return c.idTokenLife }
func (c registered) ClockSkew() time.Duration            { return 0 }

func (c registered) AccessTokenType() op.AccessTokenType {
	if c.ReadableAccessTokens {
		return op.AccessTokenTypeJWT
	}
	return op.AccessTokenTypeBearer
}

// DevMode lets public clients redirect to http, which on loopback they must.
func (c registered) DevMode() bool { return true }

func (c registered) AuthMethod() oidc.AuthMethod {
	switch {
	case c.PublicKey != nil:
		return oidc.AuthMethodPrivateKeyJWT
	case c.Secret != "":
		return oidc.AuthMethodBasic
	default:
		return oidc.AuthMethodNone
	}
}

func (c registered) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c registered) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

func (c registered) LoginURL(requestID string) string {
	return c.issuer + signInPath + "?id=" + url.QueryEscape(requestID)
}

func (c registered) IsScopeAllowed(string) bool           { return true }
func (c registered) IDTokenUserinfoClaimsAssertion() bool { return !c.ClaimsOnlyInUserInfo }

//nolint:revive,staticcheck // the library spells it so
func (c registered) RestrictAdditionalIdTokenScopes() func([]string) []string { return same }

func (c registered) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

// clientOf finds a client. The store is not locked.
func (s *store) clientOf(id string) (registered, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client, ok := s.clients[id]
	return registered{client, s.issuer, cmp.Or(s.config.IDTokenLife, time.Minute)}, ok
}
