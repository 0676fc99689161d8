package endpoint

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
)

// ReturnTargets decides where a sign-in or sign-out may lead back to: a path
// of the same site, or an origin that the operator listed.
type ReturnTargets struct {
	basePath string
	own      origin.Origin // the configured public one, if any
	listed   []origin.Origin
}

// NewReturnTargets reads the listed origins; one that is none is an error.
func NewReturnTargets(basePath string, public origin.Origin, listed []string) (ReturnTargets, error) {
	t := ReturnTargets{basePath: basePath, own: public}
	for i, raw := range listed {
		target, err := origin.Parse(raw)
		if err != nil {
			return t, fmt.Errorf("return_to %d: %w", i+1, err)
		}
		t.listed = append(t.listed, target)
	}
	return t, nil
}

// Clean returns where raw leads, or the front page when it may not lead there.
func (t ReturnTargets) Clean(r *http.Request, raw string) string {
	target, _ := t.Keep(r, raw)
	return target
}

// Keep is Clean that tells whether something was lost: of what is longer than
// can be kept, all but the fragment is, else the path, and when that is too long,
// too, the front page.
func (t ReturnTargets) Keep(r *http.Request, raw string) (target string, cut bool) {
	if target, ok := t.Allow(r, raw); ok {
		return target, false
	}
	if before, _, ok := strings.Cut(raw, "#"); ok {
		target, cut = t.Keep(r, before)
		return target, cut || target != "/"
	}
	if len(asURL(raw)) <= oidc.MaxReturnTo {
		return "/", false
	}
	if path, ok := t.Allow(r, toPath(raw)); ok {
		return path, true
	}
	return "/", true
}

// toPath is the address without its query.
func toPath(address string) string {
	if end := strings.IndexAny(address, "?#"); end >= 0 {
		return address[:end]
	}
	return address
}

// Allow reads raw as a browser would (WHATWG URL, not RFC 3986): a browser
// drops tabs and line breaks and takes backslashes for slashes, so anything
// with those is refused rather than interpreted. What is left leads back byte for
// byte, but for what means nothing where it stands, and browsers send as it is: a
// backslash behind the path, and a percent sign of a fragment that begins no escape.
// They are encoded.
func (t ReturnTargets) Allow(r *http.Request, raw string) (string, bool) {
	raw = encodePercents(encodeBackslashes(asURL(raw)))
	if raw == "" || len(raw) > oidc.MaxReturnTo || strings.ContainsFunc(raw, deceptive) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" {
		return "", false
	}
	if u.Scheme != "" || u.Host != "" {
		if target := origin.OfURL(u); !slices.Contains(t.listed, target) && !t.isOwn(r, target) {
			return "", false
		}
	}
	if !t.plainPath(u) {
		return "", false
	}
	return raw, true
}

// asURL writes the bytes of raw that are no UTF-8 as a browser sends them: pages
// and JSON can hold them no other way, and there are apps with such addresses.
func asURL(raw string) string {
	if utf8.ValidString(raw) {
		return raw
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i, c := range raw {
		if _, n := utf8.DecodeRuneInString(raw[i:]); c == utf8.RuneError && n == 1 {
			b.WriteString("%" + hex[raw[i]>>4:raw[i]>>4+1] + hex[raw[i]&15:raw[i]&15+1])
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// encodeBackslashes does so in query and fragment, and leaves those before alone.
func encodeBackslashes(raw string) string {
	path := toPath(raw)
	return path + strings.ReplaceAll(raw[len(path):], `\`, "%5C")
}

// encodePercents does so in the fragment, where an app may write anything, with those
// that begin no escape.
func encodePercents(raw string) string {
	before, fragment, ok := strings.Cut(raw, "#")
	if !ok {
		return raw
	}
	var b strings.Builder
	for i, c := range []byte(fragment) {
		if b.WriteByte(c); c == '%' && (len(fragment) < i+3 || !isHex(fragment[i+1]) || !isHex(fragment[i+2])) {
			b.WriteString("25")
		}
	}
	return before + "#" + b.String()
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// inASCII writes what is not ASCII as a browser sends it.
func inASCII(address string) string {
	if !strings.ContainsFunc(address, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return address
	}
	var b strings.Builder
	for i := range len(address) {
		if c := address[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// plainPath refuses paths that the next reader could take for another host
// (//evil, /%09/evil, /%5Cevil, /.//evil), and our own endpoints, which would sign the
// person out again or go round in circles, but for two pages that only show
// something. What is encoded further behind deceives nobody.
func (t ReturnTargets) plainPath(u *url.URL) bool {
	p := u.Path
	if p == "" && u.Host != "" {
		return true
	}
	if !strings.HasPrefix(p, "/") || namesHost(p) || namesHost(withoutDots(u.EscapedPath())) {
		return false
	}
	if u.Path == t.basePath+devicesPath || u.Path == t.basePath+accountPath {
		return u.RawPath == ""
	}
	p = path.Clean(p)
	return p != t.basePath && !strings.HasPrefix(p, t.basePath+"/")
}

// namesHost reports whether a path begins as an address of another host does.
func namesHost(path string) bool { return strings.HasPrefix(strings.Map(asDeceived, path), "//") }

// withoutDots is an escaped path as a browser asks for it, decoded: dots that are a
// segment are taken out first, also those that are escaped, and empty segments stay
// (WHATWG URL, "path state").
func withoutDots(escaped string) string {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	kept := segments[:0:0]
	for i, segment := range segments {
		dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
		if dots == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if dots != "." && dots != ".." {
			kept = append(kept, segment)
		} else if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	path := "/" + strings.Join(kept, "/")
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	return path
}

func (t ReturnTargets) isOwn(r *http.Request, target origin.Origin) bool {
	return target == t.own || (t.own == origin.Origin{} && target == origin.Of(r))
}

// asDeceived is what a reader may take a decoded character for.
func asDeceived(c rune) rune {
	switch {
	case c == '\\':
		return '/'
	case c < ' ', c == 0x7f:
		return -1
	}
	return c
}

func deceptive(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' }
