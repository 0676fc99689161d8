package caddymodule

import (
	"net/http"
	"time"

	"example.com/sidegate/sessionstore"
)

// set hands the session's secret to the browser, until the session ends.
func (c *CookieConfig) set(w http.ResponseWriter, secret sessionstore.Secret, lifetime time.Duration) {
	c.write(w, secret.Encode(), int(lifetime.Round(time.Second)/time.Second))
}

// clear makes the browser forget the cookie. It has the attributes that the
// cookie was set with: a __Host- cookie cannot be deleted without Secure
// (CVE-2025-55162).
func (c *CookieConfig) clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c *CookieConfig) write(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, c.cookie(value, maxAge))
}

func (c *CookieConfig) cookie(value string, maxAge int) *http.Cookie {
	sameSite := http.SameSiteLaxMode
	if c.SameSite == "strict" {
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
