package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What makes one picture of several characters: an emoji is ugly without.
const (
	joiner     = '\u200d'
	asPicture  = '\ufe0f'
	unreadable = '\uFFFD'
)

// Err is an error in one line of what Printable shows: it names files and addresses as
// they were given, and says what strangers have said. nil stays nil.
func Err(err error) error {
	if err == nil {
		return nil
	}
	return &shown{err, Printable(strings.ReplaceAll(err.Error(), "\n", "; "))}
}

// shown is an error by the text of it that a terminal shows.
type shown struct {
	error
	text string
}

func (s *shown) Error() string { return s.text }
func (s *shown) Unwrap() error { return s.error }

// Printable is a text of strangers on a terminal: a control character would be a
// command to it, and one of those that turn the direction of a line would have it read
// otherwise than it is (CVE-2021-42574). What joins stands behind what is seen, so that
// nobody hides a row of them.
func Printable(text string) string {
	var before rune // as it is shown; 0 where nothing joins behind it
	return strings.Map(func(r rune) rune {
		if before != 0 && (r == joiner || r == asPicture && before != asPicture) {
			if before = 0; r == asPicture {
				before = asPicture
			}
			return r
		}
		before = 0
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Bidi_Control) {
			return unreadable
		}
		before = r
		return r
	}, strings.ToValidUTF8(text, string(unreadable)))
}
