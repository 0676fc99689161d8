package starting

import (
	"os"
	"path/filepath"
	"testing"
)

// What is suspected has the whole configuration validated before the start.
func TestWhatIsThereIsNotSuspected(t *testing.T) {
	dir := t.TempDir()
	logo := filepath.Join(dir, "logo.svg")
	if err := os.WriteFile(logo, []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		option, value string
		ours, lacks   bool
	}{
		"a folder of templates":           {"templates", dir, true, false},
		"a folder that is not there":      {"templates", dir + "/none", true, true},
		"a file in the place of it":       {"templates", logo, true, false},
		"a picture":                       {"logo", logo, true, false},
		"a folder in the place of one":    {"logo", dir, true, true},
		"a picture that is not there":     {"logo", logo + "x", true, true},
		"a file of somebody else's":       {"logo", logo + "x", false, false},
		"a placeholder of nothing":        {"secrets", "{env.SIDEGATE_TEST_NOTHING}", true, true},
		"the same in others' options":     {"secrets", "{env.SIDEGATE_TEST_NOTHING}", false, false},
		"the file of a secret":            {"secrets", "{file." + logo + "}", true, false},
		"one that is not there":           {"secrets", "{file." + logo + "x}", true, true},
		"an option that names no file":    {"name", dir + "/none", true, false},
		"something that is read by Caddy": {"path", dir + "/none", true, false},
	} {
		var l look
		if l.at(c.option, c.value, c.ours); l.lacks != c.lacks {
			t.Errorf("%s: suspected %v; want %v", name, l.lacks, c.lacks)
		}
	}
}
