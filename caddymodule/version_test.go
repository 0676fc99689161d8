package caddymodule_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule"
	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestTheVersionIsThatOfTheChangelog(t *testing.T) {
	changelog, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := versionOf(string(changelog)); err != nil || caddymodule.Version != want {
		t.Errorf("version.go says %s, CHANGELOG.md %q (%v)", caddymodule.Version, want, err)
	}
}

var (
	topEntry = regexp.MustCompile(`(?m)^## \[(.+?)\]`)
	coming   = regexp.MustCompile(`The coming version is (\d+\.\d+\.\d+)[.,]`)
)

// versionOf is what version.go has to say by the changelog: its top release,
// or, where the top is yet to be released, the coming one.
func versionOf(changelog string) (string, error) {
	tops := topEntry.FindAllStringSubmatchIndex(changelog, 2)
	if len(tops) == 0 {
		return "", errors.New("it has no entry")
	}
	if top := changelog[tops[0][2]:tops[0][3]]; top != "Unreleased" {
		return "v" + top, nil
	}
	entry := changelog[tops[0][1]:]
	if len(tops) > 1 {
		entry = changelog[tops[0][1]:tops[1][0]]
	}
	version := coming.FindStringSubmatch(entry)
	if version == nil {
		return "", errors.New("what is unreleased does not say which version is coming")
	}
	return "v" + version[1] + "-dev", nil
}

func TestVersionsOfAChangelog(t *testing.T) {
	for _, c := range []struct{ name, changelog, want string }{
		{"what is yet to be released is in development", "# C\n\n## [Unreleased]\n\nThe coming version is 0.2.0.\n\n## [0.1.0] - 2027-01-02\n", "v0.2.0-dev"},
		{"a release is the version", "## [0.2.0] - 2027-01-02\n\nThe coming version is 0.1.0.\n\n## [0.1.0]\n", "v0.2.0"},
		{"of several releases the top one", "## Promises\n\n## [1.10.0] - 2027-01-02\n\n## [1.9.0] - 2026-01-02\n", "v1.10.0"},
		{"the coming version has to be named", "## [Unreleased]\n\n## [0.1.0]\n\nThe coming version is 0.1.0.\n", ""},
		{"a changelog without entries says nothing", "# Changelog\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := versionOf(c.changelog); got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// A binary of tests has no record of its modules, so that Caddy's own version,
// which comes behind ours, is not there to be told.
func TestCaddyVersionTellsOurs(t *testing.T) {
	printed, err := gatewaytest.CaddyCommand(t.Context(), t.TempDir(), "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(printed)); got != "sidegate "+caddymodule.Version {
		t.Errorf("it says %q", got)
	}
}
