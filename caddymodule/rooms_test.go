package caddymodule_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

const house = "example.com/sidegate/"

// A room is a folder and the one package in it: each has a row of its own, so
// that none inherits what another may. It imports the standard library and what
// it may. Patterns are those of the go command: `a/b` is that package alone,
// `a/...` is a and everything below.
type room struct {
	folder   string
	may, not []string
}

// logging is what no room may import that does not name it: the domain returns
// errors, it does not log.
var logging = []string{"log", "log/slog", "go.uber.org/zap/..."}

// rooms are those of CONTRIBUTING.md, which are thus the same ones: what a
// reader is told and what the code is held to.
var rooms = sync.OnceValues(func() ([]room, error) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		return nil, err
	}
	return roomsOf(string(text))
})

// roomsOf reads the table: a row names one or several folders, what lives
// there, and what they may import; "; not" goes before what they may not.
func roomsOf(text string) (found []room, err error) {
	_, table, ok := strings.Cut(text, "| room | what lives there | may import |\n")
	if !ok {
		return nil, errors.New("there is no table of rooms")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			break // the table has ended
		}
		may, not, _ := strings.Cut(cells[3], "; not ")
		for _, folder := range quoted(cells[1]) {
			found = append(found, room{strings.TrimSuffix(folder, "/"), patterns(may), patterns(not)})
		}
	}
	return found, nil
}

// quoted returns what stands in backticks.
func quoted(cell string) (names []string) {
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			names = append(names, part)
		}
	}
	return names
}

// filesNamed are the files of CONTRIBUTING.md: paths from the top folder, or
// from caddymodule. `login_<name>.go` is any of that kind.
func filesNamed() (names []string, err error) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	for _, name := range quoted(string(text)) {
		if ending := path.Ext(name); (ending == ".go" || ending == ".md" || ending == ".yaml") && !strings.Contains(name, " ") {
			names = append(names, strings.ReplaceAll(name, "<name>", "*"))
		}
	}
	return names, err
}

// exists says whether the pattern names a file.
func exists(tree fs.FS, pattern string) bool {
	found, err := fs.Glob(tree, pattern)
	return err == nil && len(found) > 0
}

// patterns completes what is of the house: caddymodule, sessionstore, deploy.
func patterns(cell string) []string {
	names := quoted(cell)
	for i, name := range names {
		if !isStandard(name) {
			continue
		}
		if top, _, _ := strings.Cut(name, "/"); top == "caddymodule" || top == "sessionstore" || top == "deploy" {
			names[i] = house + name
		}
	}
	return names
}

// roomOf is the room that the file lies in.
func roomOf(among []room, file string) (room, bool) {
	i := slices.IndexFunc(among, func(r room) bool { return r.folder == path.Dir(file) })
	if i < 0 {
		return room{}, false
	}
	return among[i], true
}

