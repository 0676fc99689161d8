package caddymodule_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"example.com/sidegate/caddymodule/check"
)

// Each golden is a Caddyfile with a mistake, a line of ten dashes, and what
// `caddy sidegate-check` says of it: file, line, and what to do. UPDATE_GOLDENS=1 writes
// what it says now.
func TestMistakesAreToldByTheirLineAndWhatToDo(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d goldens: %v", len(files), err)
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(raw), "----------\n")
			got := mistakeIn(t, text)
			if os.Getenv("UPDATE_GOLDENS") != "" {
				if err := os.WriteFile(file, []byte(text+"----------\n"+got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != strings.TrimSpace(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// mistakeIn is what is said of the Caddyfile, as `caddy validate` does behind the path
// of modules that Caddy puts before what a module says.
func mistakeIn(t *testing.T, text string) string {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err == nil {
		var cfg caddy.Config
		if err = json.Unmarshal(config, &cfg); err == nil {
			err = caddy.Validate(&cfg)
		}
	}
	if err == nil {
		t.Fatalf("it is valid:\n%s", text)
	}
	wd, _ := os.Getwd()
	return strings.TrimSpace(strings.ReplaceAll(check.Said(err), wd, "<here>"))
}
