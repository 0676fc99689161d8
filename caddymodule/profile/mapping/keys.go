package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxKeys is the most keys that an error lists.
	maxKeys = 20
	// maxKey is the most bytes of a key in an error.
	maxKey = 64
)

// keysOf lists the keys of a map for an error, in order.
func keysOf(m map[string]any) string {
	if len(m) == 0 {
		return "nothing"
	}
	var shown []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if len(shown) < maxKeys && isPlain(key) {
			shown = append(shown, key)
		}
	}
	if more := len(m) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(shown, ", ")
}

// shownKey is a key of what an expression yielded, for an error. Expressions
// can make keys of values: shown is only what they spell themselves.
func shownKey(key, expr string) string {
	if isPlain(key) && strings.Contains(expr, key) {
		return fmt.Sprintf("%q", key)
	}
	return "(not shown)"
}

// isPlain reports whether a key looks like the name of something. An email
// address is personal data, and what has spaces, quotes or control characters
// in it could pretend to be another line of a log.
func isPlain(key string) bool {
	const others = "_-.:/#" // claims may be named by URLs
	return key != "" && len(key) <= maxKey && !strings.ContainsFunc(key, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune(others, r)
	})
}
