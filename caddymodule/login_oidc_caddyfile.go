package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the login. Syntax:
//
//	login oidc <name> {
//		issuer <url>
//		client_id <id>
//		client_secret <secret>
//		client_auth client_secret_basic|client_secret_post|private_key_jwt|none
//		client_key <pem file> [<key id>]
//		label <text>
//		scopes <scope>...
//		auth_param <name> <value>
//		acr_values <value>...
//		max_age <duration>
//		trust_unverified_email
//		ca <pem file>
//		map {
//			<field> <expression>
//		}
//		require <expression> [<message>]
//	}
//
// auth_param and require may be repeated.
func (o *OIDCLogin) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the method
	if !d.Args(&o.ProviderName) {
		return d.Err("login oidc needs a name, which becomes a part of its addresses: login oidc keycloak { ... }")
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "login oidc", map[string]option{
		"issuer":                 text(&o.Issuer),
		"client_id":              text(&o.ClientID),
		"client_secret":          text(&o.ClientSecret),
		"client_auth":            text(&o.ClientAuth),
		"client_key":             o.parseClientKey,
		"label":                  text(&o.Label),
		"scopes":                 texts(&o.Scopes),
		"auth_param":             o.parseAuthParam,
		"acr_values":             texts(&o.ACRValues),
		"max_age":                o.parseMaxAge,
		"trust_unverified_email": flag(&o.TrustUnverifiedEmail),
		"ca":                     text(&o.CA),
		"map":                    o.parseMap("token"),
		"require":                o.parseRequire("token"),
	})
}

func (o *OIDCLogin) parseClientKey(d *caddyfile.Dispenser) error {
	if o.ClientKey != "" {
		return d.Err("client_key is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.ArgErr()
	}
	if slices.Contains(args, "") {
		return d.Err("client_key has an empty argument")
	}
	o.ClientKey = args[0]
	if len(args) == 2 {
		o.ClientKeyID = args[1]
	}
	return nil
}

func (o *OIDCLogin) parseAuthParam(d *caddyfile.Dispenser) error {
	var p AuthParam
	if !d.Args(&p.Name, &p.Value) || d.NextArg() {
		return d.Err("auth_param needs a name and a value: auth_param prompt consent")
	}
	o.AuthParams = append(o.AuthParams, p)
	return nil
}

// parseMaxAge keeps 0, which makes people sign in anew, apart from "not given".
func (o *OIDCLogin) parseMaxAge(d *caddyfile.Dispenser) error {
	if o.MaxAge != nil {
		return d.Err("max_age is given twice")
	}
	age, err := parseDuration(d)
	o.MaxAge = new(caddy.Duration)
	*o.MaxAge = age
	return err
}

// Interface guard
var _ caddyfile.Unmarshaler = (*OIDCLogin)(nil)
