package main

import (
	"fmt"
	"path"
	"strings"
)

// text shows one way: a heading, the files in their order, how often the list
// comes back to a package that it had left, and how often the way turns back.
func (t *trace) text(title string, turns bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "## %s\n", title)
	for _, file := range t.files {
		fmt.Fprintln(&out, file)
	}
	fmt.Fprintf(&out, "%d files; comes back to a package %d times; turns back from file to file %d, from package to package %d\n",
		len(t.files), t.comesBack(), len(t.turns), len(t.rooms))
	if turns {
		for _, c := range append(t.turns[:len(t.turns):len(t.turns)], t.rooms...) {
			fmt.Fprintf(&out, "back: %s -> %s\n", c.from, c.to)
		}
	}
	return out.String() + "\n"
}

// comesBack counts how often a package follows another in the list that had its
// turn before.
func (t *trace) comesBack() int {
	times, last, had := 0, "", make(map[string]bool)
	for _, file := range t.files {
		room := path.Dir(file)
		if room != last && had[room] {
			times++
		}
		last, had[room] = room, true
	}
	return times
}
