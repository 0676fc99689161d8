package identity

import (
	"iter"
	"net/http"
	"strings"
)

// cookieSpace is what net/http trims around the parts of a cookie.
const cookieSpace = " \t\r\n"

// Cookies yields the name and the value of every cookie in the lines of a
// request's Cookie header, in their order. It is the one reader of cookies:
// who reads them by another one, net/http's say, which gives up above 3,000,
// sees other cookies than the next.
//
// Any number of them is read. What is malformed is read as far as it goes and
// hides nothing behind it: a name without "=" is a cookie with an empty value,
// as servers read it, and only a part without both is none. Both come without
// spaces around them, the value without one pair of quotes; they are otherwise
// unchecked.
func Cookies(lines []string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, line := range lines {
			for pair := range strings.SplitSeq(line, ";") {
				name, value := splitCookie(pair)
				if (name != "" || value != "") && !yield(name, unquote(value)) {
					return
				}
			}
		}
	}
}

// FindCookie returns the value of the first cookie of exactly that name, and
// how many there are, as [Cookies] reads them. More than one means that somebody
// else, a gateway of a domain above or a sibling host, may have set the other
// (RFC 6265 section 8.6): their order does not tell which is ours.
func FindCookie(lines []string, name string) (value string, count int) {
	for n, v := range Cookies(lines) {
		if n != name {
			continue
		}
		if count++; count == 1 {
			value = v
		}
	}
	return value, count
}

// RemoveCookie removes every cookie of that name from what goes upstream, and
// those whose name begins with prefix, if there is one, with __Host-Http- before
// it and without, for a browser may have both: they are credentials, which the
// app has no use for. Other cookies stay as they
// are, byte for byte, well-formed or not; a Cookie header with nothing left
// in it goes. It reports whether there was any.
//
// Case does not count here, unlike in FindCookie: some parsers fold names,
// and would hand the app what only looks different from ours.
func RemoveCookie(h http.Header, name, prefix string) bool {
	bare := strings.TrimPrefix(prefix, hostPrefix)
	return removeCookies(h, func(pair string) bool {
		n, _ := splitCookie(pair)
		return name != "" && strings.EqualFold(n, name) || bare != "" && (begins(n, bare) || begins(n, hostPrefix) && begins(n[len(hostPrefix):], bare))
	})
}

// RemoveCookies removes every cookie whose name, as FoldCookie gives it, is to
// go. It reports whether there was any.
func RemoveCookies(h http.Header, goes func(folded string) bool) bool {
	return removeCookies(h, func(pair string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(pair, "="+cookieSpace), "=")
		return goes(FoldCookie(name))
	})
}

func removeCookies(h http.Header, goes func(pair string) bool) bool {
	lines := h["Cookie"]
	if !holdsCookie(lines, goes) {
		return false
	}
	var kept []string // none is made when ours is the only cookie
	for _, line := range lines {
		if line = withoutCookie(line, goes); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
	} else {
		h["Cookie"] = kept
	}
	return true
}

func holdsCookie(lines []string, goes func(pair string) bool) bool {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if goes(pair) {
				return true
			}
		}
	}
	return false
}

func withoutCookie(line string, goes func(pair string) bool) string {
	if strings.IndexByte(line, ';') < 0 && goes(line) {
		return ""
	}
	var b strings.Builder
	b.Grow(len(line))
	for pair := range strings.SplitSeq(line, ";") {
		switch {
		case goes(pair):
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
	return name != "" && strings.EqualFold(n, name) || prefix != "" && begins(n, prefix)
}

// hostPrefix begins names of cookies that no other host and no script can set.
const hostPrefix = "__Host-Http-"

func begins(name, prefix string) bool {
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
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
