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
		r.decide(&v, u.Path, method, clear)
		return v
	}
	readings, more := Readings(u)
	if more {
		return r.all(method)
	}
	for _, reading := range readings {
		r.decide(&v, reading, method, clear)
	}
	return v
}

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
func (r *Rules) decide(v *Verdict, reading, method string, clear bool) {
	access, lifted := r.opening(reading, method, clear)
	if lifted < 0 {
		v.Base = true
	}
	for i := range r.rules {
		if r.rules[i].Opens == Session && r.rules[i].rank(reading, method) >= max(lifted, 0) {
			access = Session
			v.demand(i)
		}
	}
	v.Access = min(v.Access, access)
}

// opening finds the narrowest rule that opens the reading, and its rank; -1 for
// none.
func (r *Rules) opening(reading, method string, clear bool) (access Access, lifted int) {
	access, lifted = r.base, -1
	for i := range r.rules {
		rule := &r.rules[i]
		if rule.Opens == Session || rule.Clear && !clear {
			continue
		}
		switch rank := rule.rank(reading, method); {
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
func (r *rule) rank(reading, method string) int {
	if !r.isFor(method, r.Opens == Session) {
		return -1
	}
	rank := -1
	for i := range r.patterns {
		p := &r.patterns[i]
		if r.Opens == Session && p.covers(reading) || r.Opens != Session && p.opens(reading) {
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
