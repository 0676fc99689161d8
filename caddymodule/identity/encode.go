package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// encoding says which characters of a value are sent as they are; all others
// are percent-encoded, byte by byte. No encoding keeps "%": were it kept, the
// role "a%2Cb" could not be told from the role "a,b". None keeps a control
// character: CR and LF would begin a header of the value's own, NUL ends the
// value in programs written in C.
type encoding struct {
	keep [256]bool
	// printable keeps letters and signs beyond ASCII as UTF-8, for apps that
	// do not decode; invisible ones (bidi controls, no-break spaces) never.
	printable bool
}

var (
	// native is the encoding of our own headers (see EncodeValue).
	native = newEncoding(alphanumeric+"-_.~@:/+ ", false)
	// text is for apps that take a value as it stands.
	text = newEncoding(visibleExcept("%")+" ", true)
	// element is text inside a list. Separators of all ecosystems are encoded,
	// so that an app that splits at the wrong one sees too few roles, never
	// one that was not granted.
	element = newEncoding(visibleExcept("%,|;")+" ", true)
	// grafanaElement is element for Grafana, which also splits at spaces and
	// reads quotes and JSON lists.
	grafanaElement = newEncoding(visibleExcept("%,|;\"'[]"), true)
)

// EncodeValue writes one value as it goes into an X-Session-* header: UTF-8,
// percent-encoded outside A-Za-z0-9-_.~@:/+ and space. A space at either end
// is encoded too, because HTTP trims it (RFC 9110 section 5.5). It decodes by
// decodeURIComponent; what is not UTF-8 becomes U+FFFD, on which that
// function would throw otherwise.
func EncodeValue(v string) string { return native.encode(v) }

// EncodeList writes a list as it goes into an X-Session-* header: the encoded
// elements, joined by commas. It decodes by
// split(',').map(decodeURIComponent). Empty elements are left out: they name
// nothing, and a list of one would look like no list.
func EncodeList(list []string) string { return native.join(list, ",") }

// EncodeWithin is EncodeList within the bound of one header, MaxValue: a list that
// is longer is left out, for half of it might be read as the whole.
func EncodeWithin(list []string) string {
	if text := EncodeList(list); len(text) <= MaxValue {
		return text
	}
	return ""
}

func newEncoding(keep string, printable bool) *encoding {
	e := &encoding{printable: printable}
	for i := range len(keep) {
		e.keep[keep[i]] = true
	}
	return e
}

func visibleExcept(not string) string {
	var b strings.Builder
	for c := byte('!'); c <= '~'; c++ {
		if strings.IndexByte(not, c) < 0 {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (e *encoding) join(list []string, separator string) string {
	encoded := make([]string, 0, len(list))
	for _, v := range list {
		if v != "" {
			encoded = append(encoded, e.encode(v))
		}
	}
	return strings.Join(encoded, separator)
}

func (e *encoding) encode(v string) string {
	if e.keepsAll(v) {
		return v
	}
	var b strings.Builder
	b.Grow(len(v) + len(v)/2)
	for i, r := range v {
		// A space at the edge would be trimmed, and " admin" become "admin".
		edge := r == ' ' && (i == 0 || i == len(v)-1)
		switch {
		case r < utf8.RuneSelf && e.keep[r] && !edge:
			b.WriteByte(byte(r))
		case r >= utf8.RuneSelf && e.printable && unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			percentEncode(&b, r)
		}
	}
	return b.String()
}

func (e *encoding) keepsAll(v string) bool {
	for i := range len(v) {
		if !e.keep[v[i]] {
			return false
		}
	}
	return v == "" || v[0] != ' ' && v[len(v)-1] != ' '
}

func percentEncode(b *strings.Builder, r rune) {
	const hex = "0123456789ABCDEF"
	var bytes [utf8.UTFMax]byte
	for _, c := range bytes[:utf8.EncodeRune(bytes[:], r)] {
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
}
