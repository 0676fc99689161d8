package migrating_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// row is a line of a table: theirs, ours, note.
type row struct{ theirs, ours, note string }

// tables are the rows of all tables of a document whose first column is theirs.
func tables(t testing.TB, file string) (rows []row) {
	t.Helper()
	in := false
	for line := range strings.Lines(worked(t, file)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if strings.HasPrefix(line, "| theirs |") {
			in = true
			continue
		}
		if !strings.HasPrefix(line, "|") {
			in = false
		}
		if !in || strings.HasPrefix(line, "|---") {
			continue
		}
		if len(cells) != 3 {
			t.Fatalf("%s: a row of %d cells: %s", file, len(cells), line)
		}
		rows = append(rows, row{strings.TrimPrefix(cells[0], "| "), cells[1], strings.TrimSuffix(strings.TrimSuffix(cells[2], "|"), " ")})
	}
	return rows
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// named are the options that the rows are about.
func named(rows []row) (options []string) {
	for _, r := range rows {
		for _, found := range inBackticks.FindAllStringSubmatch(r.theirs, -1) {
			options = append(options, found[1])
		}
	}
	return options
}

// Each file is read as whoever moves reads it: what is in their configuration has to be
// in the table.
func TestEveryOptionOfTheWorkedFilesHasARow(t *testing.T) {
	for _, c := range []struct {
		document, file string
		options        func(t *testing.T, text string) []string
	}{
		{"oauth2-proxy.md", "oauth2-proxy.cfg", keysOfCfg},
		{"authelia.md", "authelia.yml", pathsOfYAML},
		{"authelia.md", "authelia.front.caddy", wordsOfForwardAuth},
		{"caddy-security.md", "caddy-security.caddy", linesOfSecurity},
		{"ingress-nginx.md", "ingress-nginx.yaml", annotations},
		{"ingress-nginx.md", "ingress-nginx.ours.yaml", annotations},
	} {
		t.Run(c.file, func(t *testing.T) {
			rows := named(tables(t, c.document))
			options := c.options(t, worked(t, c.file))
			if len(options) < 3 {
				t.Fatalf("only %q were found", options)
			}
			for _, option := range options {
				if !slices.ContainsFunc(rows, func(row string) bool { return begins(option, row) }) {
					t.Errorf("%s has no row for %s", c.document, option)
				}
			}
		})
	}
}

// begins reports whether a row is about the option: the words of a row come first in
// it, up to a value.
func begins(option, row string) bool {
	words, _, _ := strings.Cut(row, " <")
	return option == words || strings.HasPrefix(option, words+" ")
}

func TestEveryRowSaysWhatBecomesOfTheOption(t *testing.T) {
	for document, least := range map[string]int{"oauth2-proxy.md": 80, "authelia.md": 40, "caddy-security.md": 40, "ingress-nginx.md": 15} {
		t.Run(document, func(t *testing.T) {
			rows := tables(t, document)
			if len(rows) < least {
				t.Errorf("there are %d rows", len(rows))
			}
			for _, r := range rows {
				if strings.Trim(r.ours, " -") == "" || len(inBackticks.FindAllString(r.theirs, -1)) == 0 {
					t.Errorf("a row is incomplete: %+v", r)
				}
				if strings.Contains(r.ours, "no equal") && strings.Trim(r.note, " ") == "" {
					t.Errorf("it is not said what to do without %s", r.theirs)
				}
			}
		})
	}
}

func keysOfCfg(_ *testing.T, text string) (keys []string) {
	for line := range strings.Lines(text) {
		if key, _, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") {
			keys = append(keys, key)
		}
	}
	return keys
}

// pathsOfYAML are the keys that hold a value, with those above: session.cookies.name.
func pathsOfYAML(t *testing.T, text string) (paths []string) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				walk(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."))
			}
		case yaml.ScalarNode:
			paths = append(paths, path)
		default:
			for _, below := range n.Content {
				walk(below, path)
			}
		}
	}
	walk(&root, "")
	return paths
}

func wordsOfForwardAuth(_ *testing.T, text string) (words []string) {
	for line := range strings.Lines(text) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains([]string{"forward_auth", "uri", "copy_headers"}, word) {
			words = append(words, word)
		}
	}
	return words
}

// linesOfSecurity are the lines of the global block and what routes say of it.
func linesOfSecurity(_ *testing.T, text string) (lines []string) {
	_, text, _ = strings.Cut(text, "\tsecurity {\n")
	global, sites, _ := strings.Cut(text, "\n}\n")
	for line := range strings.Lines(global) {
		if line = strings.TrimSpace(line); line != "}" && !strings.HasPrefix(line, `"`) { // which is a link's title
			lines = append(lines, strings.TrimSuffix(line, " {"))
		}
	}
	for line := range strings.Lines(sites) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "auth") && strings.Contains(line, " with ") {
			lines = append(lines, line)
		}
	}
	return lines
}

func annotations(t *testing.T, text string) (names []string) {
	for name := range annotated(t, text) {
		names = append(names, name)
	}
	return names
}
