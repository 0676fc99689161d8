package mapping

import "fmt"

// maxWord is the most bytes of a word that anything is near to.
const maxWord = 64

// meant asks whether the nearest of the known words was meant, when one is
// near enough to be a slip of the keyboard; else it says nothing.
func meant(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, k := range known {
		if d := distance(word, k); d <= least && d < max(len(word), len(k)) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance counts the letters to change, add or leave out (Levenshtein) to
// make one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
