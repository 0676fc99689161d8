package profile

import (
	"slices"
	"strings"
	"time"
)

// The most that a session keeps of an app's own cookies: as many as browsers keep
// of one host at least (RFC 6265 section 6.1), and in bytes of all together, as
// they are written down, what servers take in a header. Of those that it knows by
// name alone there are at most as many.
const (
	MaxAppCookies     = 50
	MaxAppCookieBytes = 16 << 10
)

// Of the cookies those that came first stay when others have to make room, and
// maxNames bounds the bytes of what is known by name alone.
const (
	established = MaxAppCookies / 2
	maxNames    = 8 << 10
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
	// Expires is when the cookie's life is over, in seconds since 1970; 0: not
	// before the session's.
	Expires int64
	// Path and Domain are those that the app set it for, so that a browser can be
	// told to forget it. An empty Path means "/", an empty Domain the host alone.
	Path, Domain string
}

// AppCookies are the cookies of one app in one session, each name once, in the
// order in which the app first spoke of them. They are not changed in place.
type AppCookies []AppCookie

// Line is what a Cookie header says of those that are kept and live. What could
// not stand in a header is left out.
func (c AppCookies) Line(now time.Time) string {
	var pairs []string
	for _, cookie := range c {
		pair := cookie.Name + "=" + cookie.Value
		if cookie.Place == CookieHere && !cookie.over(now) && !strings.ContainsFunc(pair, noHeader) {
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}

func noHeader(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f || c == ';' }

func (c *AppCookie) over(now time.Time) bool { return c.Expires != 0 && c.Expires <= now.Unix() }

// Until is when Line says something else by itself, in seconds since 1970; 0:
// never.
func (c AppCookies) Until() (first int64) {
	for _, cookie := range c {
		if cookie.Place == CookieHere && cookie.Expires != 0 && (first == 0 || cookie.Expires < first) {
			first = cookie.Expires
		}
	}
	return first
}

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

// With returns the cookies after the app has said all that at once, without
// those whose life is over, and how many of them are more than is kept: those are
// gone. What the app has just said goes before what it said earlier.
func (c AppCookies) With(now time.Time, said ...AppCookie) (after AppCookies, leftOut int) {
	after = slices.Clone(c)
	for _, cookie := range said {
		after = after.put(cookie)
	}
	for i := range after {
		if after[i].over(now) {
			after[i].leave()
		}
	}
	latest := func(name string) bool { return AppCookies(said).index(name) >= 0 }
	for after.tooMuch() {
		after[after.victim(latest)].leave()
		leftOut++
	}
	return after.withoutOldNames(), leftOut
}

// News are those of what an app says at once that is new. Of a name that is
// not known a cookie to keep alone is, and of one that is kept not that it lives
// a little longer: some apps say so with every answer.
func (c AppCookies) News(now time.Time, said ...AppCookie) (news []AppCookie) {
	for _, cookie := range said {
		before, known := c.Named(cookie.Name)
		if known && !before.isAbout(cookie, now) || !known && cookie.Place == CookieHere {
			news = append(news, cookie)
		}
	}
	return news
}

// A cookie that is set again lives longer for us when that is more than a
// twentieth of its life, or an hour.
const (
	fewest     = 20
	mostSlides = 3600
)

// isAbout reports whether the other says the same.
func (c AppCookie) isAbout(other AppCookie, now time.Time) bool {
	later := other.Expires - c.Expires
	if c.Expires != 0 && other.Expires != 0 && later > 0 && later < min(mostSlides, (other.Expires-now.Unix())/fewest) {
		other.Expires = c.Expires
	}
	return c == other
}

func (c AppCookies) put(cookie AppCookie) AppCookies {
	if i := c.index(cookie.Name); i >= 0 {
		c[i] = cookie
		return c
	}
	return append(c, cookie)
}

// leave makes it one that is known by name alone.
func (c *AppCookie) leave() { c.Value, c.Expires, c.Place = "", 0, CookieGone }

func (c AppCookies) tooMuch() bool {
	count, size := 0, 0
	for _, cookie := range c {
		if cookie.Place == CookieHere {
			count, size = count+1, size+written(cookie.Name)+1+written(cookie.Value)+len(cookie.Path)+len(cookie.Domain)
		}
	}
	return count > MaxAppCookies || size > MaxAppCookieBytes
}

// written is about how many bytes the text takes in the session, which is JSON.
func written(text string) int {
	n := len(text)
	for i := range len(text) {
		switch text[i] {
		case '<', '>', '&':
			n += 5
		case '"', '\\', '\t':
			n++
		}
	}
	return n
}

// victim is the index of the one that makes room: of those beyond the established
// ones the one that would end first, else the oldest, else the last of what was
// just said. So what an app has abandoned makes room, and neither a
// newcomer nor the cookie of the sign-in is refused for it.
func (c AppCookies) victim(latest func(name string) bool) int {
	oldest, ending, last, final, nth := -1, -1, -1, -1, 0
	for i, cookie := range c {
		if cookie.Place != CookieHere {
			continue
		}
		final, nth = i, nth+1
		switch {
		case latest(cookie.Name):
			last = i
		case nth <= established:
		case cookie.Expires != 0 && (ending < 0 || cookie.Expires < c[ending].Expires):
			ending = i
		case cookie.Expires == 0 && oldest < 0:
			oldest = i
		}
	}
	switch {
	case ending >= 0:
		return ending
	case oldest >= 0:
		return oldest
	case last >= 0:
		return last
	}
	return final
}

// withoutOldNames forgets the oldest of the names that are known without a
// cookie.
func (c AppCookies) withoutOldNames() (kept AppCookies) {
	names, size := 0, 0
	for _, cookie := range slices.Backward(c) {
		if cookie.Place != CookieHere {
			names, size = names+1, size+len(cookie.Name)+len(cookie.Path)+len(cookie.Domain)
			if names > MaxAppCookies || size > maxNames {
				continue
			}
		}
		kept = append(kept, cookie)
	}
	slices.Reverse(kept)
	return kept
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
