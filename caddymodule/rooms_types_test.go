package caddymodule_test

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A type that is known in more than a few files of other rooms has at most so
// many methods, and so many fields if it has any that only its room sees: what
// has none is a record, and as long as what it tells of.
const (
	fewFiles    = 5
	mostMethods = 20
	mostFields  = 10
)

// typeSize is what there is to know of a type, and who knows it.
type typeSize struct {
	methods, fields int
	private         bool
	knownIn         []string
}

func sizeBreaches(files []source) (found []string) {
	types := map[string]*typeSize{} // by folder and name
	for _, s := range files {
		if !s.isTest() {
			s.measureTypes(types)
		}
	}
	for _, s := range files {
		if !s.isTest() {
			s.noteKnown(types)
		}
	}
	for name, t := range types {
		tooLong := t.methods > mostMethods || t.private && t.fields > mostFields
		if tooLong && len(t.knownIn) > fewFiles {
			found = append(found, fmt.Sprintf("%s has %d methods and %d fields, and is known in %d files of other rooms", name, t.methods, t.fields, len(t.knownIn)))
		}
	}
	slices.Sort(found)
	return found
}

// measureTypes counts the methods and fields that the file declares.
func (s source) measureTypes(types map[string]*typeSize) {
	of := func(name string) *typeSize {
		key := path.Dir(s.name) + "." + name
		if types[key] == nil {
			types[key] = new(typeSize)
		}
		return types[key]
	}
	for _, d := range s.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil {
				of(receiver(d)).methods++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if t, ok := spec.(*ast.TypeSpec); ok {
					of(t.Name.Name).measure(t.Type)
				}
			}
		}
	}
}

// receiver names the type that the method belongs to.
func receiver(method *ast.FuncDecl) string {
	of := method.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, ok := of.(*ast.Ident)
	if !ok {
		return "?"
	}
	return name.Name
}

func (t *typeSize) measure(declared ast.Expr) {
	if itf, ok := declared.(*ast.InterfaceType); ok {
		t.methods += len(itf.Methods.List)
	}
	record, ok := declared.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range record.Fields.List {
		t.fields += max(1, len(f.Names))
		for _, name := range f.Names {
			t.private = t.private || !name.IsExported()
		}
	}
}

// noteKnown finds the types of other rooms that the file names.
func (s source) noteKnown(types map[string]*typeSize) {
	folders := map[string]string{} // by what the file calls them
	for _, p := range s.imports() {
		if folder, ok := strings.CutPrefix(p, house); ok {
			folders[s.nameOf(p)] = folder
		}
	}
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := selector.X.(*ast.Ident)
		if !ok || folders[from.Name] == "" {
			return true
		}
		t := types[folders[from.Name]+"."+selector.Sel.Name]
		if t != nil && !slices.Contains(t.knownIn, s.name) {
			t.knownIn = append(t.knownIn, s.name)
		}
		return true
	})
}

// The rule itself is tested, for a rule that finds nothing proves nothing.
func TestATypeThatManyKnowIsFoundWhenItIsLarge(t *testing.T) {
	methods := func(n int) string {
		return "package a; type T struct{}" + strings.Repeat("; func (*T) m() {}", n)
	}
	fields := func(name string, n int) string {
		return "package a; type T struct{ x int; " + strings.Repeat(name+" int; ", n-1) + "}"
	}
	for _, c := range []struct {
		name, text string
		known      int
		want       bool
	}{
		{"21 methods, known in six files", methods(21), 6, true},
		{"20 methods, known in six files", methods(20), 6, false},
		{"21 methods, known in five files", methods(21), 5, false},
		{"11 fields, known in six files", fields("y", 11), 6, true},
		{"10 fields, known in six files", fields("y", 10), 6, false},
		{"a record of 11 fields that all see", strings.ReplaceAll(fields("Y", 11), " x ", " X "), 6, false},
		{"an interface of 21 methods", "package a; type T interface{" + strings.Repeat("m(); ", 21) + "}", 6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{"caddymodule/a/a.go": {Data: []byte(c.text)}}
			for i := range c.known {
				tree[fmt.Sprintf("caddymodule/b/%d.go", i)] = &fstest.MapFile{Data: []byte("package b; import \"" + house + "caddymodule/a\"; var _ a.T")}
			}
			files, err := parseAll(tree)
			if err != nil {
				t.Fatal(err)
			}
			if found := sizeBreaches(files); (len(found) > 0) != c.want {
				t.Errorf("found %q", found)
			}
		})
	}
}
