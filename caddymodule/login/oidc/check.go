package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// withDefaults checks the configuration and returns it complete, sharing no
// slice with the caller. Errors repeat no value.
func (c Config) withDefaults() (Config, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "email", "profile"}
	} else if !slices.Contains(c.Scopes, "openid") {
		c.Scopes = append([]string{"openid"}, c.Scopes...)
	}
	c.Scopes, c.ACRValues, c.AuthParams = slices.Clone(c.Scopes), slices.Clone(c.ACRValues), slices.Clone(c.AuthParams)
	for _, check := range []func() error{c.checkIdentity, c.checkClientAuth, c.checkWords, c.checkAuthParams, c.checkDiscovery, c.checkEndSession} {
		if err := check(); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *Config) checkIdentity() error {
	if c.Name == "" {
		return errors.New("the login has no name")
	}
	if c.ClientID == "" {
		return errors.New("client_id is empty: register a client at the provider and give its id")
	}
	if err := checkIssuer(c.Issuer); err != nil {
		return err
	}
	u, err := parseEndpoint(c.Issuer, true)
	if errors.Is(err, errPlain) {
		return fmt.Errorf("issuer %w. Have the provider do TLS, or give its public https issuer, "+
			"and by `discovery` another https address of its document if that one cannot be reached from here", err)
	}
	if err != nil {
		return fmt.Errorf("issuer %w", err)
	}
	if u.RawQuery != "" || u.ForceQuery { // OpenID Connect Discovery 1.0 section 3
		return errors.New("issuer has a query: give the issuer as it is in the provider's discovery document")
	}
	if c.MaxAge != nil && *c.MaxAge < 0 {
		return errors.New("max_age is negative")
	}
	return nil
}

// checkIssuer finds what people take for an issuer and is none, before anybody
// signs in.
func checkIssuer(issuer string) error {
	if at := metadataPath(issuer); at != "" {
		return fmt.Errorf("issuer is the address of a provider's document: leave %s away", at)
	}
	if issuer != strings.TrimSpace(issuer) {
		return errors.New("issuer begins or ends with a blank: take it away")
	}
	if plain, err := url.PathUnescape(issuer); strings.ContainsAny(issuer, "{}") || err == nil && strings.ContainsAny(plain, "{}") {
		return errors.New("issuer has a placeholder in it, such as {tenantid}, which stands for many issuers: give that of your own tenant")
	}
	if own := ofOneTenant(issuer); own != "" {
		return errors.New("issuer is of many tenants, and the tokens there name another: give that of your own, " + own)
	}
	return nil
}

// metadataPath is the end of the address of a document in which a provider
// describes itself, as it is written there; empty for another one.
func metadataPath(address string) string {
	address = strings.TrimSuffix(address, "/")
	for _, end := range []string{wellKnown, "/.well-known/oauth-authorization-server"} {
		if at := len(address) - len(end); at >= 0 && strings.EqualFold(address[at:], end) {
			return end
		}
	}
	return ""
}

// Hosts of Entra ID, and what an issuer of one tenant there looks like.
const publicCloud = "login.microsoftonline.com"

var tenantHosts = map[string]string{
	publicCloud:                        publicCloud,
	"login.windows.net":                publicCloud,
	"login.microsoft.com":              publicCloud,
	"login-us.microsoftonline.com":     publicCloud,
	"sts.windows.net":                  publicCloud,
	"login.microsoftonline.us":         "login.microsoftonline.us",
	"login.microsoftonline.de":         "login.microsoftonline.de",
	"login.partner.microsoftonline.cn": "login.partner.microsoftonline.cn",
	"login.chinacloudapi.cn":           "login.partner.microsoftonline.cn",
}

// ofOneTenant knows the addresses of Entra ID whose discovery document names
// "{tenantid}" or another issuer, and says what to give in their place; empty for
// another address.
func ofOneTenant(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := tenantHosts[strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))]
	first, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	if host == "" || !slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(first)) {
		return ""
	}
	return "https://" + host + "/<tenant id>/v2.0"
}

