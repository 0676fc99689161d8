package profile

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kept cookies are written as "name=value", which builds before this one read as
// well. What else is known of a name is "name;path;domain;" with a letter for its
// place, and "name;expires;e": those builds pass over what holds a semicolon and
// is not of these four parts. What is no UTF-8 could not stand in JSON as it is; it is written as
// "name;value;path;domain;place;expires", the first four in base64.
const (
	markHere      = "h"
	markGone      = "g"
	markAtBrowser = "b"
	markExpires   = "e"
)

var (
	places = map[string]CookiePlace{markHere: CookieHere, markGone: CookieGone, markAtBrowser: CookieAtBrowser}
	marks  = map[CookiePlace]string{CookieHere: markHere, CookieGone: markGone, CookieAtBrowser: markAtBrowser}
)

// ReadAppCookies reads Kept.UpstreamCookies. What it cannot read is left out.
func ReadAppCookies(texts []string) (c AppCookies) {
	for _, text := range texts {
		parts := strings.Split(text, ";")
		switch len(parts) {
		case 1:
			if name, value, found := strings.Cut(text, "="); found && name != "" {
				c = c.put(AppCookie{Name: name, Value: value})
			}
		case 3:
			c.readExpires(parts)
		case 4:
			c = c.readPlace(parts)
		case 6:
			if cookie, ok := readBytes(parts); ok {
				c = c.put(cookie)
			}
		}
	}
	return c
}

func (c AppCookies) readExpires(parts []string) {
	i := c.index(parts[0])
	if at, err := strconv.ParseInt(parts[1], 10, 64); err == nil && i >= 0 && parts[2] == markExpires {
		c[i].Expires = at
	}
}

func (c AppCookies) readPlace(parts []string) AppCookies {
	place, ok := places[parts[3]]
	if !ok || parts[0] == "" {
		return c
	}
	marked := AppCookie{Name: parts[0], Path: parts[1], Domain: parts[2], Place: place}
	if place == CookieHere {
		before, known := c.Named(marked.Name)
		if !known {
			return c
		}
		marked.Value = before.Value
	}
	return c.put(marked)
}

func readBytes(parts []string) (c AppCookie, ok bool) {
	var read [4]string
	for i := range read {
		b, err := base64.RawStdEncoding.DecodeString(parts[i])
		if err != nil {
			return c, false
		}
		read[i] = string(b)
	}
	place, ok := places[parts[4]]
	expires, err := strconv.ParseInt(parts[5], 10, 64)
	return AppCookie{Name: read[0], Value: read[1], Path: read[2], Domain: read[3], Place: place, Expires: expires}, ok && err == nil && read[0] != ""
}

// Texts undoes ReadAppCookies.
func (c AppCookies) Texts() (texts []string) {
	for _, cookie := range c {
		texts = append(texts, cookie.texts()...)
	}
	return texts
}

func (c *AppCookie) texts() (texts []string) {
	if !utf8.ValidString(c.Name) || !utf8.ValidString(c.Value) || !utf8.ValidString(c.Path) || !utf8.ValidString(c.Domain) {
		return []string{c.bytes()}
	}
	if c.Place == CookieHere {
		texts = append(texts, c.Name+"="+c.Value)
	}
	if c.Place != CookieHere || c.Path != "" || c.Domain != "" {
		texts = append(texts, c.Name+";"+c.Path+";"+c.Domain+";"+marks[c.Place])
	}
	if c.Expires != 0 {
		texts = append(texts, c.Name+";"+strconv.FormatInt(c.Expires, 10)+";"+markExpires)
	}
	return texts
}

func (c *AppCookie) bytes() string {
	var parts []string
	for _, text := range []string{c.Name, c.Value, c.Path, c.Domain} {
		parts = append(parts, base64.RawStdEncoding.EncodeToString([]byte(text)))
	}
	return strings.Join(append(parts, marks[c.Place], strconv.FormatInt(c.Expires, 10)), ";")
}
