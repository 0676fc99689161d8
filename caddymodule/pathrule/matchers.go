package pathrule

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Watch tells paths that must not reach the matchers of a server: a demand
// depends on those, and they know one reading of a path.
type Watch struct {
	gates, openers []glob
	expressions    []*regexp.Regexp
	asWritten      bool
	prefixes       []string
}

// glob is a pattern of Caddy's matcher path, in lower case.
type glob string

// Gate adds a pattern of Caddy's matcher path that decides where a demand is
// made.
func (w *Watch) Gate(pattern string) { w.gates = append(w.gates, newGlob(pattern)) }

// Opener adds one whose paths reach an app without the demand.
func (w *Watch) Opener(pattern string) { w.openers = append(w.openers, newGlob(pattern)) }

// Expression adds a regular expression that paths are matched by. One that
// cannot be read is left to Caddy, which says so.
func (w *Watch) Expression(expression string) {
	if e, err := regexp.Compile(expression); err == nil {
		w.expressions = append(w.expressions, e)
	}
}

// AsWritten says that matchers decide that look at the path as it came, for one
// an expression with {path} in it: Caddy resolves nothing for them, so a path is
// let through in the one way to write it.
func (w *Watch) AsWritten() { w.asWritten = true }

// Below says that matchers decide also once that prefix was taken off the path, as
// by handle_path.
func (w *Watch) Below(prefix string) { w.prefixes = append(w.prefixes, prefix) }

// newGlob takes what stands before a placeholder, for what that will be is not
// known yet.
func newGlob(pattern string) glob {
	if before, _, found := strings.Cut(pattern, "{"); found {
		pattern = before + "*"
	}
	return glob(strings.ToLower(decode(strings.ReplaceAll(pattern, "%*", "*"), true)))
}

// Refuse says why a path must not reach the matchers; nothing where it may. It
// costs no allocation for a plain path.
func (w *Watch) Refuse(u *url.URL) (why string) {
	if why = w.refuse(u); why != "" {
		return why
	}
	for _, prefix := range w.prefixes {
		if inner, ok := below(u, prefix); ok && why == "" {
			if why = w.refuse(inner); why == "" {
				why = w.refuseBelow(u, prefix, inner)
			}
		}
	}
	return why
}

// refuseBelow looks at what an app behind the prefix reads in the rest, in the
// words of the matchers before it.
func (w *Watch) refuseBelow(u *url.URL, prefix string, inner *url.URL) (why string) {
	if Plain(inner) {
		return ""
	}
	first, b := matched(u.Path), read(inner)
	for _, reading := range b.readings[:b.here] {
		if why = w.tellsApart(first, prefix+reading); why != "" {
			return why
		}
	}
	return ""
}

// below is the address without the prefix, in any case of letters.
func below(u *url.URL, prefix string) (inner *url.URL, ok bool) {
	n := len(prefix)
	if len(u.Path) < n || !strings.EqualFold(u.Path[:n], prefix) {
		return nil, false
	}
	inner = &url.URL{Path: u.Path[n:]}
	if len(u.RawPath) >= n && strings.EqualFold(u.RawPath[:n], prefix) {
		inner.RawPath = u.RawPath[n:]
	}
	if !strings.HasPrefix(inner.Path, "/") {
		inner.Path, inner.RawPath = "/"+inner.Path, ""
	}
	return inner, true
}

func (w *Watch) refuse(u *url.URL) (why string) {
	if w.asWritten && (u.RawPath != "" || u.Path != matched(u.Path)) {
		return "it can be written in a shorter way, and matchers decide that look at how it is written"
	}
	if Plain(u) {
		return ""
	}
	if why = otherSegments(u); why != "" {
		return why
	}
	b := read(u)
	if b.full {
		return "more readings than are looked at"
	}
	first := matched(u.Path)
	for i, reading := range b.readings {
		if i < b.here {
			why = w.tellsApart(first, reading)
		} else {
			why = w.fallsUnder(first, reading)
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// fallsUnder says which pattern another reading falls under and the first does
// not.
func (w *Watch) fallsUnder(first, other string) string {
	lowFirst, lowOther := strings.ToLower(first), strings.ToLower(other)
	for _, g := range w.gates {
		if !g.matches(lowFirst) && g.matches(lowOther) {
			return "another reading of it falls under path " + string(g)
		}
	}
	return ""
}

// tellsApart says the same; or the other way round, where the pattern opens a way
// to an app.
func (w *Watch) tellsApart(first, other string) string {
	if why := w.fallsUnder(first, other); why != "" {
		return why
	}
	lowFirst, lowOther := strings.ToLower(first), strings.ToLower(other)
	for _, g := range w.openers {
		if g.matches(lowFirst) && !g.matches(harmless(lowOther)) {
			return "another reading of it does not fall under path " + string(g)
		}
	}
	for _, e := range w.expressions {
		if e.MatchString(first) != e.MatchString(other) && e.MatchString(first) != e.MatchString(harmless(other)) {
			return "another reading of it is matched otherwise by path_regexp " + e.String()
		}
	}
	return ""
}

// matched is the path as Caddy's matchers look at it.
func matched(p string) string {
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// harmless reads an encoded slash, and several, as one: neither leads away from
// what the segments before it say. Nor does an encoded dot in a name; a segment
// of them is refused before.
func harmless(reading string) string {
	reading = strings.ReplaceAll(strings.ReplaceAll(reading, "%2e", "."), "%2E", ".")
	if !strings.HasPrefix(reading, "//") {
		reading = merged(strings.ReplaceAll(strings.ReplaceAll(reading, "%2f", "/"), "%2F", "/"))
	}
	return reading
}

// matches is the comparison of Caddy's matcher, with which a reading is
// compared that may be anything.
func (g glob) matches(reading string) bool {
	pattern := string(g)
	inner := strings.Trim(pattern, "*")
	switch count := strings.Count(pattern, "*"); {
	case pattern == "*":
		return true
	case count == 2 && strings.HasPrefix(pattern, "*") && strings.HasSuffix(pattern, "*"):
		return strings.Contains(reading, inner)
	case count == 1 && strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(reading, inner)
	case count == 1 && strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(reading, inner)
	}
	ok, _ := path.Match(pattern, reading)
	return ok
}

// otherSegments says what makes the readings of a path differ in segments:
// nobody who means well writes such a path where matchers decide.
func otherSegments(u *url.URL) string {
	raw := u.EscapedPath()
	switch {
	case u.Opaque != "":
		return "no path from the root"
	case strings.IndexByte(raw, ';') >= 0:
		return `a ";" in a segment`
	case strings.IndexByte(u.Path, '\\') >= 0:
		return "an encoded backslash"
	case encodedAgain(u.Path):
		return "double encoding"
	case dots(withoutParameters(withoutBreaks(compatible(decode(raw, true))))) > dots(raw):
		return "an encoded dot segment"
	}
	return ""
}

// encodedAgain reports whether what was decoded once is encoded still.
func encodedAgain(path string) bool {
	return path != decode(path, true)
}

// dots counts dot segments.
func dots(path string) (n int) {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			n++
		}
	}
	return n
}
