package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestNewRefuses(t *testing.T) {
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	param := func(name string) func(*oidc.Config) {
		return func(c *oidc.Config) { c.AuthParams = [][2]string{{"prompt", "login"}, {name, "secret-value"}} }
	}
	issuer := func(issuer string) func(*oidc.Config) { return func(c *oidc.Config) { c.Issuer = issuer } }
	key := func(key crypto.Signer) func(*oidc.Config) {
		return func(c *oidc.Config) { c.AuthMethod, c.PrivateKey = oidc.AuthPrivateKeyJWT, key }
	}
	for _, c := range []struct {
		name string
		edit func(*oidc.Config)
		want string
	}{
		{"no name", func(c *oidc.Config) { c.Name = "" }, "no name"},
		{"no client id", func(c *oidc.Config) { c.ClientID = "" }, "client_id is empty"},
		{"no issuer", issuer(""), "issuer is empty"},
		{"an issuer without a scheme", issuer("sso.example.com"), "issuer is not an absolute URL"},
		{"an issuer that is no URL", issuer("https://[::1"), "issuer is not an absolute URL"},
		{"plain http to another host", issuer("http://sso.example.com"), "issuer is not https"},
		{"plain http to a host that only begins like loopback", issuer("http://127.0.0.1.example.com"), "issuer is not https"},
		{"plain http to a host that only ends like localhost", issuer("http://notlocalhost"), "issuer is not https"},
		{"another scheme", issuer("ftp://sso.example.com"), "issuer is not https"},
		{"a password in the issuer", issuer("https://ada:secret-value@sso.example.com"), "user name or password"},
		{"a query in the issuer", issuer("https://sso.example.com/?a=b"), "issuer has a query"},
		{"an empty query in the issuer", issuer("https://sso.example.com/?"), "issuer has a query"},
		{"a fragment in the issuer", issuer("https://sso.example.com/#"), "issuer has a fragment"},
		{"an unknown client authentication", func(c *oidc.Config) { c.AuthMethod = "client_secret_jwt" }, `client_auth is not one of`},
		{"no secret for the default authentication", func(c *oidc.Config) { c.ClientSecret = "" }, "needs a client_secret"},
		{"no secret for client_secret_post", func(c *oidc.Config) { c.AuthMethod, c.ClientSecret = oidc.AuthPost, "" }, "needs a client_secret"},
		{"a secret that is never sent", func(c *oidc.Config) { c.AuthMethod = oidc.AuthNone }, "leave one of them out"},
		{"private_key_jwt without a key", key(nil), "needs a private key"},
		{"a short RSA key", key(shortKey()), "less than 2048 bits"},
		{"a key on a curve without an algorithm", key(p224), "not RSA, ECDSA on P-256"},
		{"a scope of two words", func(c *oidc.Config) { c.Scopes = []string{"email", "a b"} }, `scopes: "a b" is empty or holds a space`},
		{"an empty acr value", func(c *oidc.Config) { c.ACRValues = []string{"gold", ""} }, "acr_values: (none) is empty or holds"},
		{"a negative max_age", func(c *oidc.Config) { d := -time.Second; c.MaxAge = &d }, "max_age is negative"},
		{"a parameter without a name", param(""), "auth_param: it has no name"},
		{"a parameter that would send the answer elsewhere", param("redirect_uri"), "redirect_uri is the protocol's own"},
		{"a parameter that would switch PKCE off", param("code_challenge_method"), "code_challenge_method is the protocol's own"},
		{"a parameter that is the protocol's in another case", param("STATE"), "state is the protocol's own"},
		{"a request object", param("request"), "request is the protocol's own"},
		{"a request object elsewhere", param("request_uri"), "request_uri is the protocol's own"},
		{"another response mode", param("response_mode"), "response_mode is the protocol's own"},
		{"another response type", param("response_type"), "response_type is the protocol's own"},
		{"a nonce", param("nonce"), "nonce is the protocol's own"},
		{"a client id", param("client_id"), "client_id is the protocol's own"},
		{"a scope parameter", param("scope"), "scope is the protocol's own"},
		{"the discovery document's address for an issuer", func(c *oidc.Config) { c.Issuer += "/.well-known/openid-configuration" }, "leave /.well-known/openid-configuration away"},
		{"an issuer of any tenant", func(c *oidc.Config) { c.Issuer = "https://login.microsoftonline.com/common/v2.0" }, "https://login.microsoftonline.com/<tenant id>/v2.0"},
		{"an issuer of many organizations", func(c *oidc.Config) { c.Issuer = "https://login.microsoftonline.us/organizations/v2.0" }, "of many tenants"},
		{"an issuer of any tenant in China", func(c *oidc.Config) { c.Issuer = "https://login.partner.microsoftonline.cn/common" }, "https://login.partner.microsoftonline.cn/<tenant id>/v2.0"},
		{"an issuer of any tenant at the former address", func(c *oidc.Config) { c.Issuer = "https://login.windows.net/common" }, "https://login.microsoftonline.com/<tenant id>/v2.0"},
		{"an issuer of any tenant at the address of tokens", func(c *oidc.Config) { c.Issuer = "https://sts.windows.net/Common/" }, "https://login.microsoftonline.com/<tenant id>/v2.0"},
		{"an issuer of any tenant for governments", func(c *oidc.Config) { c.Issuer = "https://LOGIN.microsoftonline.us./common" }, "https://login.microsoftonline.us/<tenant id>/v2.0"},
		{"an issuer of personal accounts", func(c *oidc.Config) { c.Issuer = "https://login.microsoftonline.com:443//consumers/v2.0" }, "of many tenants"},
		{"an issuer of many organizations at the former address", func(c *oidc.Config) { c.Issuer = "https://login.windows.net/organizations" }, "of many tenants"},
		{"a discovery document of any tenant", func(c *oidc.Config) {
			c.Discovery = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
		}, "discovery is of many tenants"},
		{"the discovery document's address in other letters", func(c *oidc.Config) { c.Issuer += "/.WELL-known/openid-configuration" }, "leave /.well-known/openid-configuration away"},
		{"the address of OAuth's document", func(c *oidc.Config) { c.Issuer += "/.well-known/oauth-authorization-server/" }, "leave /.well-known/oauth-authorization-server away"},
		{"an issuer with a placeholder", func(c *oidc.Config) { c.Issuer = "https://login.microsoftonline.com/{tenantid}/v2.0" }, "your own tenant"},
		{"a discovery document without TLS", func(c *oidc.Config) { c.Discovery = "http://127.0.0.1/secret-value" }, "discovery is not https"},
		{"an end of session with another placeholder", func(c *oidc.Config) { c.EndSession = "https://sso.example.com/end?x={secret-value}" }, "end_session: in its query there can be {client_id}"},
		{"an end of session with a placeholder for its host", func(c *oidc.Config) { c.EndSession = "https://{client_id}.example.com/" }, "end_session: in its query"},
		{"an end of session without TLS", func(c *oidc.Config) { c.EndSession = "http://sso.example.com/?a={client_id}" }, "end_session is not https"},
		{"an end of session that is a script", func(c *oidc.Config) { c.EndSession = "javascript:alert(1)" }, "end_session is not an absolute URL"},
		{"max_age as a wish that nobody checks", param("max_age"), "has an option of its own"},
		{"acr_values as a wish that nobody checks", param("acr_values"), "has an option of its own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := oidc.Config{Name: "keycloak", Issuer: "https://sso.example.com", ClientID: clientID, ClientSecret: clientSecret}
			c.edit(&config)
			_, err := oidc.New(config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			leaksNothing(t, err, "secret-value")
		})
	}
}

func TestNewAccepts(t *testing.T) {
	for _, issuer := range []string{
		"https://sso.example.com", "https://sso.example.com/realms/acme/", "http://localhost:8080", "http://sso.localhost",
		"http://127.0.0.1:1234/x", "http://127.8.0.1", "http://[::1]:80",
	} {
		t.Run(issuer, func(t *testing.T) {
			if _, err := oidc.New(oidc.Config{Name: "a", Issuer: issuer, ClientID: "b", AuthMethod: oidc.AuthNone}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
