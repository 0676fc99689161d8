package pathrule

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// lookalikes are characters that programs which normalise Unicode (NFKC) turn
// into dots, slashes, backslashes, semicolons or percent signs.
const lookalikes = "\u2024\u2025\u2026\ufe52\uff0e" + "\uff0f" + "\ufe68\uff3c" + "\u037e\ufe54\uff1b" + "\ufe6a\uff05"

// AmbiguousPath reports whether the app might read the path otherwise than
// the gateway does. Such a path is never public, or /assets/..;/admin would
// be. Ambiguous are:
//
//   - what is not a path from the root ("*", an authority, an opaque URL);
//   - empty and dot segments, which servers merge or resolve, or do not, with
//     spaces too, and streams of files (x::$DATA), which Windows takes for x;
//   - a slash or dot that was encoded, which some decode before resolving;
//   - a backslash, which Windows and browsers take for a slash;
//   - ";", which begins parameters in servlet containers: /admin;.css is
//     /admin there; "?" and "#", which cut the path off if decoded too early;
//   - control characters, NUL first of all, which end strings in C;
//   - "%" before two hex digits or "u" in the decoded path: encoded twice;
//   - what is not UTF-8 (an overlong "/" among it), or turns into one of the
//     characters above when normalised;
//   - a RawPath that does not spell Path: one is decided on, one is sent.
func AmbiguousPath(u *url.URL) bool {
	if u.Opaque != "" || u.Path == "" || u.Path[0] != '/' {
		return true
	}
	return ambiguousSpelling(u) || ambiguousSegments(u.Path) || ambiguousCharacters(u.Path)
}

// ambiguousSpelling looks at what decoding has hidden. RawPath is empty when
// nothing was encoded that need not be.
func ambiguousSpelling(u *url.URL) bool {
	if u.RawPath == "" {
		return false
	}
	for i := 0; i+2 < len(u.RawPath); i++ {
		if u.RawPath[i] == '%' && u.RawPath[i+1] == '2' && strings.IndexByte("EeFf", u.RawPath[i+2]) >= 0 {
			return true
		}
	}
	return u.EscapedPath() != u.RawPath
}

func ambiguousSegments(path string) bool {
	rest, more := path[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		// The last segment is empty when the path ends in a slash.
		if segment == "" && more || segment != "" && strings.Trim(segment, ". ") == "" || strings.Contains(segment, ":$") {
			return true
		}
	}
	return false
}

func ambiguousCharacters(path string) bool {
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c < ' ', c == 0x7f, c == '\\', c == ';', c == '?', c == '#':
			return true
		case c == '%' && encodedTwice(path[i+1:]):
			return true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !ascii && (!utf8.ValidString(path) || strings.ContainsAny(path, lookalikes) || otherWhenNormal(path))
}

// otherWhenNormal reports whether a path has other segments, or what else makes it
// ambiguous, once its characters are normalised.
func otherWhenNormal(path string) bool {
	normal := compatible(path)
	return normal != path && (ambiguousSegments(normal) || strings.ContainsAny(normal, `\;?#%`) || strings.Count(normal, "/") != strings.Count(path, "/"))
}

func encodedTwice(after string) bool {
	if after == "" {
		return false
	}
	return after[0]|0x20 == 'u' || len(after) >= 2 && hex(after[0]) >= 0 && hex(after[1]) >= 0
}
