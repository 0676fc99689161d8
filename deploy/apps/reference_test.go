package apps_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tried is a row of the reference's table of apps of one that was.
var tried = regexp.MustCompile(`(?m)^\| (\w+)(?: \(.*?\))? \| (.*?) \| .* \| [0-9.]+ of (?:Debian 12|npm) \|$`)

func TestTheReferenceSaysWhatIsTried(t *testing.T) {
	text, err := os.ReadFile("../REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n### apps\n")
	table, _, _ = strings.Cut(table, "\n#")
	var told, here []string
	for _, row := range tried.FindAllStringSubmatch(table, -1) {
		told = append(told, row[1]+": "+row[2])
	}
	for _, a := range append(slices.Clone(apps), tiddlywiki("")) {
		preset, _, _ := strings.Cut(a.auth, "\n")
		here = append(here, a.name+": `"+preset+"`")
	}
	slices.Sort(told)
	slices.Sort(here)
	if !slices.Equal(told, here) {
		t.Errorf("the reference says %q; here are %q", told, here)
	}
}
