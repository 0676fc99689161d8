package mapping

import (
	"slices"

	"cel.dev/cel-go/cel"

	"example.com/sidegate/caddymodule/profile"
)

// scope is what one evaluation sees: the variables of its vocabulary, and
// nothing else that the facts may hold.
type scope struct {
	names    []string
	facts    profile.Facts
	person   *profile.Person
	identity map[string]any // made when it is asked for
}

var _ cel.Activation = (*scope)(nil)

func (x *expression) scope(person *profile.Person, facts profile.Facts) *scope {
	return &scope{names: x.names, facts: facts, person: person}
}

// nothing is a source that said nothing; nobody writes to it.
var nothing = map[string]any{}

// ResolveName finds a variable. One that no source has filled has no keys, so
// that `directory.?crm` can be asked when no directory has answered.
func (s *scope) ResolveName(name string) (any, bool) {
	switch {
	case !slices.Contains(s.names, name):
		return nil, false
	case name == identity:
		if s.identity == nil {
			s.identity = identityOf(s.person)
		}
		return s.identity, true
	case s.facts[name] == nil:
		return nothing, true
	}
	return s.facts[name], true
}

// Parent is that there is no scope around this one.
func (s *scope) Parent() cel.Activation { return nil }
