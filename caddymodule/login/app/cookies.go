package app

import (
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/profile"
)

// cookies gives the person what the app's answer to the sign-in says of its own
// cookies, the last of each name. One that holds the password is left out.
//
// Cookies for scripts, without HttpOnly, are handed to the browser unless they
// are named, as those of a later answer are.
func (l *Login) cookies(person *profile.Person, header http.Header, s secret) {
	var a signInAnswer
	for _, line := range header.Values("Set-Cookie") {
		read := readSetCookie(line, l.config.Now())
		if slices.ContainsFunc([]string{read.name, read.value, read.path, read.domain}, s.in) {
			continue
		}
		c, stays, ok := l.said(&read)
		if !ok { // known here all the same, to be expired at the sign-out
			c = read.appCookie(profile.CookieAtBrowser)
		}
		a.says(c, ok || !read.odd && !read.over && !read.httpOnly)
		if !stays && !read.odd && (read.over || !read.httpOnly) && !s.in(line) {
			a.hands(placed(line, &read), read.name, read.over)
		}
	}
	known, leftOut := profile.AppCookies(nil).With(l.config.Now(), a.said...)
	person.Kept.UpstreamCookies, person.CookiesLeftOut = known.Texts(), leftOut
	person.CookieLines = a.handed()
}

// signInAnswer is what an app says of its cookies in one answer.
type signInAnswer struct {
	said  profile.AppCookies
	lines []handedLine
}

// handedLine is a Set-Cookie line for the browser.
type handedLine struct {
	text, name string
	over       bool
}

// says notes the last word on a cookie. What deletes one under another path
// or domain, beside the cookie itself, clears what a browser may have.
func (a *signInAnswer) says(c profile.AppCookie, known bool) {
	before, again := a.said.Named(c.Name)
	if !known || c.Place == profile.CookieGone && again && (before.Path != c.Path || before.Domain != c.Domain) {
		return
	}
	a.said = slices.DeleteFunc(a.said, func(other profile.AppCookie) bool { return other.Name == c.Name })
	if c.Place != profile.CookieGone {
		a.said = append(a.said, c)
	}
}

func (a *signInAnswer) hands(text, name string, over bool) {
	a.lines = append(slices.DeleteFunc(a.lines, func(before handedLine) bool { return before.name == name && !before.over }), handedLine{text, name, over})
}

// handed are the lines, as far as they are no more than a session keeps.
func (a *signInAnswer) handed() (lines []string) {
	size := 0
	for _, line := range a.lines {
		if size += len(line.text); size <= profile.MaxAppCookieBytes && len(lines) < profile.MaxAppCookies {
			lines = append(lines, line.text)
		}
	}
	return lines
}

// placed is the line with a Path: without one it would be for the place of our
// own answer alone.
func placed(line string, c *setCookie) string {
	if c.placed {
		return line
	}
	return line + "; Path=/"
}

// names reports whether cookies of that name may be kept.
func (l *Login) names(name string) bool {
	return len(l.config.CookieNames) == 0 || slices.Contains(l.config.CookieNames, name)
}

// KeepsCookies reports whether the app's cookies stay here.
func (l *Login) KeepsCookies() bool { return l.config.KeepCookies }

// Said reads what the app says of a cookie of its own, in a Set-Cookie line of
// an answer to somebody who is signed in. stays says that the line is not for
// the browser; false for what deletes a cookie, which says nothing and clears
// what the browser may have left. ok is false of what says nothing of a cookie that may be kept.
//
// Cookies without HttpOnly are for scripts, as a double-submit protection
// against forged requests needs it: they go to the browser unless they are named.
func (l *Login) Said(line string) (c profile.AppCookie, stays, ok bool) {
	if !l.config.KeepCookies {
		return c, false, false
	}
	read := readSetCookie(line, l.config.Now())
	return l.said(&read)
}

func (l *Login) said(read *setCookie) (c profile.AppCookie, stays, ok bool) {
	if !l.names(read.name) {
		return c, false, false
	}
	l.see(read)
	stays = read.httpOnly || len(l.config.CookieNames) > 0
	switch {
	case read.odd:
		return c, stays && !read.over, false
	case read.over:
		return read.appCookie(profile.CookieGone), false, true
	case stays:
		return read.appCookie(profile.CookieHere), true, true
	}
	return read.appCookie(profile.CookieAtBrowser), false, true
}

// see notes whether the app keeps a cookie of that name from scripts. What it
// deletes says nothing of that.
func (l *Login) see(read *setCookie) {
	if len(l.config.CookieNames) == 0 && !read.odd && !read.over {
		l.config.Seen.See(read.appCookie(profile.CookieAtBrowser), read.httpOnly)
	}
}

// See hears of an app's answer to somebody who did not sign in through it.
func (l *Login) See(line string) { _, _, _ = l.Said(line) }

// SeeKept hears of what a session has kept of the app's cookies, perhaps by
// another gateway, or before a restart.
func (l *Login) SeeKept(known profile.AppCookies) {
	if !l.config.KeepCookies || len(l.config.CookieNames) > 0 {
		return
	}
	for _, c := range known {
		if c.Place != profile.CookieAtBrowser {
			l.config.Seen.seeKept(c)
		}
	}
}

// StaysHere reports whether a cookie of that name, as identity.FoldCookie gives
// it, is one that browsers have no business with while somebody is signed in
// through the app, and for which place a browser may have it.
func (l *Login) StaysHere(folded string) (at profile.AppCookie, stays bool) {
	switch {
	case !l.config.KeepCookies:
		return at, false
	case len(l.config.CookieNames) > 0:
		i := slices.IndexFunc(l.config.CookieNames, func(name string) bool { return identity.FoldCookie(name) == folded })
		return at, i >= 0
	}
	return l.config.Seen.has(folded)
}

// Withholds reports whether a cookie of that folded name does not pass from a
// browser to the app, where the session says of it that it is at that place. What a
// session knows goes before what is known of the app.
func (l *Login) Withholds(folded string, place profile.CookiePlace, known bool) bool {
	switch {
	case known && place != profile.CookieAtBrowser:
		return true
	case known && len(l.config.CookieNames) == 0:
		return false
	}
	_, stays := l.StaysHere(folded)
	return stays
}
