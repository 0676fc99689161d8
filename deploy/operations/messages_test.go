package operations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// unknown stands in a message for what is known only when it is logged.
const unknown = "*"

// house is the code that logs, read as syntax alone: types of the modules that it
// imports are not there, so a method is known by its name.
type house struct {
	lines   *token.FileSet
	files   []*ast.File
	folders map[*ast.File]string
	// tellers are functions of ours that log a parameter, and which one it is.
	tellers map[teller]bool
	// messages are what is logged, with where; unclear is where it cannot be read.
	messages map[string][]string
	unclear  map[string]bool
	// given are what the fields of records are given, by the name of the field.
	given map[string][]value
}

// value is an expression in a file.
type value struct {
	file *ast.File
	of   ast.Expr
}

// teller is a function that logs its parameter at that place. folder is empty for
// one that other packages call.
type teller struct {
	folder, name string
	at           int
}

// loggers are the methods of zap that log at INFO and above, and at which argument
// the message is.
var loggers = []teller{{"", "Info", 0}, {"", "Warn", 0}, {"", "Error", 0}, {"", "DPanic", 0}, {"", "Log", 1}, {"", "Check", 1}}

// forTests are folders that no gateway is built of.
var forTests = []string{"gatewaytest", "webtest", "storetest", "redistest", "testdata"}

func readHouse(tree fs.FS) (*house, error) {
	h := &house{
		lines: token.NewFileSet(), folders: make(map[*ast.File]string),
		tellers: make(map[teller]bool), messages: make(map[string][]string), unclear: make(map[string]bool),
		given: make(map[string][]value),
	}
	for _, l := range loggers {
		h.tellers[l] = true
	}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(forTests, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(h.lines, name, text, 0)
		h.files, h.folders[file] = append(h.files, file), path.Dir(name)
		return err
	})
	h.readFields()
	for before := -1; before != len(h.tellers); { // who calls a teller may be one
		before = len(h.tellers)
		clear(h.unclear)
		for _, file := range h.files {
			h.readFile(file)
		}
	}
	return h, err
}

// readFile finds what the functions of a file log, and what stands in tables, which
// is a level with a text behind it.
func (h *house) readFile(file *ast.File) {
	for _, d := range file.Decls {
		f, _ := d.(*ast.FuncDecl)
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				h.readCall(file, f, n)
			case *ast.CompositeLit:
				h.readTable(file, f, n)
			}
			return true
		})
	}
}

func (h *house) readTable(file *ast.File, f *ast.FuncDecl, table *ast.CompositeLit) {
	for i := 1; i < len(table.Elts); i++ {
		if isLevel(table.Elts[i-1]) {
			h.note(file, f, table.Elts[i])
		}
	}
}

// isLevel reports whether it is zap.WarnLevel, say, and not for debugging.
func isLevel(n ast.Expr) bool {
	s, ok := n.(*ast.SelectorExpr)
	return ok && strings.HasSuffix(s.Sel.Name, "Level") && s.Sel.Name != "DebugLevel"
}

func isDebug(n ast.Expr) bool {
	s, ok := n.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "DebugLevel"
}

func (h *house) readCall(file *ast.File, f *ast.FuncDecl, call *ast.CallExpr) {
	name, of := called(call)
	if slices.ContainsFunc(call.Args, isDebug) {
		return
	}
	for i, argument := range call.Args {
		own := h.tellers[teller{h.folders[file], name, i}]
		direct := slices.Contains(loggers, teller{"", name, i})
		if direct && (!h.logs(file) || of == "zap" || of == "caddyhttp" || isContext(argument)) {
			direct = false
		}
		if own || direct || h.tellers[teller{"", name, i}] && !slices.Contains(loggers, teller{"", name, i}) {
			h.note(file, f, argument)
		}
		if direct && h.isText(file, f, argument) {
			break // what is behind the message are fields
		}
	}
}

// isText reports whether it is a message, or the parameter that is one.
func (h *house) isText(file *ast.File, f *ast.FuncDecl, n ast.Expr) bool {
	if name, ok := n.(*ast.Ident); ok && f != nil {
		if i, ofText := parameter(f, name.Name); i >= 0 {
			return ofText
		}
	}
	return len(h.texts(file, f, n, 0)) > 0
}

// logs reports whether the file's package may log at all.
func (h *house) logs(file *ast.File) bool {
	return slices.ContainsFunc(h.beside(file), func(f *ast.File) bool {
		return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return strings.HasPrefix(i.Path.Value, `"go.uber.org/zap`) })
	})
}

func isContext(n ast.Expr) bool { name, ok := n.(*ast.Ident); return ok && name.Name == "ctx" }

// called is the name of the function, and of what it is one of.
func called(call *ast.CallExpr) (name, of string) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name, ""
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			of = x.Name
		}
		return f.Sel.Name, of
	}
	return "", ""
}

// note keeps the message, or makes the function a teller whose parameter it is.
func (h *house) note(file *ast.File, f *ast.FuncDecl, message ast.Expr) {
	if name, ok := message.(*ast.Ident); ok && f != nil {
		if i, ofText := parameter(f, name.Name); i >= 0 {
			if ofText {
				h.tellers[h.teller(file, f, i)] = true
			}
			return
		}
	}
	texts := h.texts(file, f, message, 0)
	if len(texts) == 0 {
		where := "a table"
		if f != nil {
			where = f.Name.Name
		}
		h.unclear[h.folders[file]+": "+where] = true
	}
	for _, text := range texts {
		at := h.lines.Position(message.Pos()).String()
		if !slices.Contains(h.messages[text], at) {
			h.messages[text] = append(h.messages[text], at)
		}
	}
}