func (c *Config) checkDiscovery() error {
	if c.Discovery == "" {
		return nil
	}
	if c.Discovery != strings.TrimSpace(c.Discovery) {
		return errors.New("discovery begins or ends with a blank: take it away")
	}
	if _, err := parseEndpoint(c.Discovery, strings.HasPrefix(strings.ToLower(c.Issuer), "http:")); err != nil {
		return fmt.Errorf("discovery %w", err)
	}
	if own := ofOneTenant(c.Discovery); own != "" {
		return errors.New("discovery is of many tenants, and what is there is of none of their issuers: leave it away, and give as issuer " + own)
	}
	return nil
}

func (c *Config) checkClientAuth() error {
	switch c.AuthMethod {
	case AuthBasic, AuthPost, "":
		if c.ClientSecret == "" {
			return fmt.Errorf("client_auth %s needs a client_secret: give one, or `client_auth %s` for a public client", cmp.Or(c.AuthMethod, AuthBasic), AuthNone)
		}
	case AuthPrivateKeyJWT:
		_, err := signingAlgorithm(c.PrivateKey, nil)
		return err
	case AuthNone:
		if c.ClientSecret != "" { // a secret that is never sent is a mistake
			return fmt.Errorf("client_auth %s is for clients without a client_secret: leave one of them out", AuthNone)
		}
	default:
		return fmt.Errorf("client_auth is not one of %s, %s, %s, %s", AuthBasic, AuthPost, AuthPrivateKeyJWT, AuthNone)
	}
	return nil
}

// checkWords checks what is sent as a list with spaces between.
func (c *Config) checkWords() error {
	for i, word := range slices.Concat(c.Scopes, c.ACRValues) {
		option := "scopes"
		if i >= len(c.Scopes) {
			option = "acr_values"
		}
		if word == "" || strings.ContainsFunc(word, notInWord) {
			return fmt.Errorf("%s: %s is empty or holds a space, quote, backslash or a character beyond ASCII", option, shown(word))
		}
	}
	return nil
}

// notInWord is what a scope may not hold (RFC 6749 section 3.3).
func notInWord(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }

// ownParams are the protocol's: one of them from the configuration would
// switch a check of ours off, or send the answer elsewhere.
var ownParams = []string{
	"response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "code_verifier", "request", "request_uri",
}

func (c *Config) checkAuthParams() error {
	for _, param := range c.AuthParams {
		if err := CheckAuthParam(param[0]); err != nil {
			return err
		}
	}
	return nil
}

// CheckAuthParam refuses the name of a parameter that Config.AuthParams may not have.
func CheckAuthParam(name string) error {
	switch name := strings.ToLower(name); {
	case name == "":
		return errors.New("auth_param: it has no name")
	case slices.Contains(ownParams, name):
		return fmt.Errorf("auth_param: %s is the protocol's own and cannot be set", name)
	case name == "max_age" || name == "acr_values":
		// As a parameter it would be a wish that nobody checks the answer for.
		return fmt.Errorf("auth_param: %s has an option of its own, which checks the answer too: use that", name)
	}
	return nil
}

// parseEndpoint accepts an absolute https URL, and http on a loopback host if
// that is allowed. Errors begin with a verb and do not repeat the URL.
func parseEndpoint(raw string, loopback bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, errors.New("is empty")
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("is not an absolute URL")
	case u.User != nil:
		return nil, errors.New("holds a user name or password: remove it")
	case strings.Contains(raw, "#"):
		return nil, errors.New("has a fragment: remove it")
	case u.Scheme == "https", u.Scheme == "http" && loopback && isLoopback(u.Hostname()):
		return u, nil
	}
	// Codes, secrets and tokens go there (OpenID Connect Core 1.0 section 16.17).
	return nil, errPlain
}

var errPlain = errors.New("is not https: plain http is for loopback hosts only")

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
