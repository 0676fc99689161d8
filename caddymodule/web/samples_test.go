package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// What an operator's template says of a page is run before anybody sees it.
func TestEveryPageHasSamples(t *testing.T) {
	files, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var defined []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`(?m)^\{\{define "(\w+)"\}\}(\{\{template "top")?`).FindAllStringSubmatch(string(text), -1) {
			if found[2] != "" && found[1] != "docs" { // which is the gateway's own: nobody replaces it
				defined = append(defined, found[1])
			}
		}
	}
	slices.Sort(defined)
	if !slices.Equal(defined, web.Pages()) {
		t.Errorf("there are the pages\n%q, and samples of\n%q", defined, web.Pages())
	}
}

func TestSamplesFillOurOwnPages(t *testing.T) {
	look, err := web.NewLook(web.Appearance{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = look.Try(func(page, ours string) error {
		seen++
		if !strings.Contains(page, "</html>") || !strings.Contains(ours, `<html lang="en"`) {
			t.Errorf("a page is\n%s", page)
		}
		return nil
	})
	if err != nil || seen < 2*len(web.Pages()) {
		t.Errorf("%d pages were made: %v", seen, err)
	}
}
