package login

import (
	"strings"
	"unicode"
)

// longestShown bounds what a log repeats of a name, in bytes.
const longestShown = 128

// Shown is a name that somebody typed as a log may repeat it: not longer than
// longestShown, and without what would move the cursor or turn the line around.
func Shown(name string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, name[:min(len(name), longestShown)])
}
