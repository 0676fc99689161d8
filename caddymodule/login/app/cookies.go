package app

import (
	"net/http"
	"slices"
	"time"
)

// The most that is kept of an app's cookies; what goes beyond is left out.
const (
	maxCookies     = 20
	maxCookieBytes = 8 << 10
)

// cookies are those that the app has set and not deleted, as "name=value" in
// the order in which they came. The last of a name counts. What is no cookie
// by RFC 6265 section 4.1.1 (control characters in a value, say) is left out,
// as is one that holds the password.
func cookies(header http.Header, now time.Time, s secret) []string {
	var live []*http.Cookie
	for _, c := range (&http.Response{Header: header}).Cookies() {
		live = slices.DeleteFunc(live, func(before *http.Cookie) bool { return before.Name == c.Name })
		if !deleted(c, now) && !s.in(c.Name) && !s.in(c.Value) {
			live = append(live, c)
		}
	}
	var kept []string
	size := 0
	for _, c := range live {
		text := c.Name + "=" + c.Value
		if c.Quoted { // the quotes belong to the value that the app reads
			text = c.Name + `="` + c.Value + `"`
		}
		if len(kept) == maxCookies || size+len(text) > maxCookieBytes {
			continue
		}
		size += len(text)
		kept = append(kept, text)
	}
	return kept
}

// deleted reports whether the cookie's life is over already. Max-Age goes
// before Expires (RFC 6265 section 5.3).
func deleted(c *http.Cookie, now time.Time) bool {
	if c.MaxAge != 0 { // below zero stands for Max-Age=0
		return c.MaxAge < 0
	}
	return !c.Expires.IsZero() && !c.Expires.After(now)
}
