package demand

import (
	"cmp"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/sessionstore"
)

// Hears is told of each decision of demands that are to be explained.
type Hears func(d *Demands, made Decision, r Request, c *caller.Caller)

// Explain has every decision told to who explains it. It is for a gateway that
// serves nobody, and is called before any request.
func (d *Demands) Explain(heard Hears) { d.ready.heard = heard }

// Written is where it stands in a Caddyfile, if it was adapted from one while
// positions were kept.
func (d *Demands) Written() directive.Position { return d.At }

// Ruling is what a request is decided by.
type Ruling struct {
	// Rule is as it is written, such as `path /admin/*: role admin`.
	Rule string
	// At is where it stands in a Caddyfile; zero where that is not known.
	At directive.Position
}

// What decides where no role and no permission does.
const (
	aSession     = "a session"
	rulePublic   = "public"
	ruleOptional = "optional"

	rulePreflight = "preflight " + preflightPass
)

// Rulings are what the request was decided by: the one demand that refuses it, what
// opens it, or all that it meets. Of what is only reported it is what would have
// refused it, or all that it would have met.
func (d *Demands) Rulings(made Decision, r Request, c *caller.Caller) []Ruling {
	s, why := &d.ready.enforced, made.Why
	if made.Reported {
		s, why = &d.ready.all, made.Would
	}
	asked := s.asked(r)
	switch {
	case why == nil && asked.opens != nil:
		return []Ruling{*asked.opens}
	case why.OfRights():
		return []Ruling{asked.unmet(c)}
	case why != nil && len(asked.demands) > 0:
		first := asked.demands[0]
		return []Ruling{{first.sessionRule(), first.at}}
	case why != nil || !c.MayPass():
		return []Ruling{asked.whole()}
	}
	return asked.met()
}

// asks is what is asked of one request.
type asks struct {
	opens   *Ruling  // for whoever asks
	lets    *Ruling  // who has no session pass too
	demands []demand // those that hold
	of      *Demands
}

// demand is one of them.
type demand struct {
	path     string // the patterns; empty for the whole
	require  []Requirement
	admin    bool
	adminAt  directive.Position
	at       directive.Position // of all of it
	reported bool               // it refuses nobody
}

// near is the line, or the place of the block that it stands in.
func near(line, block directive.Position) directive.Position { return cmp.Or(line, block) }

// asked finds what holds for a request.
func (s *ruleSet) asked(r Request) asks {
	d := s.of
	a := asks{of: d}
	if PassesUnasked(d, r) {
		a.opens = &Ruling{rulePreflight, d.At}
		return a
	}
	whole := demand{require: d.Require, admin: d.AccountAdmin, adminAt: d.Lines.AccountAdmin, at: d.At, reported: d.ReportOnly}
	if s.rules == nil {
		if d.ready.public.Match(r.URL) {
			a.opens = &Ruling{rulePublic + " " + strings.Join(d.Public, " "), near(d.Lines.Public, d.At)}
		} else if !d.Optional {
			a.demands = []demand{whole}
		}
		return a
	}
	v := s.verdict(r)
	switch v.Access {
	case pathrule.Public:
		a.opens = s.opening(r, pathrule.Public, Ruling{rulePublic + " " + strings.Join(d.Public, " "), near(d.Lines.Public, d.At)})
		return a
	case pathrule.Optional:
		a.lets = s.opening(r, pathrule.Optional, Ruling{ruleOptional, near(d.Lines.Optional, d.At)})
	}
	if v.Base && !d.Optional {
		a.demands = append(a.demands, whole)
	}
	for i := range s.paths {
		if p := &s.paths[i]; v.Demands(i) {
			a.demands = append(a.demands, demand{p.named(), p.Require, p.AccountAdmin, p.Lines.AccountAdmin, p.At, p.ReportOnly || d.ReportOnly})
		}
	}
	return a
}

// opening is the first rule that opens the request so far by itself; else it is by
// the whole.
func (s *ruleSet) opening(r Request, so pathrule.Access, whole Ruling) *Ruling {
	for i := range s.paths {
		p := &s.paths[i]
		alone, err := pathrule.New(pathrule.Session, []pathrule.Rule{p.rule()})
		if err != nil || p.opens() != so {
			continue
		}
		if v := alone.Decide(r.URL, r.Method, true); v.Access == so {
			return &Ruling{p.named() + ": " + map[bool]string{true: rulePublic, false: ruleOptional}[p.Public], near(cmp.Or(p.Lines.Public, p.Lines.Optional), p.At)}
		}
	}
	return &whole
}

// unmet is the first demand that the person does not meet.
func (a asks) unmet(c *caller.Caller) Ruling {
	for _, q := range a.demands {
		if !Permits(c.User, q.require, q.admin) {
			return q.unmet(c.User)
		}
	}
	return a.whole()
}

// met are those that hold for who is let pass.
func (a asks) met() (all []Ruling) {
	for _, q := range a.demands {
		all = append(all, q.rulings()...)
	}
	if len(all) == 0 && len(a.demands) > 0 {
		return []Ruling{{a.demands[0].sessionRule(), a.demands[0].at}}
	}
	if len(all) == 0 {
		return []Ruling{a.whole()}
	}
	return all
}

// whole is what holds where no demand does.
func (a asks) whole() Ruling {
	switch {
	case a.lets != nil:
		return *a.lets
	case a.of.Optional:
		return Ruling{ruleOptional, near(a.of.Lines.Optional, a.of.At)}
	}
	return Ruling{aSession, a.of.At}
}

func (q demand) sessionRule() string { return q.named(aSession) }

func (q demand) named(text string) string {
	if q.path == "" {
		return text
	}
	return q.path + ": " + text
}

// rulings are all that is demanded beside a session, each line of it.
func (q demand) rulings() (all []Ruling) {
	for i := range q.require {
		all = append(all, q.ruling(&q.require[i]))
	}
	if q.admin {
		all = append(all, Ruling{q.named(wordAccountAdmin), near(q.adminAt, q.at)})
	}
	return all
}

func (q demand) ruling(of *Requirement) Ruling {
	return Ruling{q.named(of.String()), near(of.At, q.at)}
}

// unmet is the first of them that the person does not meet, for one who does not meet all.
func (q demand) unmet(u *sessionstore.UserSession) Ruling {
	for i := range q.require {
		if !q.require[i].holds(u) {
			return q.ruling(&q.require[i])
		}
	}
	return Ruling{q.named(wordAccountAdmin), near(q.adminAt, q.at)}
}
