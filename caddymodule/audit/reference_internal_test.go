package audit

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// chapter is what the reference says of the audit log.
func chapter(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, found, ok := strings.Cut(string(text), "\n## The audit log\n")
	if !ok {
		t.Fatal("there is no chapter of the audit log")
	}
	found, _, _ = strings.Cut(found, "\n## ")
	return found
}

// quoted are the words in backquotes of a cell.
func quoted(cell string) (words []string) {
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			words = append(words, part)
		}
	}
	return words
}

// Who searches for what a person did, or nobody, goes by these words.
func TestTheReferenceTellsOfWhoseDoingItIs(t *testing.T) {
	_, row, _ := strings.Cut(chapter(t), "\n| `by` | ")
	by, _, _ := strings.Cut(row, "\n")
	for _, w := range all() {
		if !slices.Contains(quoted(by), w.by) {
			t.Errorf("the reference does not tell of by %q", w.by)
		}
	}
}
