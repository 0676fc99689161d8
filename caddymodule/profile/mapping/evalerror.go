package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"

	"example.com/sidegate/caddymodule/profile"
)

// explain says why an evaluation failed. CEL's own words are not handed on:
// many of them quote the value that they are about.
func (x *expression) explain(err error, s *scope) error {
	cause := errors.New(x.reason(err) + x.position(err) + x.loneText(err, s))
	if strings.HasPrefix(err.Error(), interrupted) {
		cause = fmt.Errorf("%w%s", errInterrupted, x.position(err))
	}
	return x.fail(x.withKeys(cause, s))
}

// loneText says of a list that is gone through which text stands in its place.
func (x *expression) loneText(err error, s *scope) string {
	if !strings.Contains(err.Error(), "iterable") && !strings.Contains(err.Error(), "no such overload") {
		return ""
	}
	for _, p := range x.paths {
		value, _ := s.ResolveName(p.root)
		for _, key := range p.keys {
			m, _ := asMap(value)
			value = m[key]
		}
		if _, lone := value.(string); lone && len(p.keys) > 0 {
			name := strings.Join(append([]string{p.root}, p.keys...), ".")
			return fmt.Sprintf("; %s is a text: where a list is wanted, list_of(%s) makes one of it", name, name)
		}
	}
	return ""
}

// interrupted is how CEL says that the time was up. That says more of the
// machine than of the facts: it passes.
const interrupted = "operation interrupted"

var errInterrupted = errors.New("it takes too long: map less, or let the source answer with less")

// reasons are by how CEL's words begin. What is not among them is told by
// its position alone.
var reasons = []struct{ begin, reason string }{
	{"no such key", "no such key"},
	{"index out of bounds", "the list is shorter than that"},
	{"unsupported index", "a list is asked for an element by what is not its number"},
	{"no such overload", "a function or operator is given types that it does not take"},
	{interrupted, errInterrupted.Error()},
	{"operation cancelled", "it takes too many steps: map less, or let the source answer with less"},
	{"optional.none() dereference", "an optional has no value: say what then with orValue(...)"},
	{"division by zero", "division by zero"},
	{"modulus by zero", "division by zero"},
}

func (x *expression) reason(err error) string {
	if errors.Is(err, errEmptyPart) {
		return errEmptyPart.Error()
	}
	said := err.Error()
	for _, r := range reasons {
		if rest, ok := strings.CutPrefix(said, r.begin); ok {
			return r.reason + x.detail(strings.TrimPrefix(rest, ": "))
		}
	}
	return "a value cannot be converted, or is not what the function there takes"
}

// detail is what is behind a reason, if the expression itself spells it: then
// it tells nothing of the facts.
func (x *expression) detail(said string) string {
	if slices.ContainsFunc(x.paths, func(p path) bool { return slices.Contains(p.keys, said) }) {
		return fmt.Sprintf(" %q", said)
	}
	return typesIn(said)
}

// celTypes are the names of types that may stand in an error.
var celTypes = []string{
	"bool", "bytes", "double", "int", "list", "map", "null_type", "optional_type", "string", "type", "uint",
	"google.protobuf.Duration", "google.protobuf.Timestamp",
}

// typesIn is the types of "function(int, string)", if there is nothing else.
func typesIn(said string) string {
	_, args, ok := strings.Cut(strings.TrimSuffix(said, ")"), "(")
	if !ok {
		return ""
	}
	for arg := range strings.SplitSeq(args, ", ") {
		if !slices.Contains(celTypes, arg) {
			return ""
		}
	}
	return " (" + args + ")"
}

// position is where in the expression it failed, where that is known.
func (x *expression) position(err error) string {
	var failed *types.Err
	if !errors.As(err, &failed) || failed.NodeID() <= 0 {
		return ""
	}
	at := x.info.GetStartLocation(failed.NodeID())
	if at.Line() < 1 {
		return ""
	}
	return fmt.Sprintf(" (at %d:%d)", at.Line(), at.Column()+1)
}

// withKeys adds the keys that there were: of each variable that the expression
// reads, and of what it finds on its way to a key that is missing.
func (x *expression) withKeys(err error, s *scope) error {
	var there []string
	add := func(at string, value any) {
		if m, ok := asMap(value); ok {
			there = append(there, at+" has: "+keysOf(m))
		}
	}
	for _, p := range x.paths {
		value, _ := s.ResolveName(p.root)
		add(p.root, value)
		if at, value, missing := p.walk(value); missing && !p.maybe {
			add(at, value)
		}
	}
	slices.Sort(there)
	there = slices.Compact(there)
	if len(there) == 0 {
		return err
	}
	return fmt.Errorf("%w; %s", err, strings.Join(there, "; "))
}

// walk follows the path, and hands out where the next key was not found.
func (p path) walk(value any) (at string, last any, missing bool) {
	at = p.root
	for _, key := range p.keys {
		m, ok := asMap(value)
		if !ok {
			return at, value, false
		}
		next, there := m[key]
		if !there {
			return at, value, true
		}
		at, value = at+"."+key, next
	}
	return at, value, false
}

func asMap(value any) (map[string]any, bool) {
	switch m := value.(type) {
	case map[string]any:
		return m, true
	case profile.Facts:
		return m, true
	}
	return nil, false
}
