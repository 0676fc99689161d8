package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// joiner makes one picture of several, and is no control: it has nothing to hide.
const joiner = '\u200d'

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
