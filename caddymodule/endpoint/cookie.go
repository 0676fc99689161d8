package endpoint

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/login/adopt"
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
	// StaysHere reports whether a cookie that a browser sends, by its name as
	// identity.FoldCookie gives it, is an app's own that stays here for whoever is signed in through that
	// login, "" for any, and the place that it was set for. Nil: none is.
	StaysHere func(login, folded string) (profile.AppCookie, bool)
	// Old are those of other gateways by which people are adopted; nil: there are none.
	Old *adopt.Names
}

// Set hands the session's secret to the browser, until the session ends.
func (c *Cookie) Set(w http.ResponseWriter, secret sessionstore.Secret, lifetime time.Duration) {
	http.SetCookie(w, c.cookie(secret.Encode(), int(lifetime.Round(time.Second)/time.Second)))
	lastFirst(w.Header()["Set-Cookie"])
}

// lastFirst puts the last line before the others: there are proxies that pass on
// the first alone.
func lastFirst(lines []string) {
	if n := len(lines); n > 1 {
		last := lines[n-1]
		copy(lines[1:], lines)
		lines[0] = last
	}
}

// Clear makes the browser forget the cookie. It has the attributes that the
// cookie was set with: a __Host- cookie cannot be deleted without Secure
// (CVE-2025-55162).
//
// The word that a sign-in has just succeeded goes as well: the browser keeps cookies,
// and nobody may be told that it does not.
//
// What it may have of cookies that apps want kept here goes too: it would speak
// for whoever sits there next.
func (c *Cookie) Clear(w http.ResponseWriter, r *http.Request) { c.ClearOf(w, r, nil) }

// ClearStale is Clear of a cookie that opens no session. Where the answer leads to
// the login page, the word stays: ToLogin says there what has become of the cookie.
func (c *Cookie) ClearStale(w http.ResponseWriter, r *http.Request, toLogin bool) {
	if toLogin {
		c.clear(w, r, nil)
		return
	}
	c.Clear(w, r)
}

// ClearOf is Clear where it is known which cookies of an app the session knows.
func (c *Cookie) ClearOf(w http.ResponseWriter, r *http.Request, known profile.AppCookies) {
	c.clear(w, r, known)
	c.clearFresh(w, r)
	if c.Domain != "" {
		http.SetCookie(w, c.ended(int(freshLife/time.Second)))
	}
}

func (c *Cookie) clear(w http.ResponseWriter, r *http.Request, known profile.AppCookies) {
	http.SetCookie(w, c.cookie("", -1))
	for _, cookie := range known {
		c.expire(w, cookie)
	}
	for _, name := range c.Apps {
		if _, expired := known.Named(name); !expired {
			c.expire(w, profile.AppCookie{Name: name})
		}
	}
	c.expireSent(w, r, "", func(name string) bool {
		_, expired := known.Named(name)
		return expired || slices.Contains(c.Apps, name)
	})
}

// arrive has the browser of somebody who has just signed in forget what it
// has of cookies that stay here from now on, which is of whoever sat there before,
// and take those that the app has set for it. None of ours is taken from an app.
func (c *Cookie) arrive(w http.ResponseWriter, r *http.Request, login string, lines []string) {
	c.expireSent(w, r, login, func(string) bool { return false })
	for _, line := range lines {
		if !identity.SetsCookie(line, c.Name, c.AttemptPrefix()) {
			w.Header().Add("Set-Cookie", line)
		}
	}
}

// expireSent has the browser forget cookies of apps that it has sent.
func (c *Cookie) expireSent(w http.ResponseWriter, r *http.Request, login string, done func(name string) bool) {
	if c.StaysHere == nil {
		return
	}
	expired := 0
	for name := range identity.Cookies(r.Header["Cookie"]) {
		at, stays := c.StaysHere(login, identity.FoldCookie(name))
		if at.Name = name; stays && !done(name) && expired < profile.MaxAppCookies {
			c.expire(w, at)
			expired++
		}
	}
}

// expire has the browser forget an app's cookie, if it has one. A cookie is
// another one under another path or domain (RFC 6265 section 5.3). Names may be any
// that browsers take, of which net/http would write fewer.
func (c *Cookie) expire(w http.ResponseWriter, of profile.AppCookie) {
	if strings.EqualFold(of.Name, c.Name) || strings.ContainsFunc(of.Name+of.Path+of.Domain, noAttribute) {
		return
	}
	line := of.Name + "=; Path=" + cmp.Or(of.Path, "/")
	if of.Domain != "" {
		line += "; Domain=" + of.Domain
	}
	line += "; Max-Age=0; HttpOnly"
	if !c.Insecure {
		line += "; Secure"
	}
	w.Header().Add("Set-Cookie", line)
}

func noAttribute(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f || c == ';' }

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
