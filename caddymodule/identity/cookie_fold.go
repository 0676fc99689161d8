package identity

import (
	"strings"
	"unicode/utf8"
)

// FoldCookie is a cookie's name as the most forgiving of apps tells it from
// others. PHP takes "." and space, and "[" too, for "_", versions of it before 7.4.11 decode
// %5F (CVE-2020-7070), and some parsers trim or fold case: of two names that
// are one to the app, the gateway must not take the second for another one.
func FoldCookie(name string) string {
	name = strings.Trim(name, foldedSpace)
	if isFolded(name) {
		return name
	}
	folded := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) && isHex(name[i+1]) && isHex(name[i+2]) {
			c = unhex(name[i+1])<<4 | unhex(name[i+2])
			i += 2
		}
		folded = append(folded, foldByte(c))
	}
	text := strings.Trim(string(folded), foldedSpace)
	if !isASCII(text) {
		text = strings.ToLower(strings.ToUpper(text)) // U+017F is an s, U+212A a k
	}
	return text
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldedSpace is what parsers trim around a name: spaces, control characters
// that are spaces, and quotes.
const foldedSpace = " \t\r\n\v\f\x00\""

func isFolded(name string) bool {
	for i := range len(name) {
		if c := name[i]; c == '%' || c >= utf8.RuneSelf || foldByte(c) != c {
			return false
		}
	}
	return true
}

func foldByte(c byte) byte {
	switch {
	case c == '.', c == '[', c == ' ', c == '+':
		return '_'
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	}
	return c
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
