package endpoint

import (
	"net/http"
	"time"

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
}

// Set hands the session's secret to the browser, until the session ends.
func (c *Cookie) Set(w http.ResponseWriter, secret sessionstore.Secret, lifetime time.Duration) {
	http.SetCookie(w, c.cookie(secret.Encode(), int(lifetime.Round(time.Second)/time.Second)))
}

// Clear makes the browser forget the cookie. It has the attributes that the
// cookie was set with: a __Host- cookie cannot be deleted without Secure
// (CVE-2025-55162).
func (c *Cookie) Clear(w http.ResponseWriter) { http.SetCookie(w, c.cookie("", -1)) }

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
