package directive

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unknown says what may have been meant by an option that a block does not
// have: the nearest one that it has, the blocks that have it, or what there is.
func unknown(block, word string, options map[string]Option) string {
	have := slices.Sorted(maps.Keys(options))
	text := "unrecognized " + block + " subdirective"
	if isName(word) {
		text += " '" + word + "'"
	}
	elsewhere := homes(word, block)
	near, ok := likely(word, have)
	switch {
	case ok:
		text += ": did you mean `" + near + "`?"
	case len(elsewhere) == 0 && len(have) > 0:
		return text + ": there " + isAre(have) + " " + strings.Join(have, ", ")
	case len(elsewhere) == 0:
		return text + ": it takes no block"
	}
	switch {
	case len(elsewhere) == 0:
		return text
	case ok:
		return text + " Else it is " + strings.Join(elsewhere, ", and ")
	}
	return text + ": it is " + strings.Join(elsewhere, ", and ")
}

func isAre(words []string) string {
	if len(words) == 1 {
		return "is"
	}
	return "are"
}

// likely is the nearest option, or the one that the word is a part of.
func likely(word string, options []string) (option string, ok bool) {
	if option, ok = Nearest(word, options); ok {
		return option, true
	}
	found := 0
	for _, o := range options {
		if slices.Contains(strings.Split(o, "_"), word) {
			option, found = o, found+1
		}
	}
	return option, found == 1
}

// noBlock is for a block behind an option that has none.
func noBlock(block, option string) string {
	return block + ": `" + option + "` takes no block here" + blockElsewhere(option)
}

// blockElsewhere names the block of a word that is an option without one, too.
func blockElsewhere(word string) string {
	for _, b := range blocks {
		if b.name == word {
			return ": there is " + b.called
		}
	}
	return ""
}

// meant is a question about a mistyped name, to stand in a sentence; empty where
// nothing is near.
func meant(word string, names []string) string {
	if near, ok := nearestOfFew(word, names); ok {
		return "did you mean `" + near + "`? "
	}
	return ""
}

// Homes say where an option of ours belongs; none where there is no such option.
func Homes(word string) (found []string) {
	for _, b := range blocks {
		if slices.Contains(strings.Fields(b.options), word) {
			found = append(found, "an option of "+b.called)
		}
	}
	return found
}

// homes say where an option belongs, but for this block.
func homes(word, but string) (found []string) {
	for _, b := range blocks {
		if b.name != but && slices.Contains(strings.Fields(b.options), word) {
			found = append(found, "an option of "+b.called)
		}
	}
	for _, b := range caddys {
		if slices.Contains(strings.Fields(b.options), word) {
			found = append(found, b.called)
		}
	}
	return found
}

// Nearest is the name that was most likely meant by a mistyped one: it differs
// by one slip (a letter too many, too few, another, or two in another order) in
// up to five letters, by two in longer words. In doubt there is none.
func Nearest(word string, names []string) (found string, ok bool) {
	return nearest(word, names, allowed(word))
}

// nearestOfFew is Nearest among the words of a choice, for which more slips leave
// no doubt: two in a word of four letters.
func nearestOfFew(word string, names []string) (string, bool) {
	return nearest(word, names, max(allowed(word), min(2, utf8.RuneCountInString(word)/2)))
}

func nearest(word string, names []string, allowed int) (found string, ok bool) {
	const never = 1 << 10
	best, twice := never, false
	for _, name := range names {
		switch slips := distance(strings.ToLower(word), strings.ToLower(name)); {
		case slips > allowed || slips > best || slips >= utf8.RuneCountInString(name):
		case slips == best:
			twice = true
		default:
			found, best, twice = name, slips, false
		}
	}
	return found, best < never && !twice
}

// Slip is Nearest for what is refused by it: only letters of another case, two in
// another order, and a letter that is missing or too many within the word make a name
// a mistyped one. At its end it may be another on purpose (admin and admins, Kunde and
// Kunden), as with another letter (team-a and team-b), or a digit (team1 and team10).
func Slip(word string, names []string) (meant string, ok bool) {
	for _, name := range names {
		if word == name {
			continue
		}
		a, b := strings.ToLower(word), strings.ToLower(name)
		if a == b || utf8.RuneCountInString(name) >= leastForSlip && distance(a, b) == 1 && isWithin([]rune(a), []rune(b)) {
			return name, true
		}
	}
	return "", false
}

// isWithin reports whether two words that are one slip apart are so by a letter too
// many before the end of the longer one, or by two letters in another order.
func isWithin(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	at := 0
	for at < len(a) && a[at] == b[at] {
		at++
	}
	if len(a) == len(b) {
		return otherAt(string(a), string(b)) < 0 && unicode.IsLetter(a[at]) && unicode.IsLetter(b[at])
	}
	return at < len(a) && unicode.IsLetter(b[at])
}

// leastForSlip is how many letters a name has that is not easily near another.
const leastForSlip = 4

// OtherLetter is Slip for one other letter. That is less sure: ask whether the word
// is used elsewhere. Digits, a letter that stands alone (team-a), and a capital at
// the end (teamA) tell names apart, and are none.
func OtherLetter(word string, names []string) (meant string, ok bool) {
	for _, name := range names {
		a, b := []rune(word), []rune(name)
		i := otherAt(strings.ToLower(word), strings.ToLower(name))
		if i < 0 || len(b) < leastForSlip || len(a) != len(b) || !unicode.IsLetter(a[i]) || !unicode.IsLetter(b[i]) {
			continue
		}
		before, after := i > 0 && unicode.IsLetter(a[i-1]), i+1 < len(a) && unicode.IsLetter(a[i+1])
		numbers := before && !after && unicode.IsUpper(a[i]) && unicode.IsUpper(b[i]) && unicode.IsLower(a[i-1])
		if (before || after) && !numbers {
			return name, true
		}
	}
	return "", false
}

// otherAt is where two words of one length differ, if they do in one letter; else
// it is below 0.
func otherAt(word, name string) int {
	a, b := []rune(word), []rune(name)
	at := -1
	if len(a) != len(b) {
		return -1
	}
	for i := range a {
		switch {
		case a[i] == b[i]:
		case at >= 0:
			return -1
		default:
			at = i
		}
	}
	return at
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
