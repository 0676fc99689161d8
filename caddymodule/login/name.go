package login

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"example.com/sidegate/caddymodule/profile"
)

// MaxTyped is the longest sign-in name, in bytes: that of the longest address.
const MaxTyped = profile.MaxEmail

var errNoName = errors.New("that is no sign-in name")

// ReadName reads a sign-in name as somebody has typed it. An address comes back
// in its one spelling (profile.NormalizeEmail), any other name as it is, without
// the space around it: an app may tell Ada from ada.
//
// What holds an @, in any width of letters, is an address or nothing: a back end
// that reads ＠ as @ would take a name for somebody's address. The error says that
// it is no name, and holds nothing of it.
func ReadName(raw string) (string, error) {
	name := strings.TrimSpace(raw)
	if name == "" || len(name) > MaxTyped || !utf8.ValidString(name) {
		return "", errNoName
	}
	if strings.ContainsFunc(name, above) {
		return "", errNoName
	}
	if email, err := profile.NormalizeEmail(name); err == nil {
		return email, nil
	}
	if strings.Contains(norm.NFKC.String(name), "@") || strings.ContainsFunc(name, hidden) {
		return "", errNoName
	}
	return name, nil
}

// IsAddress reports whether a name that ReadName has read is an email address.
func IsAddress(name string) bool { return strings.Contains(name, "@") }

// FoldName is a user name in the one spelling by which a list of people that
// takes Ada for ada finds them. Two names that it makes one are one for the
// throttle too, see AccountOf.
func FoldName(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
}

// hidden reports whether the character cannot be seen: a name that looks like
// another one could be somebody else's. Of all spaces the plain one may be within.
func hidden(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || profile.Invisible(r)) }

// above reports whether the character is a letter above another one, as in old
// manuscripts: an accent to one back end and a letter to the next, so its name would
// be two accounts.
func above(r rune) bool { return 0x0363 <= r && r <= 0x036F || 0x1DCA <= r && r <= 0x1DF4 }
