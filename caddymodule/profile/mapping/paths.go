package mapping

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// path is a way into the facts that an expression spells out: token.a.b is
// {token [a b]}.
type path struct {
	root string
	keys []string
	// maybe says that it is asked whether there is such a key, with has() or ?.
	maybe bool
}

// pathsOf finds the ways into variables of the facts, the variables alone too.
func pathsOf(tree *ast.AST) []path {
	local := make(map[string]bool) // the variables of comprehensions
	var found []path
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			c := e.AsComprehension()
			local[c.IterVar()], local[c.IterVar2()], local[c.AccuVar()] = true, true, true
		}
		if p, ok := pathTo(e); ok {
			found = append(found, p)
		}
	}))
	// A variable of the same name hides one of ours: nothing is known of it
	// then but that ours may be read.
	for i := range found {
		if local[found[i].root] {
			found[i].keys = nil
		}
	}
	return found
}

// textsOf are the texts that stand in an expression.
func textsOf(tree *ast.AST) (texts []string) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.LiteralKind {
			if text, ok := e.AsLiteral().(types.String); ok {
				texts = append(texts, string(text))
			}
		}
	}))
	return texts
}

// Texts are those that stand in the rules and demands: what names are compared with.
func (m *Mapping) Texts() (texts []string) {
	if m == nil {
		return nil
	}
	for _, r := range m.rules {
		if r.expr != nil {
			texts = append(texts, r.expr.texts...)
		}
	}
	for _, d := range m.demands {
		texts = append(texts, d.expr.texts...)
	}
	return texts
}

// pathTo reads an expression as a path, if it is one.
func pathTo(e ast.Expr) (path, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		root := strings.TrimPrefix(e.AsIdent(), ".")
		return path{root: root}, slices.Contains(allVariables, root)
	case ast.SelectKind:
		s := e.AsSelect()
		return longer(s.Operand(), s.FieldName(), s.IsTestOnly())
	case ast.CallKind:
		return pathOfIndex(e.AsCall())
	}
	return path{}, false
}

// pathOfIndex reads a["b"], a.?b and a[?"b"].
func pathOfIndex(c ast.CallExpr) (path, bool) {
	maybe := c.FunctionName() == operators.OptSelect || c.FunctionName() == operators.OptIndex
	if !maybe && c.FunctionName() != operators.Index || len(c.Args()) != 2 || c.Args()[1].Kind() != ast.LiteralKind {
		return path{}, false
	}
	key, ok := c.Args()[1].AsLiteral().(types.String)
	if !ok {
		return path{}, false
	}
	return longer(c.Args()[0], string(key), maybe)
}

func longer(operand ast.Expr, key string, maybe bool) (path, bool) {
	p, ok := pathTo(operand)
	return path{p.root, append(p.keys, key), p.maybe || maybe}, ok
}

// knownKeys are those of the variables whose keys do not come from a source.
var knownKeys = map[string][]string{
	"login":  {"body", "header", "location", "status", "username"},
	identity: identityKeys,
}

// checkPaths finds keys that there will never be, before anybody signs in.
func checkPaths(paths []path) error {
	for _, p := range paths {
		keys, known := knownKeys[p.root]
		if known && len(p.keys) > 0 && !slices.Contains(keys, p.keys[0]) {
			return fmt.Errorf("%s has no %q%s: it has %s", p.root, p.keys[0], meant(p.keys[0], keys), strings.Join(keys, ", "))
		}
	}
	return nil
}

// Reads reports whether any rule or demand looks at that key of the variable, or
// at all of its keys.
func (m *Mapping) Reads(variable, key string) bool {
	if m == nil {
		return false
	}
	return slices.ContainsFunc(m.rules, func(r compiledRule) bool { return r.expr != nil && readsKey(r.expr.paths, variable, key) }) ||
		slices.ContainsFunc(m.demands, func(d compiledDemand) bool { return readsKey(d.expr.paths, variable, key) })
}

// Carries reports whether what the field is filled with may hold something of that
// key of the variable, also by way of fields that an expression reads in
// `identity`. From are fields that hold it before any rule; one that a rule fills
// with something else does no longer.
func (m *Mapping) Carries(field, variable, key string, from ...string) bool {
	if m == nil {
		return slices.Contains(from, field)
	}
	from = slices.Clone(from)
	for _, r := range m.rules {
		holds := func(f string) bool { return readsKey(r.expr.paths, identity, f) }
		still := r.expr != nil && (readsKey(r.expr.paths, variable, key) || slices.ContainsFunc(from, holds))
		from = slices.DeleteFunc(from, func(f string) bool { return f == r.field.name })
		if still {
			from = append(from, r.field.name)
		}
	}
	return slices.Contains(from, field)
}

// ReadsAny reports whether any rule or demand looks at the variable.
func (m *Mapping) ReadsAny(variable string) bool {
	if m == nil {
		return false
	}
	return slices.ContainsFunc(m.rules, func(r compiledRule) bool { return r.expr != nil && r.expr.reads(variable) }) ||
		slices.ContainsFunc(m.demands, func(d compiledDemand) bool { return d.expr.reads(variable) })
}

// readsKey tells a variable that stands alone from one that is the beginning of
// a longer path, which is found beside it.
func readsKey(paths []path, variable, key string) bool {
	alone := 0
	for _, p := range paths {
		switch {
		case p.root != variable:
		case len(p.keys) == 0:
			alone++
		case p.keys[0] == key:
			return true
		case len(p.keys) == 1:
			alone--
		}
	}
	return alone > 0
}

// ofOptionals are the functions that an optional alone has.
var ofOptionals = []string{"orValue", "optMap", "optFlatMap"}

// checkOptionals refuses one of these functions behind a way into the facts that no
// optional is on: it fails for everybody who has the key, and for who has not.
func checkOptionals(tree *ast.AST) (err error) {
	local := localsOf(tree)
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || !e.AsCall().IsMemberFunction() || !slices.Contains(ofOptionals, e.AsCall().FunctionName()) {
			return
		}
		if p, ok := pathTo(e.AsCall().Target()); ok && !p.maybe && len(p.keys) > 0 && !local[p.root] {
			last := len(p.keys) - 1
			err = fmt.Errorf("%s is for what may be missing, and %s does not say so: write %s.?%s.%s(...)", e.AsCall().FunctionName(),
				strings.Join(append([]string{p.root}, p.keys...), "."), strings.Join(append([]string{p.root}, p.keys[:last]...), "."), p.keys[last], e.AsCall().FunctionName())
		}
	}))
	return err
}

// localsOf are the variables of comprehensions, which may hide those of the facts.
func localsOf(tree *ast.AST) map[string]bool {
	local := make(map[string]bool)
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			c := e.AsComprehension()
			local[c.IterVar()], local[c.IterVar2()], local[c.AccuVar()] = true, true, true
		}
	}))
	return local
}
