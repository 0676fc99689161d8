package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// joiner makes one picture of several, and is no control: it has nothing to hide.
const joiner = '\u200d'

// shapeless reports whether a character is shown as nothing at all (Unicode's
// Default_Ignorable_Code_Point, and the other format characters).
func shapeless(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// blank is a letter of braille without a dot: it is printed, as nothing.
const blank = '\u2800'

// seen reports whether there is anything to see of a text.
func seen(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsPrint(r) && !unicode.IsSpace(r) && !shapeless(r) && r != blank
	})
}

// EscapeUnseen is JSON of the same value in which no text of strangers does anything to
// a terminal: what is no printable character, such as the controls U+0080 to U+009F and
// those that turn a line around (CVE-2021-42574), is written as its number (`\u202e`). JSON has such
// characters within strings alone, and those below U+0020 are escaped anyway.
func EscapeUnseen(text []byte) []byte {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x7f, r == joiner, unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}
