package caddymodule_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func importBreaches(s source) []string {
	all, err := rooms()
	if err != nil {
		return []string{err.Error()}
	}
	if s.isTest() {
		return nil
	}
	r, ok := roomOf(all, s.name)
	if !ok {
		return []string{s.name + ": lies in no room of CONTRIBUTING.md"}
	}
	var found []string
	for _, p := range s.imports() {
		if !r.admits(p) {
			found = append(found, fmt.Sprintf("%s: %s may not import %s", s.name, r.folder, p))
		}
	}
	return found
}

func (r room) admits(importPath string) bool {
	matches := func(pattern string) bool { return match(pattern, importPath) }
	if slices.ContainsFunc(r.not, matches) {
		return false
	}
	if slices.ContainsFunc(logging, matches) {
		return slices.ContainsFunc(r.may, matches)
	}
	return isStandard(importPath) || slices.ContainsFunc(r.may, matches)
}

func match(pattern, importPath string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return importPath == folder || below && strings.HasPrefix(importPath, folder+"/")
}

// isStandard relies on what the go command does: only the standard library has
// no dot in the first element of its import paths.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func testSupportBreaches(s source) []string {
	var found []string
	for _, p := range s.imports() {
		support := p == "testing" || strings.HasPrefix(p, house) && isTestSupport(p)
		if support && !s.isTest() {
			found = append(found, fmt.Sprintf("%s: imports %s, which is for tests", s.name, p))
		}
	}
	return found
}

func lengthBreaches(s source) []string {
	if lines := s.lines.Position(s.syntax.FileEnd).Line; lines > 350 && !s.isTest() {
		return []string{fmt.Sprintf("%s: %d lines", s.name, lines)}
	}
	return nil
}

// testFolders hold black-box tests over whole servers, and a doc.go. What they
// share is gatewaytest's.
var testFolders = []string{"caddymodule/attacks", "caddymodule/faults", "caddymodule/migrating", "caddymodule/verifying", "caddymodule/web/clienttest"}

func testFolderBreaches(s source) []string {
	if !slices.Contains(testFolders, path.Dir(s.name)) || s.isTest() || path.Base(s.name) == "doc.go" {
		return nil
	}
	return []string{s.name + ": stands among tests and is none"}
}

func nameBreaches(s source) []string {
	switch name := strings.TrimSuffix(s.syntax.Name.Name, "_test"); name {
	case "util", "utils", "common", "helper", "helpers", "misc":
		return []string{fmt.Sprintf("%s: package %s says nothing: name it after what it is about", s.name, name)}
	}
	return nil
}

// sleepBreaches finds time.Sleep where it is called and where it is passed on.
func sleepBreaches(s source) []string {
	if !s.isTest() {
		return nil
	}
	var found []string
	clock := s.nameOf("time")
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "Sleep" {
			return true
		}
		if from, ok := selector.X.(*ast.Ident); ok && from.Name == clock {
			found = append(found, fmt.Sprintf("%v: wait for a condition, or put an injected clock forward", s.lines.Position(n.Pos())))
		}
		return true
	})
	return found
}

// momentBreaches finds times that are logged as such: Caddy writes them as seconds since
// 1970, which nobody reads.
func momentBreaches(s source) (found []string) {
	zap := s.nameOf("go.uber.org/zap")
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok || s.isTest() || !strings.HasPrefix(selector.Sel.Name, "Time") {
			return true
		}
		if from, ok := selector.X.(*ast.Ident); ok && from.Name == zap {
			found = append(found, fmt.Sprintf("%v: log a text by RFC 3339", s.lines.Position(n.Pos())))
		}
		return true
	})
	return found
}

// nameOf is what the file calls an imported package.
func (s source) nameOf(importPath string) string {
	for _, spec := range s.syntax.Imports {
		if spec.Path.Value == strconv.Quote(importPath) && spec.Name != nil {
			return spec.Name.Name
		}
	}
	return path.Base(importPath)
}

// onOneLine is a block of a Caddyfile that is written out on one line, with an option
// and its value in it. Caddy takes none, so nobody can copy it.
var onOneLine = regexp.MustCompile("`[^`]*\\{ [a-z_]+ [^`}]+\\}`")

// withArgument is the same of a block behind an argument, with a bare word in it.
var withArgument = regexp.MustCompile("`[a-z_]+ [^`{ ]+ \\{ [a-z_]+ \\}`")

// A reader pastes what a document says. Caddy takes no block on one line.
func TestNoDocumentSaysABlockOnOneLine(t *testing.T) {
	documents, err := filepath.Glob("../deploy/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatalf("%d documents: %v", len(documents), err)
	}
	for _, name := range append(documents, "../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range blocksOnOneLine(string(text)) {
			t.Errorf("%s: %s: write it on lines of its own, or say in which block the option stands", name, found)
		}
	}
	for said, want := range map[string]int{"say `path /x { method GET; public }`": 1, "`path /x { public }`": 1, "`token { issuer }` and `cookie { ... }`": 0} {
		if got := blocksOnOneLine(said); len(got) != want {
			t.Errorf("%s: %q", said, got)
		}
	}
}

func blocksOnOneLine(text string) (found []string) {
	for line := range strings.Lines(text) {
		found = append(append(found, onOneLine.FindAllString(line, -1)...), withArgument.FindAllString(line, -1)...)
	}
	return found
}

// remedyBreaches finds what people are told to write and cannot.
func remedyBreaches(s source) []string {
	if s.isTest() {
		return nil
	}
	var found []string
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		l, ok := n.(*ast.BasicLit)
		if ok && l.Kind == token.STRING && onOneLine.MatchString(literal(l)) {
			found = append(found, fmt.Sprintf("%v: say in which block the option stands: Caddy takes no block on one line", s.lines.Position(n.Pos())))
		}
		return true
	})
	return found
}
