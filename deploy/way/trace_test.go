package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestAWay(t *testing.T) {
	for _, c := range []struct {
		name, notes  string
		files        string
		turns, rooms []call
	}{
		{"is the files in the order of their first entry", "in 1 a/a ServeHTTP, in 1 b/b F, out 1, in 1 a/c G, out 1, in 1 b/b F, out 1, out 1", "a/a b/b a/c", nil, nil},
		{"begins where a request is served", "in 1 a/a Start, out 1, in 1 a/b ServeHTTP, out 1", "a/b", nil, nil},
		{"leaves out what runs beside it", "new 2 1, in 2 a/w watch, in 1 a/a ServeHTTP, in 2 b/b F, out 2, out 1, out 2", "a/a", nil, nil},
		{"goes on in goroutines that it begins", "in 1 a/a ServeHTTP, new 2 1, in 2 b/b F, new 3 2, in 3 c/c G, out 3, out 2, out 1", "a/a b/b c/c", nil, nil},
		{"turns back where a file calls one further up", "in 1 a/a ServeHTTP, in 1 a/b F, in 1 a/a G, out 1, in 1 a/a G, out 1, out 1, out 1", "a/a a/b", []call{{"a/b", "a/a"}}, nil},
		{"turns back to a package too", "in 1 a/a ServeHTTP, in 1 b/b F, in 1 a/c G, out 1, out 1, out 1", "a/a b/b a/c", nil, []call{{"b", "a"}}},
		{"goes straight on where a file calls itself", "in 1 a/a ServeHTTP, in 1 a/a F, out 1, in 1 a/b G, out 1, out 1", "a/a a/b", nil, nil},
		{"goes straight on where a literal is called", "in 1 a/a ServeHTTP, in 1 b/b F, in 1 a/a func, in 1 c/c G, out 1, out 1, out 1, out 1", "a/a b/b c/c", nil, nil},
		{"is two requests, if need be", "in 1 a/a ServeHTTP, out 1, in 2 a/a ServeHTTP, in 2 b/b F, out 2, out 2", "a/a b/b", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := newTrace()
			for line := range strings.SplitSeq(c.notes, ", ") {
				if err := seen.read(line); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(seen.files, " "); got != c.files || !reflect.DeepEqual(seen.turns, c.turns) || !reflect.DeepEqual(seen.rooms, c.rooms) {
				t.Errorf("got %s %v %v", got, seen.turns, seen.rooms)
			}
			if !seen.done() {
				t.Error("it is not done")
			}
		})
	}
}

func TestAWayIsNotDoneWhileSomebodyIsAtWork(t *testing.T) {
	seen := newTrace()
	for _, step := range []struct {
		line string
		done bool
	}{
		{"in 9 a/w watch", false}, {"in 1 a/a ServeHTTP", false}, {"new 2 1", false}, {"in 2 b/b F", false}, {"out 1", false}, {"out 2", true},
	} {
		if err := seen.read(step.line); err != nil || seen.done() != step.done {
			t.Errorf("after %q: done %v, %v", step.line, seen.done(), err)
		}
	}
}

func TestALineThatIsNoneOfTheRecordersIsAnError(t *testing.T) {
	for _, line := range []string{"", "in 1", "out", "panic: no"} {
		if newTrace().read(line) == nil {
			t.Errorf("%q is taken", line)
		}
	}
}

func TestThePrintedListSaysHowStraightItIs(t *testing.T) {
	seen := &trace{files: []string{"a/a", "b/b", "a/c", "a/d", "b/e"}, turns: []call{{"a/c", "a/a"}}, rooms: []call{{"b", "a"}}}
	want := "## a request\na/a\nb/b\na/c\na/d\nb/e\n5 files; comes back to a package 2 times; turns back from file to file 1, from package to package 1\n" +
		"back: a/c -> a/a\nback: b -> a\n\n"
	if got := seen.text("a request", true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
