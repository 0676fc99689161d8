package main

import (
	"bytes"
	"runtime/pprof"
	"testing"
)

func TestParseHeap(t *testing.T) {
	t.Run("of a profile that Go wrote", func(t *testing.T) {
		var first, second bytes.Buffer
		for _, b := range []*bytes.Buffer{&first, &second} {
			if err := pprof.Lookup("heap").WriteTo(b, 1); err != nil {
				t.Fatal(err)
			}
		}
		before, err := parseHeap(first.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseHeap(second.Bytes())
		if err != nil || before.live < 1 || after.mallocs <= before.mallocs {
			t.Errorf("from %+v to %+v, %v", before, after, err)
		}
	})
	for _, c := range []struct {
		name, text string
		want       heap
		good       bool
	}{
		{"names are whole names", "\n# HeapAlloc = 5\n# TotalMallocs = 1\n# Mallocs = 7\n# HeapAllocs = 9\n", heap{mallocs: 7, live: 5}, true},
		{"one figure missing is an error", "\n# Mallocs = 7\n", heap{}, false},
		{"a figure that is none is an error", "\n# Mallocs = x\n# HeapAlloc = 5\n", heap{}, false},
		{"an empty answer is an error", "", heap{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseHeap([]byte(c.text))
			if (err == nil) != c.good || c.good && got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
