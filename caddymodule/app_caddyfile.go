package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the global options. Syntax:
//
//	sidegate {
//		store <embedded|memory|redis> ...
//		cache <ttl> [<entries>]|off
//		stale <duration>
//		secret <secret>...
//		lifetime <duration>
//		idle_timeout <duration>
//		base_path <path>
//		public_url <origin>
//		return_to <origin>...
//		cookie {
//			name <name>
//			domain <domain>
//			same_site lax|strict
//			insecure
//		}
//		token {
//			issuer <url>
//			ttl <duration>
//			algorithm ES256|EdDSA|RS256
//			signing_key <pem file>...
//		}
//		login <method> ...
//		login_order <name>...
//		directory <source> ...
//		refresh_every <duration>
//		role <name> {
//			includes <role>...
//			permissions <permission>...
//		}
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the option's name
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "sidegate", map[string]option{
		"store":         a.parseStore,
		"cache":         a.Cache.parse,
		"stale":         duration(&a.Cache.Stale),
		"secret":        texts(&a.Secrets),
		"lifetime":      duration(&a.Lifetime),
		"idle_timeout":  a.parseIdleTimeout,
		"base_path":     text(&a.BasePath),
		"public_url":    text(&a.PublicURL),
		"return_to":     texts(&a.ReturnTo),
		"cookie":        a.Cookie.parse,
		"token":         a.Token.parse,
		"login":         a.parseLogin,
		"login_order":   texts(&a.LoginOrder),
		"directory":     a.parseDirectory,
		"refresh_every": duration(&a.RefreshEvery),
		"role":          a.parseRole,
	})
}

func (a *App) parseStore(d *caddyfile.Dispenser) (err error) {
	if a.StoreRaw != nil {
		return d.Err("store is given twice")
	}
	if !d.NextArg() {
		return d.Err("store needs a kind: embedded, memory or redis")
	}
	a.StoreRaw, err = guest(d, "sidegate.stores", "module", d.Val())
	return err
}

func (a *App) parseLogin(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("login needs a method, such as `login users users.yaml`")
	}
	raw, err := guest(d, "sidegate.logins", "method", d.Val())
	if err != nil {
		return err
	}
	a.LoginsRaw = append(a.LoginsRaw, raw)
	return nil
}

func (a *App) parseDirectory(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("directory needs a source, such as `directory http crm http://users.internal/by-email?e={identity.email}`")
	}
	raw, err := guest(d, "sidegate.directories", "source", d.Val())
	if err != nil {
		return err
	}
	a.DirectoriesRaw = append(a.DirectoriesRaw, raw)
	return nil
}

// parseIdleTimeout keeps 0, which turns the timeout off, apart from "not given".
func (a *App) parseIdleTimeout(d *caddyfile.Dispenser) error {
	if a.IdleTimeout != nil {
		return d.Err("idle_timeout is given twice")
	}
	idle, err := parseDuration(d)
	a.IdleTimeout = new(caddy.Duration)
	*a.IdleTimeout = idle
	return err
}

func (a *App) parseRole(d *caddyfile.Dispenser) error {
	var role RoleConfig
	if !d.Args(&role.Name) || d.NextArg() {
		return d.ArgErr()
	}
	err := parseBlock(d, "role", map[string]option{
		"includes":    texts(&role.Includes),
		"permissions": texts(&role.Permissions),
	})
	a.Roles = append(a.Roles, role)
	return err
}

func (c *CookieConfig) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "cookie", map[string]option{
		"name":      text(&c.Name),
		"domain":    text(&c.Domain),
		"same_site": text(&c.SameSite),
		"insecure":  flag(&c.Insecure),
	})
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

// Interface guards
var _ caddyfile.Unmarshaler = (*App)(nil)
