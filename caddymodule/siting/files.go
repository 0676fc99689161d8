package siting

import (
	"encoding/json"
	"slices"
	"strings"
)

// files is what has become of a request by a matcher that looks for files, as
// that of php_fastcgi.
type files struct {
	last     string   // the file that is taken where the path is none of a file
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

// last is the file that is taken where the path of a request is none of a file, as
// the page of an app of a single page; empty where that cannot be told. The file is
// taken to be there.
func (m matcher) last() string {
	var file struct {
		TryFiles  []string `json:"try_files"`
		TryPolicy string   `json:"try_policy"`
	}
	if json.Unmarshal(m.raw, &file) != nil || len(file.TryFiles) < 2 || !slices.Contains([]string{"", "first_exist", "first_exist_fallback"}, file.TryPolicy) {
		return ""
	}
	last, before := file.TryFiles[len(file.TryFiles)-1], file.TryFiles[:len(file.TryFiles)-1]
	if strings.ContainsAny(last, "{*?[=") || slices.ContainsFunc(before, func(try string) bool { return !strings.HasPrefix(try, "{http.request.uri.path}") }) {
		return ""
	}
	return "/" + strings.TrimPrefix(last, "/")
}

// try notes which files the matchers of a route look for.
func (f *files) try(sets [][]matcher) {
	for _, set := range sets {
		for _, m := range set {
			if m.name != "file" {
				continue
			}
			f.tries, f.last = nil, ""
			if len(sets) == 1 {
				f.tries, f.last = m.tries(), m.last()
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
	f.tries, f.last = nil, "" // the later ones may have been found
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
