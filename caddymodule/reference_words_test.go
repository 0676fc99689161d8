package caddymodule_test

import (
	"fmt"
	"go/ast"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// reference is what deploy/REFERENCE.md has under each heading.
type reference []section

type section struct {
	level   int
	heading string
	tables  map[string][][]string // the cells of their rows, by what the first column is called
}

// referenceOf reads headings and tables, and leaves out what is in fences.
func referenceOf(text string) (r reference) {
	fenced, column := false, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
		case strings.HasPrefix(line, "#"):
			heading := strings.TrimLeft(line, "#")
			r = append(r, section{len(line) - len(heading), strings.TrimSpace(heading), make(map[string][][]string)})
			column = ""
		case !strings.HasPrefix(line, "|") || len(r) == 0:
			column = ""
		case column == "":
			column = cellsOf(line)[0]
		case !strings.HasPrefix(line, "|---"):
			r[len(r)-1].tables[column] = append(r[len(r)-1].tables[column], cellsOf(line))
		}
	}
	return r
}

func cellsOf(line string) []string {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(cell)
	}
	return cells
}

// rowsOf are the rows of all tables, as they are written.
func rowsOf(text string) (rows []string) {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		isRow := strings.HasPrefix(line, "| ") && i > 0 && strings.HasPrefix(lines[i-1], "|")
		if isRow {
			rows = append(rows, line)
		}
	}
	return rows
}

func (r reference) rows(heading, column string) (rows [][]string) {
	for _, s := range r {
		if s.heading == heading {
			rows = append(rows, s.tables[column]...)
		}
	}
	return rows
}

// words are those of the first column, without what may stand behind them.
func (r reference) words(heading, column string) (words []string) {
	for _, row := range r.rows(heading, column) {
		words = append(words, bareAll(row[0])...)
	}
	return words
}

// bareAll makes `tls ca <pem file>` to "tls ca".
func bareAll(cell string) (words []string) {
	for _, term := range quoted(cell) {
		if i := strings.IndexAny(term, "<[{"); i >= 0 {
			term = term[:i]
		}
		words = append(words, strings.TrimSpace(term))
	}
	return words
}

// blocks are those of the Caddyfile whose heading is not their name. The words
// of a block in a block stand behind its own.
var blocks = map[string]struct{ heading, before string }{
	"sidegate": {"sidegate options", ""},
	"session":  {"matcher session", ""},
	"tls":      {"store redis", "tls "},
	"path":     {"session_auth", "path "},

	"same_people": {"sidegate options", "same_people "},
}

func inBlock(block string, words []string) (found []string) {
	heading, before := block, ""
	if b, ok := blocks[block]; ok {
		heading, before = b.heading, b.before
	}
	for _, word := range words {
		found = append(found, fmt.Sprintf("%s: %s%s", heading, before, word))
	}
	return found
}

// optionWords are the options of every block: what directive.Block is given, and
// the groups of the app's.
func optionWords(s source) (words []string) {
	if s.isTest() {
		return nil
	}
	local := make(map[string]*ast.CompositeLit)
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil && strings.EqualFold(n.Name.Name, "words") {
				for _, block := range blocksOf(n.Recv.List[0].Type) {
					words = append(words, inBlock(block, s.keysIn(n, ""))...)
				}
			}
			local = make(map[string]*ast.CompositeLit)
		case *ast.AssignStmt:
			if m, ok := n.Rhs[0].(*ast.CompositeLit); ok {
				if to, ok := n.Lhs[0].(*ast.Ident); ok {
					local[to.Name] = m
				}
			}
		case *ast.CallExpr:
			words = append(words, wordsOfBlock(s, n, local)...)
		}
		return true
	})
	return words
}

// shared are those whose words stand in the blocks of several.
var shared = map[string][]string{"Demands": {"session_auth", "policy"}, "HeaderOptions": {"session_auth", "policy"}}

// blocksOf are the blocks that the words of a type stand in.
func blocksOf(of ast.Expr) []string {
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if name, ok := of.(*ast.Ident); ok && shared[name.Name] != nil {
		return shared[name.Name]
	}
	return []string{"sidegate"}
}

// wordsOfBlock reads the words where they are given, or in the map of that name that
// the function has made; what is added to that stands with the type that adds it.
func wordsOfBlock(s source, call *ast.CallExpr, local map[string]*ast.CompositeLit) []string {
	if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Block" || len(call.Args) != 3 {
		return nil
	}
	block := literal(call.Args[1])
	if from, ok := call.Args[2].(*ast.Ident); ok {
		if from.Name == "nil" || block == "sidegate" {
			return nil // no options, or those of the groups
		}
		if made := local[from.Name]; made != nil {
			return inBlock(block, s.keysIn(made, ""))
		}
		return []string{fmt.Sprintf("%v: the words of %q", s.lines.Position(call.Pos()), block)}
	}
	return inBlock(block, s.keysIn(call.Args[2], ""))
}

