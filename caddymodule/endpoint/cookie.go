package endpoint

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Cookie is the session cookie of a site, always HttpOnly.
type Cookie struct {
	// Name of the cookie.
	Name string
	// Domain shares it with all hosts below; empty: the host only.
	Domain string
	// Strict has browsers send it with requests of the site itself alone;
	// otherwise it is Lax.
	Strict bool
	// Insecure leaves Secure away, for development over plain HTTP.
	Insecure bool
	// Apps are names of the apps' own cookies that stay here by configuration, and
	// that browsers may have from before.
	Apps []string
}

// Set hands the session's secret to the browser, until the session ends.
func (c *Cookie) Set(w http.ResponseWriter, secret sessionstore.Secret, lifetime time.Duration) {
	http.SetCookie(w, c.cookie(secret.Encode(), int(lifetime.Round(time.Second)/time.Second)))
}

// Clear makes the browser forget the cookie. It has the attributes that the
// cookie was set with: a __Host- cookie cannot be deleted without Secure
// (CVE-2025-55162).
//
// What it may have of cookies that apps want kept here goes too: it would speak
// for whoever sits there next.
func (c *Cookie) Clear(w http.ResponseWriter) { c.ClearOf(w, nil) }

// ClearOf is Clear where it is known which cookies of an app the session knows.
func (c *Cookie) ClearOf(w http.ResponseWriter, known profile.AppCookies) {
	http.SetCookie(w, c.cookie("", -1))
	for _, cookie := range known {
		c.expire(w, cookie)
	}
	for _, name := range c.Apps {
		if _, expired := known.Named(name); !expired {
			c.expire(w, profile.AppCookie{Name: name})
		}
	}
}

// expire has the browser forget an app's cookie, if it has one. A cookie is
// another one under another path or domain (RFC 6265 section 5.3).
func (c *Cookie) expire(w http.ResponseWriter, of profile.AppCookie) {
	if strings.EqualFold(of.Name, c.Name) {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: of.Name, Path: cmp.Or(of.Path, "/"), Domain: of.Domain, MaxAge: -1, Secure: !c.Insecure, HttpOnly: true,
	})
}

// Valid reports whether browsers, and net/http, take the cookie as it is.
func (c *Cookie) Valid() error { return c.cookie("", 0).Valid() }

func (c *Cookie) cookie(value string, maxAge int) *http.Cookie {
	sameSite := http.SameSiteLaxMode
	if c.Strict {
		sameSite = http.SameSiteStrictMode
	}
	return &http.Cookie{
		Name:     c.Name,
		Value:    value,
		Path:     "/",
		Domain:   c.Domain,
		MaxAge:   maxAge,
		Secure:   !c.Insecure,
		HttpOnly: true,
		SameSite: sameSite,
	}
}
