package directive

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// unknown says what may have been meant by an option that a block does not
// have: the nearest one that it has, the blocks that have it, or what there is.
func unknown(block, word string, options map[string]Option) string {
	have := slices.Sorted(maps.Keys(options))
	text := "unrecognized " + block + " subdirective '" + word + "'"
	elsewhere := homes(word, block)
	near, ok := Nearest(word, have)
	switch {
	case ok:
		text += ": did you mean `" + near + "`?"
	case len(elsewhere) == 0 && len(have) > 0:
		return text + ": there are " + strings.Join(have, ", ")
	case len(elsewhere) == 0:
		return text + ": it takes no block"
	}
	if len(elsewhere) > 0 {
		text += ": it is an option of " + strings.Join(elsewhere, ", and of ")
	}
	return text
}

// meant is a question about a mistyped name, to stand in a sentence; empty where
// nothing is near.
func meant(word string, names []string) string {
	if near, ok := Nearest(word, names); ok {
		return "did you mean `" + near + "`? "
	}
	return ""
}

// homes are the blocks that have an option, but for this one.
func homes(word, but string) (found []string) {
	for _, b := range blocks {
		if b.name != but && slices.Contains(strings.Fields(b.options), word) {
			found = append(found, b.called)
		}
	}
	return found
}

// Nearest is the name that was most likely meant by a mistyped one: it differs
// by one slip (a letter too many, too few, another, or two in another order) in
// up to five letters, by two in longer words. In doubt there is none.
func Nearest(word string, names []string) (nearest string, ok bool) {
	const never = 1 << 10
	best, twice := never, false
	for _, name := range names {
		switch slips := distance(strings.ToLower(word), strings.ToLower(name)); {
		case slips > allowed(word) || slips > best || slips >= utf8.RuneCountInString(name):
		case slips == best:
			twice = true
		default:
			nearest, best, twice = name, slips, false
		}
	}
	return nearest, best < never && !twice
}

// Slip is Nearest for what is refused by it: only a letter that is missing or too
// many, or two in another order, make a name a mistyped one, for names such as
// team-a and team-b differ by another letter on purpose.
func Slip(word string, names []string) (meant string, ok bool) {
	for _, name := range names {
		a, b := []rune(word), []rune(name)
		if len(b) < 4 || word == name || distance(word, name) != 1 {
			continue
		}
		if len(a) != len(b) || !oneOther(a, b) {
			return name, true
		}
	}
	return "", false
}

// oneOther reports whether two words of one length differ in one letter.
func oneOther(a, b []rune) bool {
	differ := 0
	for i := range a {
		if a[i] != b[i] {
			differ++
		}
	}
	return differ == 1
}

func allowed(word string) int {
	if utf8.RuneCountInString(word) > 5 {
		return 2
	}
	return 1
}

// distance counts the slips between two words: Damerau's and Levenshtein's, by
// optimal string alignment.
func distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			row[j+1] = min(last[j+1], row[j]) + 1
			if a[i] == b[j] {
				row[j+1] = min(row[j+1], last[j])
			} else {
				row[j+1] = min(row[j+1], last[j]+1)
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
