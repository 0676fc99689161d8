package mapping

import (
	"errors"
	"fmt"

	"example.com/sidegate/caddymodule/profile"
)

// MaxDemands is the most demands of one mapping.
const MaxDemands = 32

// Rule fills one field of the person with what its expression yields.
type Rule struct {
	// Field is one of Fields. Each may be filled once.
	Field string
	// Expr is the expression, MaxExpr bytes at most. For the field "id" it may
	// be the bare word `registry`: the ID then becomes zero, and the store hands
	// out a number. An expression that yields optional.none() leaves the field
	// as it was.
	Expr string
	// Where is where the rule was written ("Caddyfile:12"); may be empty.
	Where string
}

// Demand is what must be true of a person for them to be let in (`require`).
type Demand struct {
	// Expr yields a bool; MaxExpr bytes at most.
	Expr string
	// Message is for the person who is refused; may be empty.
	Message string
	// Where is where the demand was written; may be empty.
	Where string
}

// Mapping is a compiled list of rules and demands. It does not change and is
// safe for concurrent use. A nil *Mapping maps nothing and demands nothing.
type Mapping struct {
	rules   []compiledRule
	demands []compiledDemand
}

type compiledRule struct {
	field *field
	expr  *expression // nil for `registry`
}

type compiledDemand struct {
	expr    *expression
	message string
}

// Compile checks and compiles rules and demands. The variables are those of
// "token", "login" and "directory" that there are in this place; "identity",
// which is the person as it is so far, is there always.
//
// Errors name the field, the expression and where it was written, and show
// with a pointer what is wrong with it.
func Compile(rules []Rule, demands []Demand, variables []string) (*Mapping, error) {
	if len(demands) > MaxDemands {
		return nil, fmt.Errorf("there are %d demands: %d at most; join some with &&", len(demands), MaxDemands)
	}
	v, err := newVocabulary(variables)
	if err != nil {
		return nil, err
	}
	m := new(Mapping)
	filled := make(map[string]bool, len(rules))
	for _, r := range rules {
		rule, err := v.rule(r, filled)
		if err != nil {
			return nil, err
		}
		m.rules = append(m.rules, rule)
	}
	for _, d := range demands {
		expr, err := v.compile(source{"require", d.Expr, d.Where}, truth.wants, truth.admits)
		if err != nil {
			return nil, err
		}
		m.demands = append(m.demands, compiledDemand{expr, d.Message})
	}
	return m, nil
}

// rule compiles one rule; filled are the fields of those before it. A field
// twice is refused, for only one of two expressions could be meant.
func (v *vocabulary) rule(r Rule, filled map[string]bool) (compiledRule, error) {
	at := source{"map " + r.Field, r.Expr, r.Where}
	f, err := fieldNamed(r.Field)
	switch {
	case err != nil:
		return compiledRule{}, source{"map", r.Expr, r.Where}.fail(err)
	case filled[r.Field]:
		return compiledRule{}, at.fail(errors.New("the field is mapped a second time: keep one of the two"))
	case f.needs != "" && !v.has(f.needs):
		return compiledRule{}, at.fail(fmt.Errorf("the field can be mapped only where the variable %s is there; here there are: %s", f.needs, v.list()))
	}
	filled[r.Field] = true
	if f.isRegistry(r.Expr) {
		return compiledRule{field: f}, nil
	}
	expr, err := v.compile(at, f.wants, f.admits)
	return compiledRule{f, expr}, err
}

// Apply fills the person from the facts, rule by rule in their order: each one
// finds in `identity` what those before it filled in.
//
// A demand that does not hold is a *profile.Refused. Demands that do not look
// at `identity` are asked before the rules, so that a stranger is told "no" and
// not that a rule found no claim of theirs. A *profile.Unmapped says that the
// facts cannot be mapped, and any other error that there was no time to: it
// cannot be told who this is, or whether they may come in. Never let them pass
// for that. After an error the person is as it was; the facts never change.
func (m *Mapping) Apply(person *profile.Person, facts profile.Facts) error {
	_, err := m.apply(person, facts, false)
	return err
}

// apply is Apply. With trace it goes on after an error, and tells every step.
func (m *Mapping) apply(person *profile.Person, facts profile.Facts, trace bool) ([]Step, error) {
	if m == nil {
		return nil, nil
	}
	r := run{person: *person, facts: facts, trace: trace}
	r.ask(m.demands, false)
	for _, rule := range m.rules {
		if r.goesOn() {
			r.fill(rule)
		}
	}
	r.ask(m.demands, true)
	if r.err == nil {
		*person = r.person
	}
	if trace {
		return r.steps, r.err
	}
	return nil, profile.Concerning(r.err, r.person.Email, r.person.Username)
}

// run is one application of a mapping, to a copy of the person.
type run struct {
	person profile.Person
	facts  profile.Facts
	trace  bool
	steps  []Step
	err    error // the first
}

func (r *run) goesOn() bool { return r.err == nil || r.trace }

func (r *run) fill(rule compiledRule) {
	var step Step
	if rule.expr == nil {
		r.person.ID = 0
		step = Step{Field: rule.field.name, Expr: registry, Result: registry}
	} else {
		step = Step{Field: rule.field.name, Expr: rule.expr.text}
		step.Result, step.Err = rule.expr.fill(rule.field, &r.person, r.facts)
	}
	r.note(step)
}

// ask asks the demands that look at `identity`, or those that do not.
func (r *run) ask(demands []compiledDemand, lookAtIdentity bool) {
	for _, d := range demands {
		if !r.goesOn() || d.expr.reads(identity) != lookAtIdentity {
			continue
		}
		holds, err := d.expr.holds(&r.person, r.facts)
		if err == nil && !holds {
			err = &profile.Refused{Message: d.message, Why: d.expr.fail(errDoesNotHold).Error()}
		}
		r.note(Step{Field: "require", Expr: d.expr.text, Result: holds, Err: err})
	}
}

func (r *run) note(s Step) {
	if r.err == nil {
		r.err = judged(s.Err)
	}
	if r.trace {
		r.steps = append(r.steps, s)
	}
}

// judged tells facts that cannot be mapped from a "no", and from trouble.
func judged(err error) error {
	if _, refused := errors.AsType[*profile.Refused](err); err == nil || refused || errors.Is(err, errInterrupted) {
		return err
	}
	return &profile.Unmapped{Err: err}
}
