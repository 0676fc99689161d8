package endpoint

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/profile"
)

// What is expired of other gateways' cookies is bounded: an answer with long headers
// does not pass every proxy.
const (
	maxOldNames   = 6
	maxOldDomains = 6
)

// HandOver gives the browser the cookie of a session that has begun with this
// request, once, and reports whether it did.
func (c *Cookie) HandOver(w http.ResponseWriter, to *caller.Caller) bool {
	arrived := to.Give()
	if arrived == nil {
		return false
	}
	c.Set(w, arrived.Secret, arrived.Life)
	return true
}

// IsOld reports whether a cookie, by its name as identity.FoldCookie gives it, is one
// of another gateway, which no app is sent.
func (c *Cookie) IsOld() func(folded string) bool {
	if c.Old == nil {
		return nil
	}
	return c.Old.HasFolded
}

// ExpireOld has the browser forget the cookies of other gateways that it has sent. It
// does not say for which domain they were set, so each is expired for the host, and
// for those above it.
func (c *Cookie) ExpireOld(w http.ResponseWriter, r *http.Request, host string) {
	if c.Old == nil {
		return
	}
	var done []string
	isOld := func(name string) bool { return c.Old.HasFolded(identity.FoldCookie(name)) }
	for name := range caller.Remember(r).CookiesWhere(isOld) {
		if slices.Contains(done, name) || len(done) == maxOldNames {
			continue
		}
		done = append(done, name)
		for _, domain := range c.domainsOf(host) {
			c.expire(w, profile.AppCookie{Name: name, Domain: domain})
		}
	}
}

// domainsOf are the domains that a cookie may have been set for which a browser sends
// to the host: none, the host's own, and those above that are no top-level one.
func (c *Cookie) domainsOf(host string) []string {
	domains := []string{""}
	add := func(domain string) {
		if !slices.Contains(domains, domain) && len(domains) < maxOldDomains {
			domains = append(domains, domain)
		}
	}
	if c.Domain != "" {
		add(c.Domain)
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return domains
	}
	for strings.Contains(host, ".") {
		add(host)
		_, host, _ = strings.Cut(host, ".")
	}
	return domains
}
