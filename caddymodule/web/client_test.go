package web_test

import (
	"bytes"
	"compress/gzip"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func TestScriptsAreServedWithoutWhatIsForReadersAlone(t *testing.T) {
	for _, f := range web.ClientFiles() {
		forReaders := regexp.MustCompile(`(?m)^([ \t]|//|$)`).FindAllIndex(bytes.TrimRight(f.Body, "\n"), -1)
		if served := len(forReaders) > 0; served != strings.HasSuffix(f.Name, ".d.ts") {
			t.Errorf("%s has %d lines that are comments, empty or indented", f.Name, len(forReaders))
		}
	}
}

// What a page waits for is small, however an operator compresses it: 5 is the level
// of Caddy's encode.
func TestTheClientIsSmall(t *testing.T) {
	most := map[string]int{"client.js": 3000, "react.js": 300}
	for _, f := range web.ClientFiles() {
		limit, ok := most[f.Name]
		if !ok {
			continue // types are for editors
		}
		delete(most, f.Name)
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.Body); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if packed.Len() >= limit {
			t.Errorf("%s is %d bytes, compressed; want less than %d", f.Name, packed.Len(), limit)
		}
	}
	if len(most) > 0 {
		t.Errorf("there is none of %v", most)
	}
}
