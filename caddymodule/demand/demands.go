package demand

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// Demands are what is asked of a request. The zero value asks for a session.
type Demands struct {
	// Optional lets requests without a session pass too, without identity
	// headers. A bad Bearer token is refused all the same.
	Optional bool `json:"optional,omitempty"`

	// Public are paths that need no session: exact ones, or prefixes that end
	// in an asterisk, written decoded. Matching is case-sensitive, and a path
	// that can be read in two ways is never public.
	Public []string `json:"public,omitempty"`

	// Require must all hold, else the answer is 403.
	Require []Requirement `json:"require,omitempty"`

	// AccountAdmin requires that the person administers the account that they
	// act for.
	AccountAdmin bool `json:"account_admin,omitempty"`

	// Paths are rules by path, decided over every way in which the app may read
	// one. The demands of all that a path falls under hold.
	Paths []PathRule `json:"paths,omitempty"`

	// ReportOnly lets every request pass that any of this would refuse, and has it
	// counted and logged.
	ReportOnly bool `json:"report_only,omitempty"`

	// Preflight is pass, or empty. With pass, what a browser asks before a page of
	// another origin may send a request passes, as nobody's; else it needs a session,
	// which browsers never send along.
	Preflight string `json:"preflight,omitempty"`

	// At is where it stands in a Caddyfile, while positions are kept.
	At directive.Position `json:"at,omitzero"`
	// Lines are where its words stand there.
	Lines Lines `json:"lines,omitzero"`

	ready ready
}

// ready is what Prepare makes of Demands.
type ready struct {
	public   pathrule.Clear
	all      ruleSet
	enforced ruleSet // without the rules that only report
	heard    Hears
	of       string // who demands
}

// Request is what is decided of one: its address, the method that the app gets, and
// whether it is what caller.IsPreflight says.
type Request struct {
	URL       *url.URL
	Method    string
	Preflight bool
}

// preflightPass is the one value of Demands.Preflight.
const preflightPass = "pass"

// Decision is what is decided of a request. The zero value lets it pass.
type Decision struct {
	// Why is what it is refused with; nil lets it pass.
	Why *refusal.Refusal
	// Open says that it passes whoever asks.
	Open bool
	// Reported says that something is only reported, and Would is what it would have
	// been refused with, if it had been.
	Reported bool
	Would    *refusal.Refusal
}

// Prepare makes ready what each request needs. Of says in the log who demands, and where
// that stands.
func (d *Demands) Prepare(of string) (err error) {
	d.ready.of = of
	if d.Preflight != "" && d.Preflight != preflightPass {
		return fmt.Errorf("preflight %q: write `preflight pass`, or leave it out", d.Preflight)
	}
	if err := d.checkPublic(); err != nil {
		return err
	}
	for i := range d.Paths {
		if err := d.Paths[i].check(); err != nil {
			return err
		}
	}
	if d.ready.all, err = newRuleSet(d, d.Paths); err != nil {
		return err
	}
	d.ready.enforced, err = newRuleSet(d, slices.DeleteFunc(slices.Clone(d.Paths), func(p PathRule) bool { return p.ReportOnly }))
	if err != nil {
		return err
	}
	for i := range d.Require {
		if err := d.Require[i].Check(); err != nil {
			return err
		}
	}
	return d.checkOptional()
}

func (d *Demands) checkPublic() (err error) {
	d.ready.public, err = pathrule.NewClear(d.Public)
	return err
}

// checkOptional refuses a demand beside `optional`: it would let in who is not
// signed in, and keep out who is and does not meet it, so that they need only
// sign out.
func (d *Demands) checkOptional() error {
	if !d.Optional || len(d.Require) == 0 && !d.AccountAdmin {
		return nil
	}
	return errors.New("optional lets in who is not signed in, so role, permission and account_admin beside it keep out nobody " +
		"but the signed-in: leave `optional` out and open paths by `public`, or give the demand a session_auth with a matcher of its own")
}

// Decide says what becomes of a request of that caller.
func (d *Demands) Decide(r Request, c *caller.Caller) Decision {
	made := d.decideAll(r, c)
	if d.ready.heard != nil {
		d.ready.heard(d, made, r, c)
	}
	return made
}

// PassesUnasked reports whether a request passes as nobody's, whoever makes it, so that
// nobody need be looked up.
func PassesUnasked(d *Demands, r Request) bool { return r.Preflight && d.Preflight == preflightPass }

func (d *Demands) decideAll(r Request, c *caller.Caller) (made Decision) {
	if PassesUnasked(d, r) {
		return Decision{Open: true}
	}
	if !d.ReportOnly {
		made.Why, made.Open = d.ready.enforced.decide(r, c)
		if made.Why != nil || len(d.ready.enforced.paths) == len(d.ready.all.paths) {
			return made
		}
	}
	made.Reported = true
	made.Would, _ = d.ready.all.decide(r, c)
	return made
}

// Unmet is the first demand that the person does not meet, as it is written: of
// those that are enforced, or of all, where made only reports. Empty where they
// meet all of them.
func (d *Demands) Unmet(made *Decision, r Request, u *sessionstore.UserSession) string {
	s := &d.ready.enforced
	if made.Reported {
		s = &d.ready.all
	}
	rule := ownDemand
	if s.rules != nil {
		v := s.verdict(r)
		rule, _ = s.meets(&v, u)
	}
	if rule == ownDemand {
		return firstUnmet(u, d.Require, d.AccountAdmin)
	}
	p := &s.paths[rule]
	return p.named() + ": " + firstUnmet(u, p.Require, p.AccountAdmin)
}
