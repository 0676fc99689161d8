package identity

import (
	"net/http"
	"strings"
)

// cookieSpace is what net/http trims around the parts of a cookie.
const cookieSpace = " \t\r\n"

// FindCookie returns the value of the first cookie of exactly that name, and
// how many there are in all lines of a request's Cookie header. More than one
// means that somebody else, a sibling subdomain say, may have set the other:
// there is no telling which is ours, so the caller refuses (RFC 6265 section
// 8.6). A name without "=" counts as a cookie with an empty value, as servers
// read it.
//
// The value comes without spaces around it and without one pair of quotes;
// it is otherwise unchecked.
func FindCookie(lines []string, name string) (value string, count int) {
	for _, line := range lines {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			n, v := splitCookie(pair)
			if n != name {
				continue
			}
			if count++; count == 1 {
				value = unquote(v)
			}
		}
	}
	return value, count
}

// RemoveCookie removes every cookie of that name from what goes upstream, and
// those whose name begins with prefix, if there is one: they are credentials,
// which the app has no use for. Other cookies stay as they
// are, byte for byte, well-formed or not; a Cookie header with nothing left
// in it goes.
//
// Case does not count here, unlike in FindCookie: some parsers fold names,
// and would hand the app what only looks different from ours.
func RemoveCookie(h http.Header, name, prefix string) {
	lines := h["Cookie"]
	if !holdsCookie(lines, name, prefix) {
		return
	}
	var kept []string // none is made when ours is the only cookie
	for _, line := range lines {
		if line = withoutCookie(line, name, prefix); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func holdsCookie(lines []string, name, prefix string) bool {
	for _, line := range lines {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			if isCookie(pair, name, prefix) {
				return true
			}
		}
	}
	return false
}

func withoutCookie(line, name, prefix string) string {
	if strings.IndexByte(line, ';') < 0 && isCookie(line, name, prefix) {
		return ""
	}
	var b strings.Builder
	b.Grow(len(line))
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		switch {
		case isCookie(pair, name, prefix):
		case b.Len() == 0:
			b.WriteString(strings.TrimLeft(pair, cookieSpace))
		default:
			b.WriteByte(';')
			b.WriteString(pair)
		}
	}
	if strings.Trim(b.String(), ";"+cookieSpace) == "" {
		return ""
	}
	return b.String()
}

func isCookie(pair, name, prefix string) bool {
	n, _ := splitCookie(pair)
	return name != "" && strings.EqualFold(n, name) ||
		prefix != "" && len(n) >= len(prefix) && strings.EqualFold(n[:len(prefix)], prefix)
}

func splitCookie(pair string) (name, value string) {
	name, value, _ = strings.Cut(pair, "=")
	return strings.Trim(name, cookieSpace), strings.Trim(value, cookieSpace)
}

func unquote(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}
