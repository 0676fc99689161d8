package clienttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheDocumentPassesTheUsualLinters has them look at it with all the rules that they
// recommend; what they only warn of counts.
func TestTheDocumentPassesTheUsualLinters(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("linters")); err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../swagger.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "swagger.yaml"), document)
	write(t, filepath.Join(dir, "wrong.yaml"), []byte(strings.Replace(string(document), "      operationId: postLogout\n", "", 1)))
	if !installed(t, dir, "the linters of the OpenAPI document") {
		return
	}
	for name, command := range map[string][]string{
		"redocly":  {"node_modules/@redocly/cli/bin/cli.js", "lint", "--config", "redocly.yaml", "--lint-config", "error"},
		"spectral": {"node_modules/@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset", ".spectral.yaml", "--fail-severity", "hint", "--display-only-failures"},
	} {
		t.Run(name, func(t *testing.T) {
			mustRun(t, dir, "node", append(command, "swagger.yaml")...)
		})
		t.Run(name+" tells of what is wrong", func(t *testing.T) {
			if printed, err := run(t, dir, "node", append(command, "wrong.yaml")...); err == nil || !strings.Contains(printed, "operationId") {
				t.Errorf("it finds nothing: %v\n%s", err, printed)
			}
		})
	}
}
