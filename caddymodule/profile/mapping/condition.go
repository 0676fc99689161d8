package mapping

import "example.com/sidegate/caddymodule/profile"

// Condition is a compiled expression that is true or false of the facts, such
// as whether an app's answer means that somebody is signed in. It does not
// change and is safe for concurrent use.
type Condition struct {
	expr *expression
}

// CompileCondition compiles an expression that yields a bool. The variables,
// and what errors say, are as with Compile; `identity` has nothing to say of a
// person yet.
func CompileCondition(expr, where string, variables []string) (*Condition, error) {
	v, err := newVocabulary(variables)
	if err != nil {
		return nil, err
	}
	x, err := v.compile(source{"condition", expr, where}, truth.wants, truth.admits)
	if err != nil {
		return nil, err
	}
	return &Condition{x}, nil
}

// Holds reports whether the condition is true of the facts. With an error it
// is false: what cannot be told does not hold.
func (c *Condition) Holds(facts profile.Facts) (bool, error) {
	return c.expr.holds(new(profile.Person), facts)
}

// Reads reports whether the condition looks at that key of the variable, or at all
// of its keys.
func (c *Condition) Reads(variable, key string) bool {
	return readsKey(c.expr.paths, variable, key)
}

// Texts are those that stand in the condition.
func (c *Condition) Texts() []string { return c.expr.texts }
