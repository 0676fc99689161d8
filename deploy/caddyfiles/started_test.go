package caddyfiles_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// elsewhere are the folders of tests that start some of the Caddyfiles.
var elsewhere = []string{".", "../../caddymodule", "../providertest"}

// A Caddyfile that no test names is adapted and validated, and nobody has seen it.
func TestEveryCaddyfileIsStartedByATest(t *testing.T) {
	var tests strings.Builder
	for _, folder := range elsewhere {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	files, err := filepath.Glob("*.Caddyfile")
	if err != nil || len(files) < 10 {
		t.Fatalf("%q: %v", files, err)
	}
	for _, file := range files {
		if named := tests.String(); !strings.Contains(named, `"`+file+`"`) && !strings.Contains(named, `/`+file+`"`) {
			t.Errorf("no test starts %s", file)
		}
	}
}