func (h *house) teller(file *ast.File, f *ast.FuncDecl, at int) teller {
	if ast.IsExported(f.Name.Name) {
		return teller{"", f.Name.Name, at}
	}
	return teller{h.folders[file], f.Name.Name, at}
}

// parameter is which one has that name, and whether it is a text; -1 for none.
func parameter(f *ast.FuncDecl, name string) (at int, ofText bool) {
	i := 0
	for _, field := range f.Type.Params.List {
		of, _ := field.Type.(*ast.Ident)
		for _, n := range field.Names {
			if n.Name == name {
				return i, of != nil && of.Name == "string"
			}
			i++
		}
	}
	return -1, false
}

// deepest is how far a message is looked for behind names.
const deepest = 5

// texts are all that the expression may be; nil when it is no text that can be read.
func (h *house) texts(file *ast.File, f *ast.FuncDecl, n ast.Expr, depth int) []string {
	if depth > deepest {
		return nil
	}
	switch n := n.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
			return []string{text}
		}
	case *ast.ParenExpr:
		return h.texts(file, f, n.X, depth)
	case *ast.BinaryExpr:
		return h.joined(file, f, n, depth)
	case *ast.CallExpr:
		return h.returned(file, f, n, depth)
	case *ast.Ident:
		return h.assigned(file, f, n.Name, depth)
	case *ast.SelectorExpr:
		return h.fields(n.Sel.Name, depth)
	}
	return nil
}

// joined is a + b, of which one may be unknown.
func (h *house) joined(file *ast.File, f *ast.FuncDecl, n *ast.BinaryExpr, depth int) (all []string) {
	left, right := h.texts(file, f, n.X, depth+1), h.texts(file, f, n.Y, depth+1)
	if n.Op != token.ADD || len(left) == 0 && len(right) == 0 {
		return nil
	}
	for _, l := range orUnknown(left) {
		for _, r := range orUnknown(right) {
			all = append(all, l+r)
		}
	}
	return all
}

func orUnknown(texts []string) []string {
	if len(texts) == 0 {
		return []string{unknown}
	}
	return texts
}

// returned is what a function of the house returns, or fmt.Sprintf with a format.
func (h *house) returned(file *ast.File, f *ast.FuncDecl, call *ast.CallExpr, depth int) (all []string) {
	name, of := called(call)
	if of == "fmt" && len(call.Args) > 0 {
		for _, format := range h.texts(file, f, call.Args[0], depth+1) {
			all = append(all, h.formatted(file, f, format, call.Args[1:], depth))
		}
		return all
	}
	for _, other := range h.beside(file) {
		for _, d := range other.Decls {
			g, ok := d.(*ast.FuncDecl)
			if !ok || g.Name.Name != name || g.Body == nil {
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					all = append(all, h.texts(other, g, r.Results[0], depth+1)...)
				}
				return true
			})
		}
	}
	return all
}

var verbs = regexp.MustCompile(`%[sdqvw]`)

// formatted has in it what is known of the arguments.
func (h *house) formatted(file *ast.File, f *ast.FuncDecl, format string, arguments []ast.Expr, depth int) string {
	i := -1
	return verbs.ReplaceAllStringFunc(format, func(string) string {
		if i++; i < len(arguments) {
			if known := h.texts(file, f, arguments[i], depth+1); len(known) == 1 {
				return known[0]
			}
		}
		return unknown
	})
}

// beside are the files of the same package.
func (h *house) beside(file *ast.File) []*ast.File {
	return slices.DeleteFunc(slices.Clone(h.files), func(f *ast.File) bool { return h.folders[f] != h.folders[file] })
}

// assigned is what a name is given, in the function or, as a constant, in the package.
func (h *house) assigned(file *ast.File, f *ast.FuncDecl, name string, depth int) (all []string) {
	read := func(in *ast.File, f *ast.FuncDecl) func(ast.Node) bool {
		return func(n ast.Node) bool {
			to, from := given(n)
			for i := range to {
				if id, ok := to[i].(*ast.Ident); ok && id.Name == name && i < len(from) {
					all = append(all, h.texts(in, f, from[i], depth+1)...)
				}
			}
			return true
		}
	}
	if f != nil {
		ast.Inspect(f, read(file, f))
	}
	if len(all) > 0 {
		return all
	}
	for _, other := range h.beside(file) {
		for _, d := range other.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				ast.Inspect(g, read(other, nil))
			}
		}
	}
	return all
}

// given is what is assigned to what, where the node is of that kind.
func given(n ast.Node) (to, from []ast.Expr) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return n.Lhs, n.Rhs
	case *ast.ValueSpec:
		for _, name := range n.Names {
			to = append(to, name)
		}
		return to, n.Values
	}
	return nil, nil
}

// readFields notes what fields are given anywhere, for a record may come from another
// package.
func (h *house) readFields() {
	for _, file := range h.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok {
					h.given[key.Name] = append(h.given[key.Name], value{file, pair.Value})
				}
			}
			return true
		})
	}
}

func (h *house) fields(name string, depth int) (all []string) {
	for _, v := range h.given[name] {
		all = append(all, h.texts(v.file, nil, v.of, depth+1)...)
	}
	return all
}
