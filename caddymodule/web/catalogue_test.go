package web_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// catalogue is the texts of a language as they stand in their file.
func catalogue(t *testing.T, tag string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("texts/" + tag + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]string
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	// What stands there twice is decoded once.
	if lines := strings.Count(string(text), "\n"); lines != len(c)+2 {
		t.Errorf("%s has %d lines for %d texts", tag, lines, len(c))
	}
	return c
}

var placeholder = regexp.MustCompile(`\{[^}]*\}?`)

func places(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	english, german := catalogue(t, "en"), catalogue(t, "de")
	for _, key := range slices.Sorted(maps.Keys(english)) {
		said, ok := german[key]
		switch {
		case !ok:
			t.Errorf("%s is not in German", key)
		case strings.TrimSpace(said) == "" || strings.TrimSpace(english[key]) == "":
			t.Errorf("%s says nothing", key)
		case !slices.Equal(places(said), places(english[key])):
			t.Errorf("%s has the places %q in English, %q in German", key, places(english[key]), places(said))
		}
	}
	for key := range german {
		if _, ok := english[key]; !ok {
			t.Errorf("%s is not in English", key)
		}
	}
}

func TestEveryTextIsUsedAndThere(t *testing.T) {
	english := catalogue(t, "en")
	areas := map[string]bool{}
	for key := range english {
		area, _, _ := strings.Cut(key, ".")
		areas[area] = true
	}
	used := map[string]bool{}
	for key := range inTemplates(t) {
		if used[key] = true; english[key] == "" {
			t.Errorf("a template says %q, which is not in the catalogue", key)
		}
	}
	for key := range inSources(t) {
		area, _, dotted := strings.Cut(key, ".")
		if used[key] = true; dotted && areas[area] && english[key] == "" {
			t.Errorf("the program says %q, which is not in the catalogue", key)
		}
	}
	for key := range english {
		if !used[key] {
			t.Errorf("nobody says %q", key)
		}
	}
}

// inTemplates are the keys that templates take texts by.
func inTemplates(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("pages/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	action, call := regexp.MustCompile(`\{\{.*?\}\}`), regexp.MustCompile(`[{( ]tb? ("[^"]*"|\S+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, within := range action.FindAllString(string(text), -1) {
			for _, found := range call.FindAllStringSubmatch(within, -1) {
				key, err := strconv.Unquote(found[1])
				if err != nil {
					t.Errorf("%s: %s takes a text by no fixed key", file, within)
				}
				keys[key] = true
			}
		}
	}
	return keys
}

// inSources are the texts in quotes of the program that could be keys.
func inSources(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	word := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)*$`)
	for _, folder := range []string{".", "../refusal", "../endpoint"} {
		packages, err := parser.ParseDir(token.NewFileSet(), folder, func(f os.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // build tags do not matter here
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if text, err := strconv.Unquote(l.Value); err == nil && word.MatchString(text) {
						keys[text] = true
					}
				}
				return true
			})
		}
	}
	return keys
}

// CVE-2024-21496: what is shown is text, whatever it looks like, in whichever language.
func TestWhatATextTakesInIsEscaped(t *testing.T) {
	for _, tag := range []string{"en", "de"} {
		w := record(func(w http.ResponseWriter) {
			web.Logout{Base: "/auth", SignedInAs: `<b>{0}</b>&{1}`}.Write(w, in(tag), http.StatusOK)
		})
		if !strings.Contains(w.Body.String(), "<strong>&lt;b&gt;{0}&lt;/b&gt;&amp;{1}</strong>") {
			t.Errorf("%s: the page is\n%s", tag, w.Body)
		}
	}
}

func TestATextThatThereIsNotIsSaidByItsKey(t *testing.T) {
	if got := in("de").Text("no.such.key", "x"); got != "no.such.key" {
		t.Errorf("it is %q", got)
	}
}
