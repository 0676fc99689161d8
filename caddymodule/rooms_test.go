package caddymodule_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const house = "example.com/sidegate/"

// A room is a folder, with all below it, whose packages import themselves, the
// standard library, and what it lists. Patterns are those of the go command:
// `a/b` is that package alone, `a/...` is a and everything below.
type room struct {
	folder string
	proper bool     // the package of the folder alone, without those below
	may    []string // of the house, and of others
	never  []string // goes before may
}

// never is what no room may import: the domain returns errors, it does not log.
var never = []string{"log", "log/slog", "go.uber.org/zap/..."}

const (
	anything = "..."
	caddyAll = "github.com/caddyserver/..."
	handlers = "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	sessions = house + "sessionstore/..."
)

// rooms fixes which way imports go: towards sessionstore, and never back into
// the Caddy modules. caddymodule itself and its command may import everything.
var rooms = []room{
	{folder: "sessionstore", may: []string{anything}, never: []string{caddyAll, house + "caddymodule/..."}},
	{folder: "caddymodule/identity"},
	{
		folder: "caddymodule/login",
		may:    []string{house + "caddymodule/profile", sessions, anything},
		never: []string{
			handlers, house + "caddymodule", house + "caddymodule/identity/...",
			house + "caddymodule/token/...", house + "caddymodule/web/...",
		},
	},
	{folder: "caddymodule/profile", proper: true, may: []string{sessions}},
	{folder: "caddymodule/profile", may: []string{sessions, "cel.dev/cel-go/...", house + "caddymodule/source"}},
	{folder: "caddymodule/source"},
	{
		folder: "caddymodule/token",
		may:    []string{sessions, "github.com/golang-jwt/jwt/v5", "github.com/hashicorp/golang-lru/v2/..."},
	},
	{folder: "caddymodule/web"},
}

func TestTheHouseKeepsItsRules(t *testing.T) {
	tree := os.DirFS("..")
	for _, rule := range []struct {
		name     string
		breaches func(source) []string
	}{
		{"a room imports only what it may", importBreaches},
		{"production code imports no test support", testSupportBreaches},
		{"no package is a drawer for everything", nameBreaches},
		{"no test sleeps", sleepBreaches},
	} {
		t.Run(rule.name, func(t *testing.T) {
			for _, breach := range audit(t, tree, rule.breaches) {
				t.Error(breach)
			}
		})
	}
	t.Run("every room of the rules exists", func(t *testing.T) {
		for _, r := range rooms {
			if _, err := fs.Stat(tree, r.folder); err != nil {
				t.Errorf("room %s: %v", r.folder, err)
			}
		}
	})
}

