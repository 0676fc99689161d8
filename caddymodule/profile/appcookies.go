package profile

import (
	"slices"
	"strings"
)

// The most that a session keeps of an app's own cookies, in number and in bytes
// of all together. Of those that it knows by name alone there are at most as many.
const (
	MaxAppCookies     = 20
	MaxAppCookieBytes = 8 << 10
)

// CookiePlace is where an app's own cookie is.
type CookiePlace uint8

// The places. The zero value is for a cookie that is kept.
const (
	CookieHere      CookiePlace = iota // in the session, from which it is given back
	CookieGone                         // nowhere: the app has deleted it
	CookieAtBrowser                    // in the browser, where the app has moved it
)

// AppCookie is what an app last said of one of its own cookies. It is a
// credential: printed by mistake, it gives it away.
type AppCookie struct {
	Name string
	// Value goes back to the app as it is, quotes included. Empty where the
	// cookie is not kept.
	Value string
	Place CookiePlace
	// Path and Domain are those that the app set it for, so that a browser can be
	// told to forget it. An empty Path means "/", an empty Domain the host alone.
	Path, Domain string
}

// AppCookies are the cookies of one app in one session, each name once, in the
// order in which the app first spoke of them. They are not changed in place.
type AppCookies []AppCookie

// Kept cookies are written as "name=value", which builds before this one read as
// well. What else is known of a name is "name;path;domain;", with a letter
// for its place: those builds pass over what holds a semicolon.
const (
	markHere      = "h"
	markGone      = "g"
	markAtBrowser = "b"
)

// ReadAppCookies reads Kept.UpstreamCookies. What it cannot read is left out.
func ReadAppCookies(texts []string) (c AppCookies) {
	for _, text := range texts {
		if !strings.Contains(text, ";") {
			if name, value, found := strings.Cut(text, "="); found && name != "" {
				c = c.put(AppCookie{Name: name, Value: value})
			}
			continue
		}
		parts := strings.Split(text, ";")
		if len(parts) != 4 || parts[0] == "" {
			continue
		}
		marked := AppCookie{Name: parts[0], Path: parts[1], Domain: parts[2]}
		switch parts[3] {
		case markHere:
			before, known := c.Named(marked.Name)
			if !known {
				continue
			}
			marked.Value = before.Value
		case markGone:
			marked.Place = CookieGone
		case markAtBrowser:
			marked.Place = CookieAtBrowser
		default:
			continue
		}
		c = c.put(marked)
	}
	return c
}

// Texts undoes ReadAppCookies.
func (c AppCookies) Texts() (texts []string) {
	for _, cookie := range c {
		mark := markHere
		switch {
		case cookie.Place == CookieGone:
			mark = markGone
		case cookie.Place == CookieAtBrowser:
			mark = markAtBrowser
		default:
			texts = append(texts, cookie.Name+"="+cookie.Value)
			if cookie.Path == "" && cookie.Domain == "" {
				continue
			}
		}
		texts = append(texts, cookie.Name+";"+cookie.Path+";"+cookie.Domain+";"+mark)
	}
	return texts
}

// Line is what a Cookie header says of those that are kept. What could not stand
// in a header is left out.
func (c AppCookies) Line() string {
	var pairs []string
	for _, cookie := range c {
		pair := cookie.Name + "=" + cookie.Value
		if cookie.Place == CookieHere && !strings.ContainsFunc(pair, noHeader) {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}

func noHeader(c rune) bool { return c < ' ' || c == 0x7f || c == ';' }

// Named returns the cookie of that name.
func (c AppCookies) Named(name string) (cookie AppCookie, known bool) {
	i := c.index(name)
	if i < 0 {
		return cookie, false
	}
	return c[i], true
}

func (c AppCookies) index(name string) int {
	return slices.IndexFunc(c, func(other AppCookie) bool { return other.Name == name })
}

// With returns the cookies after the app has said so, and how many of them are
// more than is kept: those are gone.
func (c AppCookies) With(said ...AppCookie) (after AppCookies, leftOut int) {
	after = slices.Clone(c)
	for _, cookie := range said {
		after = after.put(cookie)
	}
	return after.bounded()
}

// Says reports whether the app says something new by that. Of a name that is not
// known it does by a cookie to keep alone.
func (c AppCookies) Says(cookie AppCookie) bool {
	before, known := c.Named(cookie.Name)
	return known && before != cookie || !known && cookie.Place == CookieHere
}

func (c AppCookies) put(cookie AppCookie) AppCookies {
	if i := c.index(cookie.Name); i >= 0 {
		c[i] = cookie
		return c
	}
	return append(c, cookie)
}

// bounded leaves out the later of those that are too many or too large, and
// forgets the oldest of the names that are known without a cookie.
func (c AppCookies) bounded() (kept AppCookies, leftOut int) {
	count, size := 0, 0
	for i, cookie := range c {
		if cookie.Place != CookieHere {
			continue
		}
		bytes := len(cookie.Name) + 1 + len(cookie.Value)
		if count == MaxAppCookies || size+bytes > MaxAppCookieBytes {
			c[i].Value, c[i].Place = "", CookieGone
			leftOut++
			continue
		}
		count, size = count+1, size+bytes
	}
	names := 0
	for _, cookie := range slices.Backward(c) {
		if cookie.Place != CookieHere {
			if names++; names > MaxAppCookies {
				continue
			}
		}
		kept = append(kept, cookie)
	}
	slices.Reverse(kept)
	return kept, leftOut
}

// WithCookiesOf is what a session keeps, with the app's cookies of another
// text: those that it kept a moment ago, when the rest was built anew of what
// it kept before. What cannot be read changes nothing.
func WithCookiesOf(kept, now string) string {
	if kept == now {
		return kept
	}
	k, err := DecodeKept(kept)
	of, nowErr := DecodeKept(now)
	if err != nil || nowErr != nil || k == nil || of == nil || slices.Equal(k.UpstreamCookies, of.UpstreamCookies) {
		return kept
	}
	k.UpstreamCookies = of.UpstreamCookies
	text, err := k.Encode()
	if err != nil {
		return kept
	}
	return text
}
