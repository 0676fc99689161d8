package operations_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The rest of the document speaks of Caddy's package. What is shipped is called
// otherwise, and a command for another is tried in vain at night.
func TestEachWayToRunItHasItsCommands(t *testing.T) {
	_, section, _ := strings.Cut(readFile(t, "deploy/OPERATIONS.md"), "\n## Each way to run it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	want := []string{
		"see the log", "ask `ready`, `config`, `keys`", "list, count and end sessions", "see metrics", "check a configuration", "take a changed Caddyfile",
		"restart", "take a changed secret", "back up sessions", "upgrade", "go back",
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(section) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | "); len(cells) > 2 {
			rows[strings.TrimSpace(cells[0])] = cells[1:]
		}
	}
	for _, name := range want {
		if cells := rows[name]; len(cells) != 4 {
			t.Errorf("%s has %d ways: %q", name, len(cells), cells)
		}
	}
	shipped := make(map[string]string)
	for _, file := range []string{"systemd/sidegate.service", "systemd/sidegate.caddy", "docker/compose.yaml", "docker/gateway.caddy", "kubernetes/base/deployment.yaml", "kubernetes/base/gateway.caddy"} {
		shipped[file] = readFile(t, "deploy/"+file)
	}
	for _, held := range []struct{ says, file, has string }{
		{"S=unix//run/sidegate/admin.sock", "docker/gateway.caddy", "admin unix//run/sidegate/admin.sock"},
		{"S=unix//run/sidegate/admin.sock", "kubernetes/base/gateway.caddy", "admin unix//run/sidegate/admin.sock"},
		{"S=unix//run/sidegate/admin.sock", "systemd/sidegate.caddy", "admin unix/{$RUNTIME_DIRECTORY:/run/sidegate}/admin.sock"},
		{"LoadCredential=secret:/etc/sidegate/secret", "systemd/sidegate.service", "\nLoadCredential=secret:/etc/sidegate/secret\n"},
		{"--uid=sidegate", "systemd/sidegate.service", "\nUser=sidegate\n"},
		{"/usr/local/bin/caddy", "systemd/sidegate.service", "\nExecStart=/usr/local/bin/caddy run --config /etc/sidegate/Caddyfile\n"},
		{"-c gateway", "kubernetes/base/deployment.yaml", "- name: gateway\n"},
		{"$C exec gateway", "docker/compose.yaml", "\n  gateway:\n"},
		{"{file.{$CREDENTIALS_DIRECTORY:/run/credentials/sidegate.service}/", "systemd/sidegate.caddy", "{file.{$CREDENTIALS_DIRECTORY:/run/credentials/sidegate.service}/"},
	} {
		if !strings.Contains(section, held.says) || !strings.Contains(shipped[held.file], held.has) {
			t.Errorf("%s is said, and %s is to have %q", held.says, held.file, held.has)
		}
	}
}

// What is shipped points here by the name of the section.
func TestTheSectionsThatFilesNameAreThere(t *testing.T) {
	text, named := readFile(t, "deploy/OPERATIONS.md"), 0
	quoted := regexp.MustCompile(`OPERATIONS\.md,\s+(?:#\s+)?"([^"]+)"`)
	for _, folder := range []string{"docker", "systemd", "kubernetes"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.Contains(path, "/secrets/") {
				return err
			}
			file, err := os.ReadFile(path) // #nosec G304 -- of the repository
			for _, found := range quoted.FindAllStringSubmatch(string(file), -1) {
				named++
				if !strings.Contains(text, "\n## "+found[1]+"\n") && !strings.Contains(text, "\n### "+found[1]+"\n") {
					t.Errorf("%s names %q, which is not there", path, found[1])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if named < 4 {
		t.Errorf("only %d were found", named)
	}
}