// keysIn are the texts that are keys of the maps in it: of maps whose type has
// that name, or of those whose type is written out.
func (s source) keysIn(n ast.Node, named string) (keys []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		m, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		name, _ := m.Type.(*ast.Ident)
		_, written := m.Type.(*ast.MapType)
		if named == "" && !written || named != "" && (name == nil || name.Name != named) {
			return true
		}
		for _, element := range m.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				keys = append(keys, s.text(pair.Key))
			}
		}
		return true
	})
	return keys
}

// text is a literal one, or that of a constant of the file.
func (s source) text(n ast.Expr) (found string) {
	name, ok := n.(*ast.Ident)
	if !ok {
		return literal(n)
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 && c.Names[0].Name == name.Name {
			found = literal(c.Values[0])
		}
		return true
	})
	return found
}

// literal is a text in the source; empty where it is none.
func literal(n ast.Expr) string {
	if l, ok := n.(*ast.BasicLit); ok {
		text, _ := strconv.Unquote(l.Value)
		return text
	}
	return ""
}

// peopleFields are the fields of a person in a users file.
func peopleFields(s source) (words []string) {
	if s.name != "login/users/parse.go" {
		return nil
	}
	for _, d := range s.syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "person" {
			words = append(words, s.keysIn(f, "fields")...)
		}
	}
	return words
}

// claimNames are those of the payload.
func claimNames(s source) (words []string) {
	if s.name != "token/assertion.go" {
		return nil
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if ok && field.Tag != nil {
			name, _, _ := strings.Cut(reflect.StructTag(literal(field.Tag)).Get("json"), ",")
			words = append(words, name)
		}
		return true
	})
	return words
}

// refusals are the errors of the table, and those that a route answers with
// another status: by their names, which are in lower case what they say.
func refusals(s source) (words []string) {
	if s.isTest() {
		return nil
	}
	add := func(word, status string) {
		if both := word + " " + status; word != "" && !slices.Contains(words, both) {
			words = append(words, both)
		}
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Refusal" {
				add(literal(valueOf(n, "Code")), status(valueOf(n, "Status")))
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "atProvider" {
				add(literal(n.Args[2]), status(n.Args[0]))
			}
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "WithStatus" {
				if of, ok := f.X.(*ast.SelectorExpr); ok {
					add(strings.ToLower(of.Sel.Name), status(n.Args[0]))
				}
			}
		}
		return true
	})
	return words
}

// valueOf is what a field is given; nil where it is not.
func valueOf(of *ast.CompositeLit, field string) ast.Expr {
	for _, element := range of.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if name, ok := pair.Key.(*ast.Ident); ok && name.Name == field {
				return pair.Value
			}
		}
	}
	return nil
}

// status is the number of http.StatusNotFound, say.
func status(n ast.Expr) string {
	name, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "without a status"
	}
	for number := 400; number < 600; number++ {
		text := strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(number))
		if name.Sel.Name == "Status"+text {
			return strconv.Itoa(number)
		}
	}
	return name.Sel.Name
}

