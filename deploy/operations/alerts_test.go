package operations_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Who is woken by an alert finds its paragraph, with the three things that it says.
func TestEveryAlertHasItsParagraph(t *testing.T) {
	told := alertsOf(readFile(t, "deploy/OPERATIONS.md"))
	for name, text := range told {
		for _, part := range []string{"*Why:*", "*First:*"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s says no %s", name, part)
			}
		}
	}
	rules := readFile(t, "deploy/monitoring/rules.yaml")
	var fired []string
	for _, m := range regexp.MustCompile(`(?m)^\s*-?\s*alert:\s*(\w+)`).FindAllStringSubmatch(rules, -1) {
		fired = append(fired, m[1])
		if _, ok := told[m[1]]; !ok {
			t.Errorf("%s has no paragraph", m[1])
		}
	}
	for name := range told {
		if !slices.Contains(fired, name) {
			t.Errorf("%s is no alert", name)
		}
	}
}

// alertsOf are the paragraphs below the heading, by their names.
func alertsOf(text string) map[string]string {
	_, text, _ = strings.Cut(text, "\n## Alerts\n")
	text, _, _ = strings.Cut(text, "\n## ")
	found := make(map[string]string)
	for _, part := range strings.Split(text, "\n### ")[1:] {
		name, paragraph, _ := strings.Cut(part, "\n")
		found[name] = paragraph
	}
	return found
}

// A link that leads nowhere is found at night otherwise.
func TestEveryLinkOfTheDocumentLeadsSomewhere(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)\s]*)\)`).FindAllStringSubmatch(readFile(t, "deploy/OPERATIONS.md"), -1) {
		file, heading, _ := strings.Cut(m[1], "#")
		if file == "" {
			file = "OPERATIONS.md"
		}
		if !slices.Contains(anchors(readFile(t, "deploy/"+file)), heading) && heading != "" {
			t.Errorf("%s has no heading for #%s", file, heading)
		}
	}
}

// anchors are what the headings are called in an address.
func anchors(text string) (found []string) {
	left := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); title != line {
			found = append(found, strings.ReplaceAll(left.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-"))
		}
	}
	return found
}
