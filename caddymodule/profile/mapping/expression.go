package mapping

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"example.com/sidegate/caddymodule/profile"
)

const (
	// MaxExpr is the most bytes in one expression.
	MaxExpr = 4 << 10
	// maxShown is the most bytes of an expression in an error.
	maxShown = 256
)

// errDoesNotHold is why somebody was refused, behind the demand itself.
var errDoesNotHold = errors.New("does not hold")

// source is an expression as it was written, and what it is for.
type source struct {
	purpose string // "map roles", "require"
	text    string
	where   string
}

// fail puts in front of the error which expression it is about.
func (s source) fail(err error) error {
	where := ""
	if s.where != "" {
		where = s.where + ": "
	}
	return fmt.Errorf("%s%s `%s`: %w", where, s.purpose, shorten(s.text), err)
}

// shorten makes one line of an expression, and not an endless one.
func shorten(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + " ..."
}

// expression is a compiled one.
type expression struct {
	source
	program cel.Program
	info    *ast.SourceInfo
	paths   []path
	texts   []string // that stand in it
	names   []string // the variables there are
}

// compile checks and compiles an expression whose result is admitted. What CEL
// knows only at evaluation (`dyn`) is admitted, and checked then.
func (v *vocabulary) compile(at source, wants string, admits func(*cel.Type) bool) (*expression, error) {
	switch {
	case strings.TrimSpace(at.text) == "":
		return nil, at.fail(errors.New("the expression is empty"))
	case len(at.text) > MaxExpr:
		return nil, at.fail(fmt.Errorf("the expression has %d bytes: %d at most", len(at.text), MaxExpr))
	}
	checked, issues := v.env.Compile(at.text)
	if issues.Err() != nil {
		return nil, at.fail(v.explain(issues, at.text))
	}
	if yields := checked.OutputType(); !admits(yields) {
		return nil, at.fail(mismatch(wants, cel.FormatCELType(yields)))
	}
	paths := pathsOf(checked.NativeRep())
	if err := errors.Join(checkPaths(paths), checkOptionals(checked.NativeRep())); err != nil {
		return nil, at.fail(err)
	}
	program, err := v.env.Program(checked, programOptions...)
	if err != nil {
		return nil, at.fail(err)
	}
	return &expression{at, program, checked.NativeRep().SourceInfo(), paths, textsOf(checked.NativeRep()), v.names}, nil
}

// evaluate hands out the result; nil when it is optional.none().
func (x *expression) evaluate(s *scope) (ref.Val, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	return x.evaluateWithin(ctx, s)
}

func (x *expression) evaluateWithin(ctx context.Context, s *scope) (ref.Val, error) {
	result, _, err := x.program.ContextEval(ctx, s)
	if err != nil {
		return nil, x.explain(err, s)
	}
	if optional, ok := result.(*types.Optional); ok {
		if !optional.HasValue() {
			return nil, nil
		}
		result = optional.GetValue()
	}
	return result, nil
}

// fill evaluates the expression into the field, and hands out its new value.
func (x *expression) fill(f *field, person *profile.Person, facts profile.Facts) (any, error) {
	s := x.scope(person, facts)
	result, err := x.evaluate(s)
	if err != nil || result == nil {
		return nil, err
	}
	value, err := f.fill(person, result, x.text)
	if err != nil {
		return nil, x.fail(x.withKeys(err, s))
	}
	return value, nil
}

// holds evaluates an expression that yields a bool. No value is no answer.
func (x *expression) holds(person *profile.Person, facts profile.Facts) (bool, error) {
	s := x.scope(person, facts)
	result, err := x.evaluate(s)
	if err != nil {
		return false, err
	}
	if result == nil {
		return false, x.fail(x.withKeys(errors.New("wanted bool, found an optional without a value: say which it is with orValue(...)"), s))
	}
	holds, err := truth.read(result, x.text)
	if err != nil {
		return false, x.fail(x.withKeys(err, s))
	}
	return holds, nil
}

// reads reports whether the expression looks at the variable.
func (x *expression) reads(variable string) bool {
	return slices.ContainsFunc(x.paths, func(p path) bool { return p.root == variable })
}
