package audit

import (
	"maps"
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

// Programs and alerts go by these words: what the reference tells of is what there is.
func TestTheReferenceTellsOfEachEventAndResult(t *testing.T) {
	type pair struct{ event, result string }
	told, are := make(map[pair]bool), make(map[pair]bool)
	for line := range strings.Lines(chapter(t)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		event, result := quoted(cells[1]), quoted(cells[2])
		if len(event) != 1 || len(result) != 1 {
			if event[0] != "event" {
				t.Errorf("the row %q", line)
			}
			continue
		}
		told[pair{event[0], result[0]}] = true
	}
	delete(told, pair{"event", "result"})
	for _, all := range []map[string]what{mapped(kinds), ends} {
		for _, w := range all {
			are[pair{w.event, w.result}] = true
		}
	}
	for p := range are {
		if !told[p] {
			t.Errorf("%s, %s is not in the reference", p.event, p.result)
		}
	}
	for p := range told {
		if !are[p] {
			t.Errorf("the reference tells of %s, %s, which there is not", p.event, p.result)
		}
	}
}

func mapped[K ~string](of map[K]what) map[string]what {
	found := make(map[string]what, len(of))
	for k, w := range of {
		found[string(k)] = w
	}
	return found
}

func TestTheReferenceTellsOfEachFieldAndOfWhoseDoingItIs(t *testing.T) {
	_, rows, _ := strings.Cut(chapter(t), "| field | what it says |\n|---|---|\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	var fields []string
	by := ""
	for row := range strings.Lines(rows) {
		cells := strings.Split(row, "|")
		fields = append(fields, quoted(cells[1])...)
		if cells[1] == " `by` " {
			by = cells[2]
		}
	}
	if !slices.Equal(fields, always) {
		t.Errorf("the reference tells of %q; there are %q", fields, always)
	}
	for _, w := range slices.Concat(slices.Collect(maps.Values(kinds)), slices.Collect(maps.Values(ends))) {
		if !slices.Contains(quoted(by), w.by) {
			t.Errorf("the reference does not tell of by %q", w.by)
		}
	}
}
