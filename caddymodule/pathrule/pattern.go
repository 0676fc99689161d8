package pathrule

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is an exact path, or a prefix.
type pattern struct {
	path   string // without the asterisk
	normal string // the same, as it is when it was normalised
	prefix bool
}

// exactRank is above the rank of every prefix.
const exactRank = 1 << 30

// parsePattern reads an exact path such as /login, or a prefix such as
// /admin/*, written decoded. One that no reading could fall under is an error.
func parsePattern(text string) (p pattern, err error) {
	p.path, p.prefix = strings.CutSuffix(text, "*")
	p.normal = compatible(p.path)
	switch {
	case !strings.HasPrefix(p.path, "/") || strings.Contains(p.path, "*"):
		return p, fmt.Errorf("path %q: give an exact path such as /login, or a prefix such as /admin/*", text)
	case !finished(p.path):
		return p, fmt.Errorf("path %q: write it decoded, without //, dot segments, ; %% ? # or \\", text)
	}
	return p, nil
}

// finished reports whether a pattern is written as readings are when all is done.
func finished(path string) bool {
	if !utf8.ValidString(path) || strings.ContainsAny(path, `;%?#\`) || strings.ContainsFunc(path, unicode.IsControl) {
		return false
	}
	return merged(path) == path && resolved(path) == path
}

// rank is how narrow the pattern is, among those that one path falls under.
func (p *pattern) rank() int {
	if p.prefix {
		return len(p.path)
	}
	return exactRank
}

// opens reports whether the reading is what was written, letter by letter; or,
// for a reading that was made, what is made of that.
func (p *pattern) opens(reading string, made bool) bool {
	return p.begins(reading, p.path) || made && p.normal != p.path && p.begins(reading, p.normal)
}

func (p *pattern) begins(reading, path string) bool {
	if p.prefix {
		return strings.HasPrefix(reading, path)
	}
	return reading == path
}

// covers reports whether a demand at the pattern holds for the reading. It is
// wider than opens: many programs take /Admin/ and /admin for /admin/.
func (p *pattern) covers(reading string) bool {
	return p.holds(reading, p.path) || p.normal != p.path && p.holds(reading, p.normal)
}

func (p *pattern) holds(reading, path string) bool {
	rest, ok := cutFolded(reading, path)
	if ok {
		return p.prefix || rest == "" || rest == "/"
	}
	folder, isFolder := strings.CutSuffix(path, "/")
	if !isFolder {
		return false
	}
	rest, ok = cutFolded(reading, folder)
	return ok && rest == ""
}

// cutFolded cuts a prefix off, in any case of letters.
func cutFolded(text, prefix string) (rest string, ok bool) {
	for prefix != "" {
		if text == "" {
			return "", false
		}
		want, wantSize := utf8.DecodeRuneInString(prefix)
		got, gotSize := utf8.DecodeRuneInString(text)
		if want != got && fold(want) != fold(got) {
			return "", false
		}
		prefix, text = prefix[wantSize:], text[gotSize:]
	}
	return text, true
}

// fold makes letters equal that differ in case, the Kelvin sign and the long s
// among them.
func fold(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }
