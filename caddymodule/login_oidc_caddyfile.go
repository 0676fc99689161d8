package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

// UnmarshalCaddyfile reads the login. Syntax:
//
//	login oidc <name> {
//		issuer <url>
//		client_id <id>
//		client_secret <secret>
//		client_auth client_secret_basic|client_secret_post|private_key_jwt|none
//		client_key <pem file> [<key id>]
//		discovery <url>
//		end_session <url>
//		userinfo off
//		pkce off
//		response_mode query|form_post
//		label <text>
//		icon <file>
//		scopes <scope>...
//		auth_param <name> <value>
//		acr_values <value>...
//		max_age <duration>
//		trust_unverified_email
//		email_domains <domain>...
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
	at := directive.Here(d)
	if !d.Args(&o.ProviderName) {
		return directive.Err(d, "login oidc needs a name, which becomes a part of its addresses: login oidc keycloak { ... }")
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	err := directive.Block(d, "login oidc", o.place(map[string]directive.Option{
		"issuer":                 directive.Text(&o.Issuer),
		"client_id":              directive.Text(&o.ClientID),
		"client_secret":          directive.Text(&o.ClientSecret),
		"client_auth":            directive.Choice(&o.ClientAuth, oidc.AuthBasic, oidc.AuthPost, oidc.AuthPrivateKeyJWT, oidc.AuthNone),
		"client_key":             o.parseClientKey,
		"label":                  directive.Text(&o.Label),
		"icon":                   directive.File(&o.Icon),
		"scopes":                 directive.Texts(&o.Scopes),
		"auth_param":             o.parseAuthParam,
		"acr_values":             directive.Texts(&o.ACRValues),
		"max_age":                o.parseMaxAge,
		"trust_unverified_email": directive.Flag(&o.TrustUnverifiedEmail),
		"email_domains":          directive.Texts(&o.EmailDomains),
		"ca":                     directive.File(&o.CA),
		"map":                    o.parseMap(oidcVariables...),
		"require":                o.parseRequire(oidcVariables...),
		"discovery":              directive.Text(&o.Discovery),
		"end_session":            directive.Text(&o.SignOutAt),
		"userinfo":               directive.Off(&o.NoUserInfo),
		"pkce":                   directive.Off(&o.NoPKCE),
		"response_mode":          directive.Choice(&o.ResponseMode, responseQuery, responseFormPost),
	}))
	if err != nil {
		return err
	}
	return at.Wrap(o.checkWritten())
}

// place has every option remember where it stands, the last time that it does: what
// is wrong with one is often seen beside the others alone. What can be told of a
// parameter by itself is told at once, for there may be many.
func (o *OIDCLogin) place(options map[string]directive.Option) map[string]directive.Option {
	o.placed = make(map[string]directive.Position)
	options["auth_param"] = directive.Checked(options["auth_param"], func() error {
		last := o.AuthParams[len(o.AuthParams)-1]
		if err := oidc.CheckAuthParam(last.Name); err != nil {
			return fmt.Errorf("login oidc %s: %w", o.ProviderName, err)
		}
		return nil
	})
	options["email_domains"] = directive.Checked(options["email_domains"], func() error {
		if _, err := profile.ParseDomains(o.EmailDomains); err != nil {
			return fmt.Errorf("login oidc %s: email_domains: %w", o.ProviderName, err)
		}
		return nil
	})
	for name, read := range options {
		options[name] = func(d *caddyfile.Dispenser) error {
			o.placed[name] = directive.Here(d)
			return read(d)
		}
	}
	return options
}

// at puts an error where the option stands that it is about: that is its first word.
func (o *OIDCLogin) at(err error) error {
	if err == nil {
		return nil
	}
	name, _, _ := strings.Cut(err.Error(), " ")
	return o.placed[strings.TrimSuffix(name, ":")].Wrap(fmt.Errorf("login oidc %s: %w", o.ProviderName, err))
}

// checkWritten checks what stands in the block, but for what is told by
// placeholders and files.
func (o *OIDCLogin) checkWritten() error {
	w := *o
	w.CA, w.ClientKey, w.Icon = "", "", ""
	if !manyIssuers.MatchString(o.Issuer) {
		w.Issuer = standIn(o.Issuer, "https://"+unknownHost)
	}
	w.Discovery = standIn(o.Discovery, "https://"+unknownHost)
	w.ClientID, w.ClientSecret = standIn(o.ClientID, unknownHost), standIn(o.ClientSecret, unknownHost)
	if o.ClientKey != "" && (o.ClientAuth == "" || o.ClientAuth == oidc.AuthPrivateKeyJWT) {
		w.ClientAuth, w.ClientSecret = oidc.AuthNone, "" // its key is read when the configuration is loaded
	}
	if err := checkName("login oidc", w.ProviderName); err != nil {
		return err
	}
	return o.at(w.makeReady())
}

func (o *OIDCLogin) parseClientKey(d *caddyfile.Dispenser) error {
	if o.ClientKey != "" {
		return directive.Err(d, "client_key is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return directive.ArgErr(d)
	}
	if slices.Contains(args, "") {
		return directive.Err(d, "client_key has an empty argument")
	}
	if len(args) == 2 {
		o.ClientKeyID = args[1]
	}
	var err error
	o.ClientKey, err = directive.FileName(d, args[0])
	return err
}

func (o *OIDCLogin) parseAuthParam(d *caddyfile.Dispenser) error {
	var p AuthParam
	if !d.Args(&p.Name, &p.Value) || d.NextArg() {
		return directive.Err(d, "auth_param needs a name and a value: auth_param prompt consent")
	}
	o.AuthParams = append(o.AuthParams, p)
	return nil
}

// parseMaxAge keeps 0, which makes people sign in anew, apart from "not given".
func (o *OIDCLogin) parseMaxAge(d *caddyfile.Dispenser) error {
	if o.MaxAge != nil {
		return directive.Err(d, "max_age is given twice")
	}
	age, err := directive.ParseDuration(d)
	o.MaxAge = new(caddy.Duration)
	*o.MaxAge = age
	return err
}
