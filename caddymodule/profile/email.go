package profile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxEmail is the longest email address, in bytes (RFC 5321 section 4.5.3.1.3).
const MaxEmail = 254

// notInAddress are the characters that an address may only hold in quotes or
// as a comment (RFC 5322 section 3.2.3): their presence means a display name,
// a list, or a trick.
const notInAddress = `,;:<>()[]\"`

// NormalizeEmail trims the address and puts it in lower case, so that one
// person has one spelling, in sessions and in sign-in throttles alike. It
// refuses what is not plausibly exactly one address, with an error that wraps
// ErrInvalid and does not repeat it. It does not know whether the address
// exists: that is shown by mail, not by syntax.
func NormalizeEmail(email string) (string, error) {
	email, err := normalizeEmail(email)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return email, nil
}

func normalizeEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	switch {
	case email == "":
		return "", wrong("email", "is empty")
	case len(email) > MaxEmail:
		return "", tooLong("email", MaxEmail)
	case !utf8.ValidString(email):
		return "", wrong("email", "is not UTF-8")
	}
	for _, r := range email {
		if reason := badInAddress(r); reason != "" {
			return "", wrong("email", reason)
		}
	}
	local, domain, _ := strings.Cut(email, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", wrong("email", "is not one address of the form name@domain")
	}
	// "example.com." is the same domain as "example.com": one spelling only.
	if strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") {
		return "", wrong("email", "has a domain that begins or ends with a dot")
	}
	if email = strings.ToLower(email); len(email) > MaxEmail { // some letters grow
		return "", tooLong("email", MaxEmail)
	}
	return email, nil
}

// blank are characters that have a width and no ink, and those that stand for
// what could not be read (U+FFFC, U+FFFD), of which nobody sees two apart.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0xFFFC, Hi: 0xFFFD, Stride: 1}},
	R32: []unicode.Range32{
		{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x16FE4, Hi: 0x16FE4, Stride: 1}, {Lo: 0x1D159, Hi: 0x1D159, Stride: 1},
	},
}

// Invisible reports whether nobody sees the character: control, zero-width and
// direction characters, what has no glyph, Hangul's fillers, variation selectors.
// A text with one looks like the text without it, which may be somebody else's.
func Invisible(r rune) bool {
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, blank)
}

func badInAddress(r rune) string {
	switch {
	case Invisible(r):
		return "holds a control or invisible character"
	case unicode.IsSpace(r):
		return "holds a space"
	case strings.ContainsRune(notInAddress, r):
		return "holds a character that an address has only in quotes"
	case r >= utf8.RuneSelf && unicode.ToLower(r) < utf8.RuneSelf:
		// The Kelvin sign becomes k: somebody could register an address that
		// is another's in lower case, and sign in as them.
		return "holds a letter that turns into another one in lower case"
	}
	return ""
}
