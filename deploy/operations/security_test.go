package operations_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// testsOf are the names of all tests below a folder.
func testsOf(t *testing.T, house fs.FS) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	must(t, fs.WalkDir(house, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(house, path)
		for _, found := range testFunc.FindAllSubmatch(text, -1) {
			names[string(found[1])] = true
		}
		return err
	}))
	return names
}

// TestEveryPromiseOfTheSecurityDocumentNamesItsTests, which there are: a promise whose
// test has gone, or has another name by now, is none.
func TestEveryPromiseOfTheSecurityDocumentNamesItsTests(t *testing.T) {
	there := testsOf(t, os.DirFS(top))
	rows := 0
	for line := range strings.Lines(readFile(t, "deploy/SECURITY.md")) {
		for _, name := range testName.FindAllStringSubmatch(line, -1) {
			if !there[name[1]] {
				t.Errorf("there is no %s", name[1])
			}
		}
		if !strings.HasPrefix(line, "| ") || slices.ContainsFunc([]string{"promise |", "defence |", "what |"}, func(head string) bool { return strings.HasPrefix(line[2:], head) }) {
			continue
		}
		rows++
		if cells := strings.Split(strings.TrimSpace(line), "|"); !testName.MatchString(cells[len(cells)-2]) {
			t.Errorf("no test keeps\n%s", line)
		}
	}
	if rows < 45 {
		t.Errorf("only %d rows were found", rows)
	}
}

// TestEveryAdvisoryThatATestIsNamedAfterIsInTheSecurityDocument: a defence that nobody
// reads of is taken out one day.
func TestEveryAdvisoryThatATestIsNamedAfterIsInTheSecurityDocument(t *testing.T) {
	text, found := readFile(t, "deploy/SECURITY.md"), 0
	for name := range testsOf(t, os.DirFS(top)) {
		if !strings.Contains(name, "CVE_") {
			continue
		}
		if found++; !strings.Contains(text, "`"+name+"`") {
			t.Errorf("it does not name %s", name)
		}
	}
	if found == 0 {
		t.Error("no test is named after an advisory")
	}
}
