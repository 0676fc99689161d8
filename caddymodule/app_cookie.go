package caddymodule

import (
	"errors"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
)

// The default names. The prefixes make browsers refuse a cookie of that name
// that another host, a script or plain HTTP has set (RFC 6265bis 4.1.3).
const (
	hostCookie     = "__Host-Http-sidegate"
	domainCookie   = "__Secure-sidegate"
	insecureCookie = "sidegate"
)

// CookieConfig shapes the session cookie, which is always HttpOnly.
type CookieConfig struct {
	// Name of the cookie. Default: __Host-Http-sidegate; with a domain
	// __Secure-sidegate; when insecure, sidegate.
	Name string `json:"name,omitempty"`
	// Domain shares the cookie with all hosts below it. Default: the host only.
	Domain string `json:"domain,omitempty"`
	// SameSite is lax or strict. Default: lax.
	SameSite string `json:"same_site,omitempty"`
	// Insecure leaves Secure away, for development over plain HTTP.
	Insecure bool `json:"insecure,omitempty"`
}

func (c *CookieConfig) words() map[string]directive.Option {
	return map[string]directive.Option{"cookie": c.parse}
}

// provision needs the site's address, of which the cookie is a part.
func (c *CookieConfig) provision(_ caddy.Context, a *App) error {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	if c.Domain != "" && slices.Contains(a.ClearSiteData, endpoint.ClearCookies) {
		return errors.New("clear_site_data cookies: the cookie has a domain, so a sign-out here would take the cookies of all its hosts from the browser: " +
			"leave cookies out here, or domain in the cookie block")
	}
	a.address.Cookie = c.shape()
	return nil
}

// shape is the cookie as the routes set it.
func (c *CookieConfig) shape() endpoint.Cookie {
	return endpoint.Cookie{Name: c.Name, Domain: c.Domain, Strict: c.SameSite == "strict", Insecure: c.Insecure}
}

func (c *CookieConfig) setDefaults() {
	if c.SameSite == "" {
		c.SameSite = "lax"
	}
	if c.Name != "" {
		return
	}
	switch {
	case c.Insecure:
		c.Name = insecureCookie
	case c.Domain != "":
		c.Name = domainCookie
	default:
		c.Name = hostCookie
	}
}

// checkWritten checks what stands in the block so far, before defaults are filled
// in: a further option never makes a mistake of another good.
func (c *CookieConfig) checkWritten() error {
	filled := *c
	filled.setDefaults()
	return filled.validate()
}

func (c *CookieConfig) validate() error {
	if !httpguts.ValidHeaderFieldName(c.Name) {
		return errors.New("cookie name: what stands there is no name of a cookie: use letters, digits, - and _")
	}
	if c.SameSite != "lax" && c.SameSite != "strict" {
		return directive.OneOf("cookie same_site", c.SameSite, "lax", "strict")
	}
	lower := strings.ToLower(c.Name)
	if c.Insecure && strings.HasPrefix(lower, "__") {
		return errors.New("cookie name: browsers refuse it without Secure; choose another name or leave `insecure` out")
	}
	if c.Domain != "" && strings.HasPrefix(lower, "__host-") {
		return errors.New("cookie name: browsers refuse it with a domain; choose another name or leave `domain` out")
	}
	// net/http leaves an invalid domain away without an error, and a cookie
	// that was meant for many hosts would be one host's.
	if shape := c.shape(); shape.Valid() != nil {
		return errors.New("cookie domain: what stands there is no domain: give a host name such as example.com")
	}
	return nil
}

func (c *CookieConfig) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return directive.Block(d, "cookie", map[string]directive.Option{
		"name":      directive.Checked(directive.Text(&c.Name), c.checkWritten),
		"domain":    directive.Checked(directive.Text(&c.Domain), c.checkWritten),
		"same_site": directive.Checked(directive.Choice(&c.SameSite, "lax", "strict"), c.checkWritten),
		"insecure":  directive.Checked(directive.Flag(&c.Insecure), c.checkWritten),
	})
}