// The rules themselves are tested, for a rule that finds nothing proves nothing.
func TestRulesFindTheirBreaches(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		breaches         func(source) []string
		want             int
	}{
		{"a store that imports Caddy is found", "sessionstore/redis/a.go", `package redis; import _ "github.com/caddyserver/caddy/v2"`, importBreaches, 1},
		{"a store that imports zap is found", "sessionstore/a.go", `package s; import _ "go.uber.org/zap"`, importBreaches, 1},
		{"a store that logs is found", "sessionstore/a.go", `package s; import _ "log/slog"`, importBreaches, 1},
		{"a store that imports the modules is found", "sessionstore/a.go", `package s; import _ "example.com/sidegate/caddymodule/token"`, importBreaches, 1},
		{"a store may import its driver", "sessionstore/redis/a.go", `package redis; import _ "github.com/redis/go-redis/v9"`, importBreaches, 0},
		{"a test may import what its room may not", "sessionstore/a_test.go", `package s; import _ "log/slog"`, importBreaches, 0},
		{"identity that imports a session is found", "caddymodule/identity/a.go", `package identity; import _ "example.com/sidegate/sessionstore"`, importBreaches, 1},
		{"identity that imports beyond the standard library is found", "caddymodule/identity/a.go", `package identity; import _ "golang.org/x/text/unicode/norm"`, importBreaches, 1},
		{"identity may import the standard library", "caddymodule/identity/a.go", `package identity; import _ "net/http"`, importBreaches, 0},
		{"a login that imports handlers is found", "caddymodule/login/oidc/a.go", `package oidc; import _ "github.com/caddyserver/caddy/v2/modules/caddyhttp"`, importBreaches, 1},
		{"a login that imports the modules is found", "caddymodule/login/a.go", `package login; import _ "example.com/sidegate/caddymodule"`, importBreaches, 1},
		{"a login may import Caddy's password hashes", "caddymodule/login/a.go", `package login; import _ "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"`, importBreaches, 0},
		{"a profile that imports a login is found", "caddymodule/profile/a.go", `package profile; import _ "example.com/sidegate/caddymodule/login"`, importBreaches, 1},
		{"a profile proper that imports its mapping is found", "caddymodule/profile/a.go", `package profile; import _ "example.com/sidegate/caddymodule/profile/mapping"`, importBreaches, 1},
		{"a profile proper that imports CEL is found", "caddymodule/profile/a.go", `package profile; import _ "cel.dev/cel-go/cel"`, importBreaches, 1},
		{"a mapping may import CEL", "caddymodule/profile/mapping/a.go", `package mapping; import _ "cel.dev/cel-go/cel"`, importBreaches, 0},
		{"a mapping that imports a login is found", "caddymodule/profile/mapping/a.go", `package mapping; import _ "example.com/sidegate/caddymodule/login"`, importBreaches, 1},
		{"a directory may import the profile and its mapping", "caddymodule/profile/directory/a.go", `package directory; import (_ "net/http"; _ "example.com/sidegate/caddymodule/source"; _ "example.com/sidegate/caddymodule/profile"; _ "example.com/sidegate/caddymodule/profile/mapping")`, importBreaches, 0},
		{"a source that imports the profile is found", "caddymodule/source/a.go", `package source; import _ "example.com/sidegate/caddymodule/profile"`, importBreaches, 1},
		{"a profile proper that imports a source is found", "caddymodule/profile/a.go", `package profile; import _ "example.com/sidegate/caddymodule/source"`, importBreaches, 1},
		{"a token that imports another JWT library is found", "caddymodule/token/a.go", `package token; import _ "github.com/golang-jwt/jwt/v4"`, importBreaches, 1},
		{"a token may import its JWT library", "caddymodule/token/a.go", `package token; import _ "github.com/golang-jwt/jwt/v5"`, importBreaches, 0},
		{"a folder that only begins like a room is none", "caddymodule/webhook/a.go", `package webhook; import _ "log"`, importBreaches, 0},
		{"production code that imports a contract suite is found", "caddymodule/a.go", `package a; import _ "example.com/sidegate/sessionstore/storetest"`, testSupportBreaches, 1},
		{"production code that imports testing is found", "caddymodule/a.go", `package a; import _ "testing"`, testSupportBreaches, 1},
		{"a test may import a contract suite", "sessionstore/a_test.go", `package s; import _ "example.com/sidegate/sessionstore/storetest"`, testSupportBreaches, 0},
		{"a package called util is found", "caddymodule/util/a.go", `package util`, nameBreaches, 1},
		{"a package called helpers in another folder is found", "caddymodule/x/a.go", `package helpers`, nameBreaches, 1},
		{"a test that sleeps is found", "a_test.go", `package a; import "time"; func f() { time.Sleep(1) }`, sleepBreaches, 1},
		{"a test that sleeps under another name is found", "a_test.go", `package a; import clock "time"; var f = clock.Sleep`, sleepBreaches, 1},
		{"a contract suite that sleeps is found", "storetest/a.go", `package storetest; import "time"; func f() { time.Sleep(1) }`, sleepBreaches, 1},
		{"a test that speaks of sleeping does not sleep", "a_test.go", `package a; import _ "time"; var s = "time.Sleep(1)" // time.Sleep(1)`, sleepBreaches, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{c.file: {Data: []byte(c.text)}}
			if got := audit(t, tree, c.breaches); len(got) != c.want {
				t.Errorf("found %q, want %d breaches", got, c.want)
			}
		})
	}
}

// source is one parsed Go file.
type source struct {
	name   string // slash-separated, from the top of the repository
	syntax *ast.File
	lines  *token.FileSet
}

// audit parses every Go file of the tree and gathers what the rule finds.
func audit(t *testing.T, tree fs.FS, breaches func(source) []string) []string {
	t.Helper()
	var found []string
	files := 0
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		files++
		s, err := parse(tree, name)
		found = append(found, breaches(s)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no Go file was found: nothing was audited")
	}
	return found
}

func parse(tree fs.FS, name string) (source, error) {
	s := source{name: name, syntax: &ast.File{Name: ast.NewIdent("")}, lines: token.NewFileSet()}
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return s, err
	}
	syntax, err := parser.ParseFile(s.lines, name, text, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	s.syntax = syntax
	return s, nil
}

// imports returns the import paths of the file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// isTest tells tests, and packages that serve tests only, from production code.
func (s source) isTest() bool {
	return strings.HasSuffix(s.name, "_test.go") || isTestSupport(path.Dir(s.name))
}

func isTestSupport(importPath string) bool {
	return strings.HasSuffix(path.Base(importPath), "test")
}

func importBreaches(s source) []string {
	var found []string
	for _, p := range s.imports() {
		refuses := func(r room) bool { return r.holds(s.name) && !r.admits(p) }
		if i := slices.IndexFunc(rooms, refuses); i >= 0 && !s.isTest() {
			found = append(found, fmt.Sprintf("%s: %s may not import %s", s.name, rooms[i].folder, p))
		}
	}
	return found
}

// holds reports whether the file is of the room.
func (r room) holds(name string) bool {
	return strings.HasPrefix(name, r.folder+"/") && (!r.proper || path.Dir(name) == r.folder)
}

func (r room) admits(importPath string) bool {
	matches := func(pattern string) bool { return match(pattern, importPath) }
	if slices.ContainsFunc(never, matches) || slices.ContainsFunc(r.never, matches) {
		return false
	}
	below := !r.proper && match(house+r.folder+"/...", importPath)
	return isStandard(importPath) || below || slices.ContainsFunc(r.may, matches)
}

func match(pattern, importPath string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return pattern == anything || importPath == folder || below && strings.HasPrefix(importPath, folder+"/")
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

// nameOf is what the file calls an imported package.
func (s source) nameOf(importPath string) string {
	for _, spec := range s.syntax.Imports {
		if spec.Path.Value == strconv.Quote(importPath) && spec.Name != nil {
			return spec.Name.Name
		}
	}
	return path.Base(importPath)
}
