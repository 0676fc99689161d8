package ownfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAConfigurationThatCannotBeReadIsToldWithTheStepFirst(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.Mkdir(path("folder"), 0o700))
	must(t, os.WriteFile(path("empty"), nil, 0o600))
	must(t, os.WriteFile(path("written"), []byte("{\n}\n"), 0o600))
	must(t, syscall.Mkfifo(path("pipe"), 0o600))
	const adapting = "adapting config using caddyfile: "
	for _, test := range []struct{ name, file, says, told string }{
		{"none", path("none"), "x", "no configuration: there is no " + path("none") + ": make it, or say with --config where it is: x"},
		{"a folder", path("folder"), "x", "no configuration: " + path("folder") + ": it is a folder: name a file in it"},
		{"an empty file", path("empty"), adapting + "EOF", "no configuration: " + path("empty") + " is empty: write the configuration into it, or say with --config where it is: EOF"},
		{"an import of nothing", path("written"), adapting + "File to import not found: rulez, at x:3", "there is neither a snippet nor a file rulez: make one, or mend the line `import`: File to import not found: rulez, at x:3"},
		{"the base of the pods without an overlay", path("written"), adapting + "File to import not found: store.caddy, at x:3", "there is neither a snippet nor a file store.caddy: make one, or mend the line `import` (where this is the configuration of deploy/kubernetes: apply an overlay"},
		{"another mistake", path("written"), adapting + "x", ""},
		{"standard input", "-", "x", ""},
		{"a pipe, which is not opened", path("pipe"), "x", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			known, told := Unread(test.file, nil, errors.New(test.says))
			if known != (test.told != "") || !known && told.Error() != test.says || !strings.HasPrefix(told.Error(), test.told) {
				t.Errorf("told: %v, %t; want %q", told, known, test.told)
			}
		})
	}
	if known, told := Unread(path("none"), []byte("{}"), nil); told != nil || known {
		t.Errorf("told: %v", told)
	}
}

func TestAConfigurationInWhichNothingStandsIsToldWithTheStep(t *testing.T) {
	empty, blank := filepath.Join(t.TempDir(), "x.json"), filepath.Join(t.TempDir(), "y.json")
	must(t, os.WriteFile(empty, nil, 0o600))
	must(t, os.WriteFile(blank, []byte("\n"), 0o600))
	t.Chdir(t.TempDir())
	for file, want := range map[string]string{
		empty: "no configuration: " + empty + " is empty: write the configuration into it, or say with --config where it is",
		"":    "no configuration: there is no Caddyfile: make it, or say with --config where it is",
		blank: "the configuration is empty",
	} {
		if _, told := Unread(file, nil, nil); told == nil || told.Error() != want {
			t.Errorf("told: %v; want %q", told, want)
		}
	}
}
