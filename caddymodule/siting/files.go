package siting

import (
	"encoding/json"
	"slices"
	"strings"
)

// files is what has become of a request by a matcher that looks for files, as
// that of php_fastcgi.
type files struct {
	tries    []string // the files that were looked for, where one is always found
	fallback string   // the path of every request but those for files that are there
	left     string   // what has answered all but those
	within   int      // of how many matchers
}

// tries are the files that a matcher looks for of which the last is taken where
// none is there; nil where the matcher may fail.
func (m matcher) tries() []string {
	var file struct {
		TryFiles  []string `json:"try_files"`
		TryPolicy string   `json:"try_policy"`
		FS        string   `json:"fs"`
	}
	if json.Unmarshal(m.raw, &file) != nil || file.TryPolicy != "first_exist_fallback" || file.FS != "" ||
		slices.ContainsFunc(file.TryFiles, func(name string) bool { return strings.HasPrefix(name, "=") }) {
		return nil
	}
	return file.TryFiles
}

// try notes which files the matchers of a route look for.
func (f *files) try(sets [][]matcher) {
	for _, set := range sets {
		for _, m := range set {
			if m.name != "file" {
				continue
			}
			f.tries = nil
			if len(sets) == 1 {
				f.tries = m.tries()
			}
		}
	}
}

// toFile is a request for the file that was found.
func (s state) toFile() state {
	last := s.tries[len(s.tries)-1]
	s.path, s.fallback = "", ""
	if strings.ContainsAny(last, "{*?[") {
		return s
	}
	last = "/" + strings.TrimPrefix(last, "/")
	if len(s.tries) == 1 {
		s.path = last
	} else {
		s.fallback = last
	}
	return s
}

// merge is what is known where a request has come one way or the other.
func (f files) merge(other files) files {
	if f.fallback != other.fallback {
		f.fallback = ""
	}
	f.tries = nil // the later ones may have been found
	return f
}

// butFiles is merge, of a route that a request may go past: where only requests
// for files that are there do, that is noted.
func (w *walker) butFiles(sets [][]matcher, at place, past, through state) state {
	s := merge(past, through)
	if past.fallback == "" || !past.alive || through.alive || !givesAway(through.ended) {
		return s
	}
	past.path = past.fallback
	if w.matches(sets, at, past) == yes {
		s.left, s.within, s.fallback = through.ended, len(at.told), ""
	}
	return s
}
