package caddymodule

import (
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
)

func init() {
	caddy.RegisterModule(new(OIDCLogin))
}

// OIDCLogin signs people in through an OpenID provider: authorization code
// with PKCE. Any number of them may be configured, each under its own name.
// The redirect URI to register there is <origin><base_path>/callback/<name>.
type OIDCLogin struct {
	// ProviderName is the login's name, a part of its addresses. Required.
	ProviderName string `json:"name,omitempty"`
	// Label is what the button on the login page says after "Continue with".
	// Default: the name.
	Label string `json:"label,omitempty"`
	// Icon is a picture file, SVG, PNG, JPEG or WebP, of at most 64 KiB, that the
	// button has. Placeholders {env.*} and {file.*} are resolved.
	Icon string `json:"icon,omitempty"`
	// Issuer is the provider's issuer, exactly as the provider writes it.
	// Required.
	Issuer string `json:"issuer,omitempty"`
	// Discovery is the address of the discovery document where it is not below
	// the issuer. Placeholders {env.*} and {file.*} are resolved.
	Discovery string `json:"discovery,omitempty"`
	// SignOutAt is where browsers go that sign out, for a provider without a
	// standard place: a URL whose query may have {client_id}, {redirect_uri},
	// {id_token} and {logout_hint} in it. Default: what the provider says.
	SignOutAt string `json:"end_session,omitempty"`
	// NoUserInfo asks no UserInfo endpoint, and NoPKCE sends no code challenge
	// and verifier.
	NoUserInfo bool `json:"no_userinfo,omitempty"`
	NoPKCE     bool `json:"no_pkce,omitempty"`
	// ResponseMode is how the provider's answer comes: query, in the address of
	// the callback, or form_post, in a form that the browser posts there, for
	// those that demand it. Default: query.
	ResponseMode string `json:"response_mode,omitempty"`
	// ClientID and ClientSecret are what the provider knows this gateway by.
	// Placeholders {env.*} and {file.*} are resolved.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientAuth is client_secret_basic, client_secret_post, private_key_jwt
	// or none. Default: client_secret_basic, or client_secret_post where the
	// provider lists that alone of the two; none without a client_secret.
	ClientAuth string `json:"client_auth,omitempty"`
	// ClientKey is a PEM file with the private key of private_key_jwt, and
	// ClientKeyID the name that the provider has for its public half.
	ClientKey   string `json:"client_key,omitempty"`
	ClientKeyID string `json:"client_key_id,omitempty"`
	// Scopes are asked for. Default: openid, email, profile.
	Scopes []string `json:"scopes,omitempty"`
	// AuthParams are further parameters of the authorization request.
	AuthParams []AuthParam `json:"auth_params,omitempty"`
	// ACRValues are asked for, and one of them is then required.
	ACRValues []string `json:"acr_values,omitempty"`
	// MaxAge is how long ago the person may have signed in at the provider;
	// 0 makes them sign in anew each time. Default: any time.
	MaxAge *caddy.Duration `json:"max_age,omitempty"`
	// TrustUnverifiedEmail accepts an email address that the provider has not
	// verified: whoever may choose theirs there can then be anybody here.
	TrustUnverifiedEmail bool `json:"trust_unverified_email,omitempty"`
	// CA is a PEM file with the authorities that vouch for the provider.
	// Default: those of the system.
	CA string `json:"ca,omitempty"`

	EmailConfig
	MapConfig

	*oidc.Login `json:"-"`

	asked  string       // the issuer, resolved
	icon   template.URL // the Icon, as an address of itself
	placed map[string]directive.Position
	logger *zap.Logger
}

// AuthParam is one parameter of an authorization request.
type AuthParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// oidcVariables are what a provider speaks of in expressions.
var oidcVariables = []string{"token", "access_token"}

// CaddyModule returns the Caddy module information.
func (*OIDCLogin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.logins.oidc",
		New: func() caddy.Module { return new(OIDCLogin) },
	}
}

// Provision checks the configuration. It touches no network: the provider is
// asked when the first person signs in.
func (o *OIDCLogin) Provision(ctx caddy.Context) error {
	o.logger = ctx.Logger()
	return o.provision()
}

func (o *OIDCLogin) provision() error {
	if err := checkName("login oidc", o.ProviderName); err != nil {
		return err
	}
	if err := o.makeReady(); err != nil {
		return fmt.Errorf("login oidc %s: %w", o.ProviderName, err)
	}
	return nil
}

func (o *OIDCLogin) makeReady() error {
	config, err := o.config()
	if err != nil {
		return err
	}
	mapper, err := o.compile(oidcVariables...)
	if err != nil {
		return err
	}
	if mapper != nil {
		config.Mapper, config.ReadsAccessToken = mapper, mapper.ReadsAny("access_token")
	}
	o.Login, err = oidc.New(config)
	return err
}

