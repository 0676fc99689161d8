package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// serving is the name of the methods that requests come in by.
const serving = "ServeHTTP"

// call is one that goes from a file into another.
type call struct{ from, to string }

// trace follows what the recorder wrote. Only goroutines count that serve a
// request, and those that they begin.
type trace struct {
	// files are those entered, the first first.
	files []string
	// turns are the calls that go back up: into a file that is at work further
	// up already, and had called another. Each is told once. A function literal
	// is of where it is written, not of who calls it: calling it is no turn.
	turns []call
	// rooms are the turns that leave their package, by packages.
	rooms []call

	stacks map[string][]string // of files, by goroutine
	served map[string]bool     // goroutines that served, or were begun by such a one
}

func newTrace() *trace {
	return &trace{stacks: make(map[string][]string), served: make(map[string]bool)}
}

// read takes one line.
func (t *trace) read(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 3 && words[0] == "new":
		t.served[words[1]] = t.served[words[2]]
	case len(words) == 4 && words[0] == "in":
		t.enter(words[1], words[2], words[3])
	case len(words) == 2 && words[0] == "out":
		t.leave(words[1])
	default:
		return fmt.Errorf("the recorder wrote %q", line)
	}
	return nil
}

func (t *trace) enter(goroutine, file, function string) {
	if !t.serves(goroutine, function) {
		return
	}
	if !slices.Contains(t.files, file) {
		t.files = append(t.files, file)
	}
	stack := t.stacks[goroutine]
	if function != literal {
		t.turns = turn(t.turns, stack, file)
		t.rooms = turn(t.rooms, roomsOf(stack), path.Dir(file))
	}
	t.stacks[goroutine] = append(stack, file)
}

// serves tells whether a goroutine counts, from here on.
func (t *trace) serves(goroutine, function string) bool {
	if function == serving {
		t.served[goroutine] = true
	}
	return t.served[goroutine]
}

func (t *trace) leave(goroutine string) {
	if n := len(t.stacks[goroutine]); n > 0 {
		t.stacks[goroutine] = t.stacks[goroutine][:n-1]
	}
}

// done tells that a request was served, and that nobody is at work for one.
func (t *trace) done() bool {
	for _, stack := range t.stacks {
		if len(stack) > 0 {
			return false
		}
	}
	return len(t.files) > 0
}

// turn adds the call to what there is, if it goes back up and is not known yet.
func turn(known []call, stack []string, to string) []call {
	if len(stack) == 0 {
		return known
	}
	c := call{stack[len(stack)-1], to}
	if c.from == to || !slices.Contains(stack, to) || slices.Contains(known, c) {
		return known
	}
	return append(known, c)
}

func roomsOf(files []string) []string {
	rooms := make([]string, len(files))
	for i, file := range files {
		rooms[i] = path.Dir(file)
	}
	return rooms
}
