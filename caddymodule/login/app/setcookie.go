package app

import (
	"strconv"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

// setCookie is a Set-Cookie line as browsers read it (RFC 6265 section 5.2, and
// its successor where that says what they do): a reader that takes less would
// leave to the browser what that keeps, and call a cookie sound that is deleted.
type setCookie struct {
	name, value  string // byte for byte
	path, domain string // empty: "/", and the host alone
	httpOnly     bool
	over         bool  // its life is
	expires      int64 // in seconds since 1970; 0: with the browser's session
	// placed says that the app has given a Path.
	placed bool
	// odd is what could not go back to the app in a Cookie header, or not be
	// written down: without a name, with control characters, or longest.
	odd bool
}

// longestAttribute bounds what is kept of a Path or Domain, and a name.
const longestAttribute = 255

// longestAge is the longest life of a cookie, that of browsers.
const longestAge = 400 * 24 * time.Hour

func readSetCookie(line string, now time.Time) (c setCookie) {
	pair, rest, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	if !found {
		name, value = "", pair
	}
	c.name, c.value = trimmed(name), trimmed(value)
	var maxAge, expires *time.Time
	for attribute := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		value = trimmed(value)
		switch strings.ToLower(trimmed(name)) {
		case "httponly":
			c.httpOnly = true // whatever its value is
		case "path":
			c.path, c.placed = kept(value), strings.HasPrefix(value, "/")
			if !c.placed || value == "/" {
				c.path = ""
			}
		case "domain":
			c.domain = strings.ToLower(kept(strings.TrimPrefix(value, ".")))
		case "max-age":
			if at, ok := readMaxAge(value, now); ok {
				maxAge = &at
			}
		case "expires":
			if at, ok := readCookieDate(value); ok {
				expires = &at
			}
		}
	}
	if maxAge != nil { // it goes before Expires (RFC 6265 section 5.3)
		expires = maxAge
	}
	if expires != nil {
		c.over = !expires.After(now)
		c.expires = min(expires.Unix(), now.Add(longestAge).Unix())
	}
	c.odd = c.name == "" || len(c.name) > longestAttribute || strings.ContainsFunc(line, control)
	return c
}

func trimmed(text string) string { return strings.Trim(text, " \t") }

// control is what ends a header's line, or a reader's patience.
func control(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// kept is an attribute, unless it is longer than is kept.
func kept(value string) string {
	if len(value) > longestAttribute {
		return ""
	}
	return value
}

// readMaxAge is RFC 6265 section 5.2.2.
func readMaxAge(value string, now time.Time) (at time.Time, ok bool) {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return at, false
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if seconds <= 0 {
		return now, true
	}
	if longest := int64(longestAge / time.Second); err != nil || seconds > longest {
		seconds = longest
	}
	return now.Add(time.Duration(seconds) * time.Second), true
}

// appCookie is what the app says by that of a cookie to keep here, or, with
// another place, of one that is elsewhere.
func (c *setCookie) appCookie(place profile.CookiePlace) profile.AppCookie {
	said := profile.AppCookie{Name: c.name, Path: c.path, Domain: c.domain, Place: place}
	if place == profile.CookieHere {
		said.Value, said.Expires = c.value, c.expires
	}
	return said
}