func (o *OIDCLogin) config() (c oidc.Config, err error) {
	c = oidc.Config{
		Name:                 o.ProviderName,
		AuthMethod:           o.ClientAuth,
		KeyID:                o.ClientKeyID,
		Scopes:               o.Scopes,
		ACRValues:            o.ACRValues,
		MaxAge:               (*time.Duration)(o.MaxAge),
		TrustUnverifiedEmail: o.TrustUnverifiedEmail,
		EndSession:           o.SignOutAt,
		NoUserInfo:           o.NoUserInfo,
		NoPKCE:               o.NoPKCE,
		FormPost:             o.postsBack(),
		Notice:               o.notice,
		Now:                  time.Now,
	}
	if o.ResponseMode != "" {
		if err := directive.OneOf("response_mode", o.ResponseMode, responseQuery, responseFormPost); err != nil {
			return c, err
		}
	}
	switch {
	case o.Issuer == "" && o.ClientID == "":
		return c, errors.New("issuer and client_id are required, and missing")
	case o.Issuer == "":
		return c, errors.New("issuer is required, and missing: the provider's URL, as its discovery document names it")
	case o.ClientID == "":
		return c, errors.New("client_id is required, and missing: register a client at the provider and give its id")
	case manyIssuers.MatchString(o.Issuer):
		return c, errors.New("issuer has a placeholder in it, such as {tenantid}, which stands for many issuers: give that of your own tenant")
	case o.Issuer != strings.TrimSpace(o.Issuer):
		return c, errors.New("issuer begins or ends with a blank: take it away")
	case o.Discovery != strings.TrimSpace(o.Discovery):
		return c, errors.New("discovery begins or ends with a blank: take it away")
	}
	if c.Issuer, err = resolve(o.Issuer); err != nil {
		return c, fmt.Errorf("issuer: %w", err)
	}
	o.asked = c.Issuer
	if o.Discovery != "" {
		if c.Discovery, err = resolve(o.Discovery); err != nil {
			return c, fmt.Errorf("discovery: %w", err)
		}
	}
	if c.ClientID, err = resolve(o.ClientID); err != nil {
		return c, fmt.Errorf("client_id: %w", err)
	}
	for _, p := range o.AuthParams {
		c.AuthParams = append(c.AuthParams, [2]string{p.Name, p.Value})
	}
	if c.RootCAs, err = readAuthorities(o.CA); err != nil {
		return c, err
	}
	if o.icon, err = readPicture(o.Icon); err != nil {
		return c, fmt.Errorf("icon: %w", err)
	}
	return c, o.clientCredentials(&c)
}

// manyIssuers is a placeholder as providers write it in what stands for the issuers
// of all their tenants; ours have a dot in them.
var manyIssuers = regexp.MustCompile(`\{[^{}.]*\}`)

// How a provider's answer comes back.
const (
	responseQuery    = "query"
	responseFormPost = "form_post"
)

func (o *OIDCLogin) postsBack() bool { return o.ResponseMode == responseFormPost }

// notice logs what is odd at the provider.
func (o *OIDCLogin) notice(what error) {
	o.logger.Warn("something is odd at a provider", zap.String("login", o.ProviderName), zap.Error(what))
}

// clientCredentials reads what proves to the provider who this gateway is.
func (o *OIDCLogin) clientCredentials(c *oidc.Config) (err error) {
	if o.ClientSecret != "" {
		if c.ClientSecret, err = resolve(o.ClientSecret); err != nil {
			return fmt.Errorf("client_secret: %w", err)
		}
	}
	if o.ClientKey != "" {
		if c.PrivateKey, err = readPrivateKey(o.ClientKey); err != nil {
			return fmt.Errorf("client_key: %w", err)
		}
	}
	if c.AuthMethod == "" {
		switch {
		case c.PrivateKey != nil:
			c.AuthMethod = oidc.AuthPrivateKeyJWT
		case c.ClientSecret == "":
			c.AuthMethod = oidc.AuthNone
		}
	}
	return nil
}

// Interface guards
var (
	_ LoginModule           = (*OIDCLogin)(nil)
	_ caddy.Provisioner     = (*OIDCLogin)(nil)
	_ caddyfile.Unmarshaler = (*OIDCLogin)(nil)

	_ endpoint.ProviderMethod = (*OIDCLogin)(nil)
	_ login.Rebuilder         = (*OIDCLogin)(nil)
	_ login.Recaller          = (*OIDCLogin)(nil)
)