// What reads the code is tested too, for words that are not read are missed by
// nobody.
func TestWordsAreReadOffTheCode(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		read             func(source) []string
		want             []string
	}{
		{"a block under its name", "a.go", `package a; var _ = directive.Block(d, "cookie", map[string]directive.Option{"name": f, "domain": g})`, optionWords, []string{"cookie: name", "cookie: domain"}},
		{"a block in a block behind its word", "a.go", `package a; var _ = directive.Block(d, "tls", map[string]directive.Option{"ca": f})`, optionWords, []string{"store redis: tls ca"}},
		{"the app's groups", "a.go", `package a; func (o *O) words() map[string]directive.Option { return map[string]directive.Option{"store": f} }`, optionWords, []string{"sidegate options: store"}},
		{"words that several blocks have", "a.go", `package a; const word = "x"; func (d *Demands) Words() map[string]directive.Option { return map[string]directive.Option{word: f} }`, optionWords, []string{"session_auth: x", "policy: x"}},
		{"a block's own beside those", "a.go", `package a; func f() { words := map[string]directive.Option{"redirect": f}; _ = directive.Block(d, "policy", words) }`, optionWords, []string{"policy: redirect"}},
		{"no options", "a.go", `package a; var _ = directive.Block(d, directive, nil)`, optionWords, nil},
		{"options that are made elsewhere, as something amiss", "a.go", `package a; var _ = directive.Block(d, "role", words)`, optionWords, []string{`a.go:1:20: the words of "role"`}},
		{"nothing in tests", "a_test.go", `package a; var _ = directive.Block(d, "cookie", map[string]directive.Option{"name": f})`, optionWords, nil},
		{"a refusal with its status", "a.go", `package a; var A = &Refusal{Status: http.StatusNotFound, Code: "not_found"}`, refusals, []string{"not_found 404"}},
		{"the same refusal twice, as one", "a.go", `package a; var A, B = &Refusal{Status: http.StatusGone, Code: "gone"}, &Refusal{Code: "gone", Status: http.StatusGone}`, refusals, []string{"gone 410"}},
		{"a refusal that a route gives another status", "a.go", `package a; var A = refusal.Unavailable.WithStatus(http.StatusInternalServerError)`, refusals, []string{"unavailable 500"}},
		{"the claims of an assertion", "token/assertion.go", "package token; type t struct { Issuer string `json:\"iss,omitempty\"` }", claimNames, []string{"iss"}},
		{"the fields of a person", "login/users/parse.go", `package users; func (p *parser) person() { s.mapping(n, fields{"id": f}) }; func (p *parser) account() { s.mapping(n, fields{"accountId": f}) }`, peopleFields, []string{"id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{c.file: {Data: []byte(c.text)}}
			if got := audit(t, tree, c.read); !slices.Equal(got, c.want) {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

func TestWordsAreReadOffTheReference(t *testing.T) {
	const presets = "## Identity headers\n\n| preset | whose |\n|---|---|\n| [`p`](#p) | x |\n| `none` | x |\n"
	const header = presets + "\n### p\n\n| header | what | written |\n|---|---|---|\n"
	for _, c := range []struct {
		name, text string
		read       func(reference) []string
		want       []string
	}{
		{"options under their heading", "### tls\n\n| option | meaning |\n|---|---|\n| `ca <file>` | x |\n| `tls [{ ... }]` | `y` |\n", toldOptions, []string{"tls: ca", "tls: tls"}},
		{"several words of a row", "## A\n| field | x |\n|---|---|\n| `a`, `b` | x |\n", toldUnder("A", "field"), []string{"a", "b"}},
		{"two tables under a heading", "## A\n| field | x |\n|---|---|\n| `a` | x |\n\n| flag | x |\n|---|---|\n| `b` | x |\n", toldUnder("A", "flag"), []string{"b"}},
		{"nothing in fences", "## A\n```\n# B\n| field | x |\n|---|---|\n| `a` | x |\n```\n| field | x |\n|---|---|\n| `b` | x |\n", toldUnder("A", "field"), []string{"b"}},
		{"a route of two methods", "## Endpoints\n| route | x |\n|---|---|\n| `GET, HEAD /a` | x |\n", toldEndpoints, []string{"GET /a", "HEAD /a"}},
		{"an error of two statuses", "## Refusals\n| `error` | status |\n|---|---|\n| `a` | 503; 500 at `/b` |\n", toldRefusals, []string{"a 503", "a 500"}},
		{"presets, with headers and without", presets, toldPresets, []string{"p", "none"}},
		{"headers of one row, and how they are written", header + "| `X-A`, `x-b` | x | UTF-8, list by <code>&#124;</code> |\n", toldHeaders, []string{"p X-A: UTF-8, list by |", "p X-B: UTF-8, list by |"}},
		{"the values of an option", "## A\n| option | x |\n|---|---|\n| `o <v>` | `a` or `b` |\n", toldChoices("A", "o"), []string{"a", "b"}},
		{"directives, and none of other headings", "## Directives\n### a\n### placeholders\n## B\n### c\n", toldDirectives, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.read(referenceOf(c.text)); !slices.Equal(got, c.want) {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

func TestWordsThatDriftApartAreFound(t *testing.T) {
	for _, c := range []struct {
		name       string
		code, told []string
		want       int
	}{
		{"the same words in another order", []string{"a", "b"}, []string{"b", "a"}, 0},
		{"a word of the code alone", []string{"a", "b"}, []string{"a"}, 1},
		{"a word of the reference alone", []string{"a"}, []string{"a", "b"}, 1},
		{"another word", []string{"a"}, []string{"b"}, 2},
		{"a word that is told twice", []string{"a"}, []string{"a", "a"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := drift(c.code, c.told); len(got) != c.want {
				t.Errorf("found %q; want %d", got, c.want)
			}
		})
	}
}
