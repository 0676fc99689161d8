package main

import (
	"fmt"
	"strings"
	"testing"
)

// stream is what `go test -json` prints of some tests.
func stream(lines ...string) *strings.Reader {
	return strings.NewReader(strings.Join(lines, "\n") + "\n")
}

func ends(pkg, name, action string, seconds float64) string {
	return fmt.Sprintf(`{"Action":%q,"Package":%q,"Test":%q,"Elapsed":%v}`, action, pkg, name, seconds)
}

func says(pkg, name, text string) string {
	return fmt.Sprintf(`{"Action":"output","Package":%q,"Test":%q,"Output":%q}`, pkg, name, text)
}

func TestWhatIsPrinted(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  []string
		want   string
		failed bool
	}{
		{"a package that passes has its one line", []string{
			says("a", "TestOne", "=== RUN   TestOne\n"), says("a", "TestOne", "    a_test.go:1: by the way\n"),
			ends("a", "TestOne", "pass", 1), says("a", "", "PASS\n"), says("a", "", "ok  \ta\t1.0s\n"), ends("a", "", "pass", 1),
		}, "ok  \ta\t1.0s\n", false},
		{"a test that fails is shown with its parts, and no other", []string{
			says("a", "TestOne/part", "        a_test.go:1: what was there instead\n"), says("a", "TestTwo", "    a_test.go:9: by the way\n"),
			ends("a", "TestOne/part", "fail", 1), says("a", "TestOne", "--- FAIL: TestOne (1.0s)\n"), ends("a", "TestOne", "fail", 1),
			ends("a", "TestTwo", "pass", 1), says("a", "", "FAIL\ta\t2.0s\n"), ends("a", "", "fail", 2),
		}, "        a_test.go:1: what was there instead\n--- FAIL: TestOne (1.0s)\nFAIL\ta\t2.0s\nfailed: a TestOne/part\nfailed: a TestOne\nfailed: a\n", true},
		{"a test that never ended is shown with its package", []string{
			says("a", "TestOne", "panic: too late\n"), says("a", "", "FAIL\ta\t2.0s\n"), ends("a", "", "fail", 2),
		}, "FAIL\ta\t2.0s\n--- NEVER ENDED: TestOne\npanic: too late\nfailed: a\n", true},
		{"what does not compile is told", []string{
			`{"Action":"build-output","ImportPath":"a","Output":"a.go:1: undefined: x\n"}`, `{"Action":"build-fail","ImportPath":"a"}`,
		}, "a.go:1: undefined: x\n", true},
		{"what the go command says itself is told", []string{"go: no such tool"}, "go: no such tool\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			failed, err := run(stream(c.lines...), &out)
			got, _, _ := strings.Cut(out.String(), "\nthe slowest tests:\n")
			if got != c.want || failed != c.failed || err != nil {
				t.Errorf("failed %v (%v), and printed\n%s\nwant\n%s", failed, err, got, c.want)
			}
		})
	}
}

func TestTheSlowestAreThoseOfAllPackages(t *testing.T) {
	var lines []string
	for i := range 12 {
		name := fmt.Sprintf("Test%02d", i)
		lines = append(lines, ends("a", name+"/part", "pass", 99), ends(fmt.Sprint("p", i%3), name, "pass", float64(i)))
	}
	var out strings.Builder
	if _, err := run(stream(lines...), &out); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(out.String(), "the slowest tests:\n")
	rows := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
	if len(rows) != shown || rows[0] != "   11.00 s  p2  Test11" || rows[9] != "    2.00 s  p2  Test02" {
		t.Errorf("they are\n%s", list)
	}
}
