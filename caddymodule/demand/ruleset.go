package demand

import (
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// ruleSet decides by demands with some of their rules by path.
type ruleSet struct {
	of    *Demands
	rules *pathrule.Rules // nil where there are none
	paths []PathRule
}

// newRuleSet makes rules ready. The option public is one of them where there are
// others, but for what it never opens.
func newRuleSet(d *Demands, paths []PathRule) (s ruleSet, err error) {
	s.of = d
	if len(paths) == 0 {
		return s, nil
	}
	base := pathrule.Session
	if d.Optional {
		base = pathrule.Optional
	}
	rules := make([]pathrule.Rule, 0, len(paths)+1)
	for i := range paths {
		rules = append(rules, paths[i].rule())
	}
	if len(d.Public) > 0 {
		rules = append(rules, pathrule.Rule{Patterns: d.Public, Opens: pathrule.Public, Clear: true})
	}
	s.paths = paths
	s.rules, err = pathrule.New(base, rules)
	return s, err
}

// decide answers with what the request is refused; nil lets it pass. Open says that
// it does whoever asks.
func (s *ruleSet) decide(r Request, c *caller.Caller) (why *refusal.Refusal, open bool) {
	switch {
	case s.rules != nil:
		return s.decideByPath(r, c)
	case s.of.ready.public.Match(r.URL):
		return nil, true
	case !c.MayPass():
		if s.of.Optional && anonymous(c) {
			return nil, false
		}
		return c.Refusal, false
	case !Permits(c.User, s.of.Require, s.of.AccountAdmin):
		return refuseRights(c, s.of.Require), false
	}
	return nil, false
}

// decideByPath is decide where there are rules by path.
func (s *ruleSet) decideByPath(r Request, c *caller.Caller) (why *refusal.Refusal, open bool) {
	v := s.verdict(r)
	if v.Access == pathrule.Public {
		return nil, true
	}
	if !c.MayPass() {
		if v.Access == pathrule.Optional && anonymous(c) {
			return nil, false
		}
		return c.Refusal, false
	}
	if rule, meets := s.meets(&v, c.User); !meets {
		return refuseRights(c, s.requiredBy(rule)), false
	}
	return nil, false
}

// verdict is what the rules say of a request.
func (s *ruleSet) verdict(r Request) pathrule.Verdict {
	return s.rules.Decide(r.URL, r.Method, len(s.of.Public) == 0 || !pathrule.AmbiguousPath(r.URL))
}

// ownDemand stands for the demands of the whole among the rules.
const ownDemand = -1

// meets reports whether the person meets all that is demanded; else rule is that of
// the first demand which they do not meet.
func (s *ruleSet) meets(v *pathrule.Verdict, u *sessionstore.UserSession) (rule int, meets bool) {
	if v.Base && !Permits(u, s.of.Require, s.of.AccountAdmin) {
		return ownDemand, false
	}
	for i := range s.paths {
		if v.Demands(i) && !Permits(u, s.paths[i].Require, s.paths[i].AccountAdmin) {
			return i, false
		}
	}
	return ownDemand, true
}

// requiredBy is what that rule requires, or the whole.
func (s *ruleSet) requiredBy(rule int) []Requirement {
	if rule == ownDemand {
		return s.of.Require
	}
	return s.paths[rule].Require
}

// anonymous reports whether somebody passes where a session is optional.
func anonymous(c *caller.Caller) bool {
	return c.Standing == caller.Anonymous || c.Standing == caller.Rejected && !c.PresentedToken
}