func TestTheHouseKeepsItsRules(t *testing.T) {
	tree := os.DirFS("..")
	files, err := parseAll(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []struct {
		name     string
		breaches func(source) []string
	}{
		{"a room imports only what it may", importBreaches},
		{"production code imports no test support", testSupportBreaches},
		{"folders of tests hold nothing else", testFolderBreaches},
		{"no package is a drawer for everything", nameBreaches},
		{"no test sleeps", sleepBreaches},
		{"no source file is longer than 350 lines", lengthBreaches},
		{"no remedy is a block on one line", remedyBreaches},
		{"no moment in the log is a number", momentBreaches},
	} {
		t.Run(rule.name, func(t *testing.T) {
			for _, breach := range breachesOf(t, files, rule.breaches) {
				t.Error(breach)
			}
		})
	}
	t.Run("what many know is small", func(t *testing.T) {
		for _, breach := range sizeBreaches(files) {
			t.Error(breach)
		}
	})
	t.Run("every room of the rules exists", func(t *testing.T) {
		all, err := rooms()
		if err != nil || len(all) < 20 {
			t.Fatalf("%d rooms: %v", len(all), err)
		}
		for _, r := range all {
			if _, err := fs.Stat(tree, r.folder); err != nil {
				t.Errorf("room %s: %v", r.folder, err)
			}
			if slices.Contains(slices.Concat(r.may, r.not), "...") {
				t.Errorf("room %s says \"anything\"", r.folder)
			}
		}
	})
	t.Run("every file that the map and the ways name exists", func(t *testing.T) {
		named, err := filesNamed()
		if err != nil || len(named) < 30 {
			t.Fatalf("%d files: %v", len(named), err)
		}
		for _, name := range named {
			if !exists(tree, name) && !exists(tree, path.Join("caddymodule", name)) {
				t.Errorf("CONTRIBUTING.md names %s", name)
			}
		}
	})
	t.Run("the root shows the Caddy modules and little else", func(t *testing.T) {
		sources, tests := 0, 0
		entries, err := os.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			switch {
			case strings.HasSuffix(e.Name(), "_test.go"):
				tests++
			case strings.HasSuffix(e.Name(), ".go"):
				sources++
			}
		}
		if sources > 42 || tests > 50 {
			t.Errorf("there are %d source files (42 at most) and %d test files (50 at most): which of them belong into a room?", sources, tests)
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
		{"the users file may import Caddy's password hashes", "caddymodule/login/users/a.go", `package users; import _ "github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"`, importBreaches, 0},
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
		{"a new folder of the modules keeps their rules", "caddymodule/webhook/a.go", `package webhook; import _ "log"`, importBreaches, 1},
		{"a folder in no room is found", "tools/a.go", `package tools`, importBreaches, 1},
		{"a folder that only begins like a room is none of it", "sessionstorex/a.go", `package x`, importBreaches, 1},
		{"a folder below a room that has no row of its own is found", "caddymodule/lifecycle/more/a.go", `package more`, importBreaches, 1},
		{"a folder that only ends in test is no support of tests", "caddymodule/lifecycle/latest/a.go", `package latest; import _ "net/http"`, importBreaches, 1},
		{"a life of sessions that knows a part of HTTP is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "net/http/httputil"`, importBreaches, 1},
		{"a life of sessions that knows HTTP is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "net/http"`, importBreaches, 1},
		{"a life of sessions that knows a login is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "example.com/sidegate/caddymodule/login/oidc"`, importBreaches, 1},
		{"a life of sessions that knows tokens is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "example.com/sidegate/caddymodule/token"`, importBreaches, 1},
		{"a life of sessions that knows Caddy is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "github.com/caddyserver/caddy/v2"`, importBreaches, 1},
		{"a life of sessions that counts for Prometheus is found", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "github.com/prometheus/client_golang/prometheus"`, importBreaches, 1},
		{"a life of sessions may know what a login is", "caddymodule/lifecycle/a.go", `package lifecycle; import _ "example.com/sidegate/caddymodule/login"`, importBreaches, 0},
		{"a route that knows Caddy is found", "caddymodule/endpoint/a.go", `package endpoint; import _ "github.com/caddyserver/caddy/v2/modules/caddyhttp"`, importBreaches, 1},
		{"a route that knows the configuration is found", "caddymodule/endpoint/a.go", `package endpoint; import _ "example.com/sidegate/caddymodule"`, importBreaches, 1},
		{"a route that logs is found", "caddymodule/endpoint/a.go", `package endpoint; import _ "go.uber.org/zap"`, importBreaches, 1},
		{"the modules may log", "caddymodule/a.go", `package caddymodule; import _ "go.uber.org/zap"`, importBreaches, 0},
		{"the modules that log past Caddy are found", "caddymodule/a.go", `package caddymodule; import _ "log/slog"`, importBreaches, 1},
		{"a source that knows who asks is found", "caddymodule/source/a.go", `package source; import _ "example.com/sidegate/caddymodule/profile"`, importBreaches, 1},
		{"what tests share may import everything", "caddymodule/gatewaytest/a.go", `package gatewaytest; import _ "log"`, importBreaches, 0},
		{"a source file of 351 lines is found", "caddymodule/a.go", "package a" + strings.Repeat("\n", 351), lengthBreaches, 1},
		{"a source file of 350 lines is not", "caddymodule/a.go", "package a" + strings.Repeat("\n", 349), lengthBreaches, 0},
		{"production code that imports a contract suite is found", "caddymodule/a.go", `package a; import _ "example.com/sidegate/sessionstore/storetest"`, testSupportBreaches, 1},
		{"production code that imports testing is found", "caddymodule/a.go", `package a; import _ "testing"`, testSupportBreaches, 1},
		{"a test may import a contract suite", "sessionstore/a_test.go", `package s; import _ "example.com/sidegate/sessionstore/storetest"`, testSupportBreaches, 0},
		{"code among the tests of faults is found", "caddymodule/faults/a.go", `package faults`, testFolderBreaches, 1},
		{"a folder of tests may say what it is for", "caddymodule/attacks/doc.go", `package attacks`, testFolderBreaches, 0},
		{"a package called util is found", "caddymodule/util/a.go", `package util`, nameBreaches, 1},
		{"a package called helpers in another folder is found", "caddymodule/x/a.go", `package helpers`, nameBreaches, 1},
		{"a remedy that Caddy does not take is found", "caddymodule/a.go", "package a; var s = \"say `cookie { same_site lax }`\"", remedyBreaches, 1},
		{"a block that is named is no remedy on one line", "caddymodule/a.go", "package a; var s = \"add a `sidegate { ... }` block, or `insecure` in `cookie`\"", remedyBreaches, 0},
		{"a test that sleeps is found", "a_test.go", `package a; import "time"; func f() { time.Sleep(1) }`, sleepBreaches, 1},
		{"a test that sleeps under another name is found", "a_test.go", `package a; import clock "time"; var f = clock.Sleep`, sleepBreaches, 1},
		{"a contract suite that sleeps is found", "sessionstore/storetest/a.go", `package storetest; import "time"; func f() { time.Sleep(1) }`, sleepBreaches, 1},
		{"a moment that Caddy writes as a number is found", "caddymodule/a.go", `package a; import "go.uber.org/zap"; var f = zap.Time("until", until)`, momentBreaches, 1},
		{"a moment in words is not", "caddymodule/a.go", `package a; import "go.uber.org/zap"; var f = zap.String("until", until.Format(time.RFC3339))`, momentBreaches, 0},
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

// audit gathers what the rule finds in the Go files of the tree.
func audit(t *testing.T, tree fs.FS, breaches func(source) []string) []string {
	t.Helper()
	all, err := parseAll(tree)
	if err != nil {
		t.Fatal(err)
	}
	return breachesOf(t, all, breaches)
}

func breachesOf(t *testing.T, all []source, breaches func(source) []string) (found []string) {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("no Go file was found: nothing was audited")
	}
	for _, s := range all {
		found = append(found, breaches(s)...)
	}
	return found
}

// parseAll parses every Go file of the tree.
func parseAll(tree fs.FS) (all []source, err error) {
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		s, err := parse(tree, name)
		all = append(all, s)
		return err
	})
	return all, err
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

// testSupport are the folders of what tests share, and the modules that are
// tests as a whole.
var testSupport = []string{
	"caddymodule/gatewaytest", "caddymodule/web/webtest", "sessionstore/redis/redistest", "sessionstore/storetest",
	"deploy/browsertest/...", "deploy/providertest/...",
}

func isTestSupport(importPath string) bool {
	importPath = strings.TrimPrefix(importPath, house)
	return slices.ContainsFunc(testSupport, func(pattern string) bool { return match(pattern, importPath) })
}
