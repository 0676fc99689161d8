// Command slowest reads what `go test -json` prints, of any number of modules
// one after the other, and prints what `go test` would have printed, with the
// ten slowest tests at the end. It fails where a test has.
//
//	./xcaddy.sh test -slowest
//
// The time of a test that waits for others to end before it goes on beside
// them (t.Parallel) is without that wait.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// shown is how many of the slowest tests are printed.
const shown = 10

func main() {
	failed, err := run(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "slowest:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// test names one test; its name is empty for what a package says itself.
type test struct{ pkg, name string }

// timed is a test that has ended.
type timed struct {
	test
	seconds float64
}

// run copies what tests say, and tells whether one has failed.
func run(in io.Reader, out io.Writer) (failed bool, err error) {
	r := &report{out: out, said: make(map[test][]string)}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.take(line)
		}
		if err == io.EOF {
			r.sumUp()
			return r.failed, nil
		}
		if err != nil {
			return r.failed, err
		}
	}
}

// report is what is printed, and what has to wait for the end of its test.
type report struct {
	out    io.Writer
	said   map[test][]string
	ended  []timed
	wrong  []test // those that failed, parts before the whole
	failed bool
}

func (r *report) take(line string) {
	var e event
	// What is no event is the go command itself, which says what is wrong.
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		r.print(line)
		return
	}
	of := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "build-fail":
		r.failed = true
	case "output":
		r.output(of, e.Output)
	case "pass", "skip", "fail":
		r.end(of, e)
	}
}

// output keeps what a test says until it is known whether it fails.
func (r *report) output(of test, text string) {
	switch {
	case of.name == "" && text == "PASS\n", strings.HasPrefix(text, "=== "):
		// As little is said of it without -json.
	case of.name == "":
		r.print(text)
	default:
		r.said[of] = append(r.said[of], text)
	}
}

func (r *report) end(of test, e event) {
	if e.Action == "fail" {
		r.failed = true
		r.wrong = append(r.wrong, of)
		r.print(r.said[of]...)
	}
	delete(r.said, of)
	switch {
	case of.name == "":
		r.orphans(of.pkg, e.Action)
	case !strings.Contains(of.name, "/"): // the time of a part is in that of the whole
		r.ended = append(r.ended, timed{of, e.Elapsed})
	}
}

// orphans prints what tests have said that never ended, with the package that
// failed under them.
func (r *report) orphans(pkg, action string) {
	for of, said := range r.said {
		if of.pkg != pkg {
			continue
		}
		if action == "fail" {
			r.print("--- NEVER ENDED: " + of.name + "\n")
			r.print(said...)
		}
		delete(r.said, of)
	}
}

// sumUp names the tests that failed once more, where nobody has to scroll up
// for them, and the slowest.
func (r *report) sumUp() {
	for _, of := range r.wrong {
		r.print(strings.TrimSpace(fmt.Sprintf("failed: %s %s", of.pkg, of.name)) + "\n")
	}
	slices.SortStableFunc(r.ended, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	r.print("\nthe slowest tests:\n")
	for _, t := range r.ended[:min(shown, len(r.ended))] {
		r.print(fmt.Sprintf("%8.2f s  %s  %s\n", t.seconds, t.pkg, t.name))
	}
}

func (r *report) print(text ...string) {
	for _, part := range text {
		_, _ = io.WriteString(r.out, part) // there is nobody else to tell
	}
}
