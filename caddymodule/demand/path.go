package demand

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/pathrule"
)

// PathRule is what holds below some paths, whichever way the app reads them: the
// demands of every reading of a path hold, and a path is open only if every
// reading of it is. Without any further word it demands a session.
//
// The demands of all rules that a path falls under hold, beside those of the
// whole. A rule that opens lifts those of wider rules and of the whole: an exact
// path is narrower than a prefix, a longer prefix than a shorter one, and a rule
// for some methods than one for all. A demand that is as narrow as an opening
// stays.
type PathRule struct {
	// Patterns are exact paths, or prefixes that end in an asterisk, written
	// decoded. A demand at /admin/* holds for /admin too, and in any case of
	// letters; what opens is compared letter by letter.
	Patterns []string `json:"patterns"`

	// Methods are those that the rule is for; GET is HEAD too. Default: all.
	Methods []string `json:"methods,omitempty"`

	// ExceptMethods turns Methods into those that the rule is not for.
	ExceptMethods bool `json:"except_methods,omitempty"`

	// Public asks for no session. Nothing can be demanded beside it.
	Public bool `json:"public,omitempty"`

	// Optional lets requests without a session pass too; a bad Bearer token is
	// refused all the same. Nothing can be demanded beside it.
	Optional bool `json:"optional,omitempty"`

	// Require must all hold, else the answer is 403.
	Require []Requirement `json:"require,omitempty"`

	// AccountAdmin requires that the person administers the account that they
	// act for.
	AccountAdmin bool `json:"account_admin,omitempty"`

	// ReportOnly has requests decided as if the rule were not there, and what it
	// would have refused counted and logged.
	ReportOnly bool `json:"report_only,omitempty"`

	// At is where it stands in a Caddyfile, while positions are kept.
	At directive.Position `json:"at,omitzero"`
	// Lines are where its words stand there.
	Lines Lines `json:"lines,omitzero"`
}

func (p *PathRule) check() error {
	demands := len(p.Require) > 0 || p.AccountAdmin
	switch {
	case p.Public && p.Optional:
		return p.wrong("public and optional exclude each other: keep one of them")
	case p.opens() != pathrule.Session && demands:
		return p.wrong("it opens the path and demands something of it: leave out public and optional, or the demand")
	case p.opens() != pathrule.Session && p.ReportOnly:
		return p.wrong("it refuses nobody, so there is nothing to report: leave out report_only, or public and optional")
	}
	if p.ExceptMethods && len(p.Methods) == 0 {
		return p.wrong("not which methods? Name one at least")
	}
	if !p.ExceptMethods && len(p.Methods) > 0 && !slices.ContainsFunc(p.Methods, func(method string) bool { return !strings.EqualFold(method, http.MethodConnect) }) {
		return p.wrong("the rule is for no request: a CONNECT that asks for a websocket is a GET to rules, and every other is refused: say `method GET`")
	}
	for _, method := range p.Methods {
		if !httpguts.ValidHeaderFieldName(method) { // both are tokens (RFC 9110, 9.1)
			return p.wrong(fmt.Sprintf("%q is no method", method))
		}
	}
	for i := range p.Require {
		if err := p.Require[i].Check(); err != nil {
			return p.wrong(err.Error())
		}
	}
	return nil
}

func (p *PathRule) wrong(what string) error { return errors.New(p.named() + ": " + what) }

func (p *PathRule) named() string { return "path " + strings.Join(p.Patterns, " ") }

func (p *PathRule) opens() pathrule.Access {
	switch {
	case p.Public:
		return pathrule.Public
	case p.Optional:
		return pathrule.Optional
	}
	return pathrule.Session
}

// rule is what package pathrule knows of it.
func (p *PathRule) rule() pathrule.Rule {
	return pathrule.Rule{Patterns: p.Patterns, Methods: p.Methods, Except: p.ExceptMethods, Opens: p.opens()}
}
