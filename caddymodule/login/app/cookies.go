package app

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

// cookies are those that the app has set and not deleted, in the order in which
// they came, as a session keeps them. The last of a name counts. What is no cookie
// by RFC 6265 section 4.1.1 (control characters in a value, say) is left out,
// as is one that holds the password.
func (l *Login) cookies(header http.Header, s secret) []string {
	var live profile.AppCookies
	for _, c := range (&http.Response{Header: header}).Cookies() {
		live = slices.DeleteFunc(live, func(before profile.AppCookie) bool { return before.Name == c.Name })
		if !deleted(c, l.config.Now()) && !s.in(c.Name) && !s.in(c.Value) && l.names(c.Name) {
			live = append(live, kept(c))
		}
	}
	live, _ = profile.AppCookies(nil).With(live...)
	return slices.DeleteFunc(live, func(c profile.AppCookie) bool { return c.Place != profile.CookieHere }).Texts()
}

// names reports whether cookies of that name may be kept.
func (l *Login) names(name string) bool {
	return len(l.config.CookieNames) == 0 || slices.Contains(l.config.CookieNames, name)
}

// KeepsCookies reports whether the app's cookies stay here.
func (l *Login) KeepsCookies() bool { return l.config.KeepCookies }

// CookieNames are those that stay here whatever the app says of them; none
// means those that it calls HttpOnly.
func (l *Login) CookieNames() []string { return l.config.CookieNames }

// Said reads what the app says of a cookie of its own, in a Set-Cookie line of
// an answer to somebody who is signed in. stays says that the line is not for
// the browser; false for what deletes a cookie, which says nothing and clears
// what the browser may have left. ok is false of what says nothing of a cookie that may be kept.
//
// Cookies without HttpOnly are for scripts, as a double-submit protection
// against forged requests needs it: they go to the browser unless they are named.
func (l *Login) Said(line string) (c profile.AppCookie, stays, ok bool) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	if !l.config.KeepCookies || !found || name == "" || len(name) > longestAttribute || strings.ContainsFunc(name+value, control) || !l.names(name) {
		return c, false, false
	}
	// The value may be none by RFC 6265; browsers take it, and so does the app.
	read, err := http.ParseSetCookie("x=x;" + attributes)
	if err != nil {
		return c, false, false
	}
	read.Name, read.Value = name, value
	c = kept(read)
	switch {
	case deleted(read, l.config.Now()):
		c.Value, c.Place = "", profile.CookieGone
	case read.HttpOnly || len(l.config.CookieNames) > 0:
		return c, true, true
	default:
		c.Value, c.Place = "", profile.CookieAtBrowser
	}
	return c, false, true
}

func control(c rune) bool { return c < ' ' || c == 0x7f }

// longestAttribute bounds what is kept of a Path or Domain, and a name.
const longestAttribute = 255

// kept is the cookie as a session keeps it.
func kept(c *http.Cookie) profile.AppCookie {
	k := profile.AppCookie{Name: c.Name, Value: c.Value, Path: attribute(c.Path), Domain: attribute(strings.TrimPrefix(c.Domain, "."))}
	if c.Quoted { // the quotes belong to the value that the app reads
		k.Value = `"` + c.Value + `"`
	}
	if !strings.HasPrefix(k.Path, "/") || k.Path == "/" {
		k.Path = ""
	}
	return k
}

func attribute(value string) string {
	if len(value) > longestAttribute || strings.Contains(value, ";") || strings.ContainsFunc(value, control) {
		return ""
	}
	return value
}

// deleted reports whether the cookie's life is over already. Max-Age goes
// before Expires (RFC 6265 section 5.3).
func deleted(c *http.Cookie, now time.Time) bool {
	if c.MaxAge != 0 { // below zero stands for Max-Age=0
		return c.MaxAge < 0
	}
	return !c.Expires.IsZero() && !c.Expires.After(now)
}
