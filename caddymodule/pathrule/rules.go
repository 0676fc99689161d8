package pathrule

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Access is what somebody needs to pass.
type Access int

// From the most to the least that is asked for.
const (
	Session  Access = iota // a session
	Optional               // none, but what is presented must be good
	Public                 // nothing
)

// MaxRules bounds the rules of one list.
const MaxRules = 256

// Rule is what holds below some paths.
type Rule struct {
	// Patterns are exact paths or prefixes that end in an asterisk, written
	// decoded. One at least.
	Patterns []string
	// Methods are those that the rule is for; none for all. GET is HEAD too.
	Methods []string
	// Except turns Methods into those that the rule is not for.
	Except bool
	// Opens says what takes the place of a session; Session for a rule that
	// demands one, and whatever its owner demands beside.
	Opens Access
	// Clear has the rule left out where the caller says that the path is not.
	Clear bool
}

// Rules decide by path.
type Rules struct {
	rules []rule
	base  Access
}

type rule struct {
	Rule
	patterns []pattern
}

// New makes rules. base is what is needed where no rule says otherwise.
func New(base Access, rules []Rule) (*Rules, error) {
	if len(rules) > MaxRules {
		return nil, fmt.Errorf("there are %d path rules, and %d at most: one takes several patterns", len(rules), MaxRules)
	}
	made := &Rules{base: base, rules: make([]rule, len(rules))}
	for i, r := range rules {
		made.rules[i].Rule = r
		if len(r.Patterns) == 0 {
			return nil, fmt.Errorf("path rule %d names no path: give one such as /admin/*", i+1)
		}
		for _, text := range r.Patterns {
			p, err := parsePattern(text)
			if err != nil {
				return nil, err
			}
			made.rules[i].patterns = append(made.rules[i].patterns, p)
		}
	}
	return made, nil
}

// Verdict is what a request needs.
type Verdict struct {
	// Access is what is needed to pass.
	Access Access
	// Base is true where what is demanded of the whole site is not lifted.
	Base bool

	held [MaxRules / 64]uint64
}

// Demands reports whether the rule of that index makes its demands.
func (v *Verdict) Demands(rule int) bool { return v.held[rule/64]&(1<<(rule%64)) != 0 }

func (v *Verdict) demand(rule int) { v.held[rule/64] |= 1 << (rule % 64) }

// Decide asks for the demands of every reading, and opens what every reading
// opens. clear is what Rule.Clear asks about.
func (r *Rules) Decide(u *url.URL, method string, clear bool) Verdict {
	v := Verdict{Access: Public}
	if Plain(u) {
		r.decide(&v, question{u.Path, method, clear, written})
		return v
	}
	b := read(u)
	if b.full {
		return r.all(method)
	}
	for i, reading := range b.readings {
		q := question{reading, method, clear, made}
		switch {
		case i == 0:
			q.origin = written
		case i >= b.firm:
			q.origin = aside
		}
		r.decide(&v, q)
	}
	return v
}

// question is what is decided: one reading.
type question struct {
	reading, method string
	clear           bool
	origin          origin
}

// origin is where a reading comes from: the client, steps and moves, or asides.
type origin int

const (
	written origin = iota
	made
	aside
)

// all is the verdict over a path with more readings than are looked at.
func (r *Rules) all(method string) Verdict {
	v := Verdict{Access: Session, Base: true}
	for i := range r.rules {
		if r.rules[i].Opens == Session && r.rules[i].isFor(method, demanded) {
			v.demand(i)
		}
	}
	return v
}

// decide adds what one reading needs. The demands of all rules that it falls
// under hold. An opening lifts those of wider rules, and of the whole site;
// those of rules as narrow, or narrower, stay.
func (r *Rules) decide(v *Verdict, q question) {
	access, lifted := r.opening(&q)
	if q.origin != aside {
		v.Base = v.Base || lifted < 0
		v.Access = min(v.Access, access)
	}
	for i := range r.rules {
		if r.rules[i].Opens == Session && r.rules[i].rank(&q) >= max(lifted, 0) {
			v.Access = Session
			v.demand(i)
		}
	}
}

// opening finds the narrowest rule that opens the reading, and its rank; -1 for
// none.
func (r *Rules) opening(q *question) (access Access, lifted int) {
	access, lifted = r.base, -1
	for i := range r.rules {
		rule := &r.rules[i]
		if rule.Opens == Session || rule.Clear && !q.clear {
			continue
		}
		switch rank := rule.rank(q); {
		case rank < 0 || rank < lifted:
		case rank == lifted:
			access = min(access, rule.Opens)
		default:
			access, lifted = rule.Opens, rank
		}
	}
	return access, lifted
}

// rank is that of the narrowest pattern that the reading falls under; -1 where
// the rule is for other paths or methods. One for some methods is narrower than
// one for all.
func (r *rule) rank(q *question) int {
	if !r.isFor(q.method, r.Opens == Session) {
		return -1
	}
	rank := -1
	for i := range r.patterns {
		p := &r.patterns[i]
		if r.Opens == Session && p.covers(q.reading) || r.Opens != Session && p.opens(q.reading, q.origin != written) {
			rank = max(rank, 2*p.rank())
		}
	}
	if rank >= 0 && len(r.Methods) > 0 {
		rank++
	}
	return rank
}

const demanded = true

// isFor reports whether the rule is for the method. Methods have a case, but
// there are programs that take post for POST: a demand on POST holds for it, and
// what is open but for POST is closed to it.
func (r *rule) isFor(method string, demand bool) bool {
	if len(r.Methods) == 0 {
		return true
	}
	for _, m := range r.Methods {
		if m == method || demand != r.Except && strings.EqualFold(m, method) || m == http.MethodGet && method == http.MethodHead {
			return !r.Except
		}
	}
	return r.Except
}
