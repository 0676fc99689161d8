package oidc

import (
	"crypto"
	"crypto/x509"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

// Ways in which a client shows the token endpoint who it is (OpenID Connect
// Core 1.0 section 9).
const (
	AuthBasic         = "client_secret_basic" // the default
	AuthPost          = "client_secret_post"
	AuthPrivateKeyJWT = "private_key_jwt"
	AuthNone          = "none" // a public client, with nothing but PKCE
)

// Mapper fills a person from what the provider said: facts["token"] holds the
// claims of the ID token and userinfo. It returns *profile.Refused for a
// definite "no".
type Mapper interface {
	Apply(person *profile.Person, facts profile.Facts) error
}

// Config is one provider, and what we are to it.
type Config struct {
	// Name is the method's name in the configuration.
	Name string
	// Issuer is the provider's issuer URL, exactly as the provider writes it.
	// Plain http is for loopback hosts only.
	Issuer string
	// Discovery is the address of the discovery document where that is not the
	// issuer's own. The document must name the issuer all the same. Default: the
	// issuer with /.well-known/openid-configuration (OpenID Connect Discovery 1.0
	// section 4).
	Discovery string
	// EndSession is where browsers go that sign out here, for a provider that has
	// no standard place for it: a URL in which {client_id}, {redirect_uri} (where
	// to come back to), {id_token} and {logout_hint} may stand. Default: what the
	// discovery document says.
	EndSession string
	// NoUserInfo leaves the UserInfo endpoint alone, and NoPKCE the code's
	// challenge and verifier: for providers that answer them with errors.
	NoUserInfo, NoPKCE bool
	// FormPost asks the provider to have the browser post its answer (OAuth 2.0
	// Form Post Response Mode) instead of putting it into the callback's query.
	FormPost bool
	// ReadsAccessToken says that the Mapper looks at facts["access_token"]: the
	// claims of an access token that is a JWT of this issuer.
	ReadsAccessToken bool
	// ClientID and ClientSecret are what the provider knows this gateway by.
	ClientID     string
	ClientSecret string
	// AuthMethod is one of the Auth constants. Default: client_secret_basic, or
	// client_secret_post where the provider's document lists that and not the other.
	AuthMethod string
	// PrivateKey signs the assertions of private_key_jwt: RSA of 2048 bits or
	// more, ECDSA on P-256, P-384 or P-521, or Ed25519. KeyID is the name under
	// which the provider has its public half; it may be empty.
	PrivateKey crypto.Signer
	KeyID      string
	// Scopes are asked for. Default: openid, email, profile. openid is added
	// when it is missing.
	Scopes []string
	// AuthParams are further parameters of the authorization request, as names
	// and values; a name may come several times. Those that the protocol needs
	// for itself are refused.
	AuthParams [][2]string
	// ACRValues are asked for, and then the ID token's acr must be one of them.
	ACRValues []string
	// MaxAge is how long ago the person may have proved who they are to the
	// provider; auth_time is then demanded and checked. Nil means any time,
	// zero means that they must do so now. Whole seconds.
	MaxAge *time.Duration
	// TrustUnverifiedEmail takes an address that the provider does not vouch
	// for. Whoever may choose their address there can then be anybody here.
	TrustUnverifiedEmail bool
	// RootCAs verify the provider's certificate. Nil means those of the system.
	RootCAs *x509.CertPool
	// Mapper fills the person. Nil means none: identity only.
	Mapper Mapper
	// Transport replaces the way to the provider, and RootCAs with it. Nil
	// means a transport of its own.
	Transport http.RoundTripper
	// Notice hears of what is odd at the provider and stops nobody: a key that
	// cannot be used. It holds no credential. Nil means that nobody listens.
	Notice func(error)
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}
