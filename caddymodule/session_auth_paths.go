package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/siting"
	"example.com/sidegate/sessionstore"
)

// PathRule is what holds below some paths, whichever way the app reads them: the
// demands of every reading of a path hold, and a path is open only if every
// reading of it is. Without any further word it demands a session.
//
// The demands of all rules that a path falls under hold, beside those of the
// session_auth itself. A rule that opens lifts those of wider rules and of the
// session_auth: an exact path is narrower than a prefix, a longer prefix than a
// shorter one, and a rule for some methods than one for all. A demand that is
// as narrow as an opening stays.
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

	line directive.Position // in a Caddyfile
}

func (p *PathRule) validate() error {
	demands := len(p.Require) > 0 || p.AccountAdmin
	switch {
	case p.Public && p.Optional:
		return p.wrong("public and optional exclude each other: keep one of them")
	case p.opens() != pathrule.Session && demands:
		return p.wrong("it opens the path and demands something of it: leave out public and optional, or the demand")
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
		if err := p.Require[i].validate(); err != nil {
			return p.wrong(err.Error())
		}
	}
	return nil
}

func (p *PathRule) wrong(what string) error {
	return errors.New("path " + strings.Join(p.Patterns, " ") + ": " + what)
}

func (p *PathRule) opens() pathrule.Access {
	switch {
	case p.Public:
		return pathrule.Public
	case p.Optional:
		return pathrule.Optional
	}
	return pathrule.Session
}

// provisionPaths makes the rules ready. The option public is one of them where
// there are others, but for what it never opens.
func (s *SessionAuth) provisionPaths() (err error) {
	if err := checkAmbiguous(s.AmbiguousPaths); err != nil || len(s.Paths) == 0 {
		return err
	}
	base := pathrule.Session
	if s.Optional {
		base = pathrule.Optional
	}
	var rules []pathrule.Rule
	for i := range s.Paths {
		p := &s.Paths[i]
		if err := p.validate(); err != nil {
			return err
		}
		rules = append(rules, pathrule.Rule{Patterns: p.Patterns, Methods: p.Methods, Except: p.ExceptMethods, Opens: p.opens()})
	}
	if len(s.Public) > 0 {
		rules = append(rules, pathrule.Rule{Patterns: s.Public, Opens: pathrule.Public, Clear: true})
	}
	s.rules, err = pathrule.New(base, rules)
	return err
}

func (s *SessionAuth) checkPublic() (err error) {
	s.public, err = pathrule.NewClear(s.Public)
	return err
}

// readAuth reads a session_auth as it is written, for what is seen of a whole
// server. Of one that cannot be read nothing is said.
func readAuth(written json.RawMessage) siting.Auth {
	var s SessionAuth
	if json.Unmarshal(written, &s) != nil || s.checkPublic() != nil {
		return siting.Auth{Opens: func(string) bool { return true }}
	}
	opens, demands := s.Optional, !s.Optional
	var patterns []string
	for i := range s.Paths {
		open := s.Paths[i].Public || s.Paths[i].Optional
		opens, demands = opens || open, demands || !open
		patterns = append(patterns, s.Paths[i].Patterns...)
	}
	return siting.Auth{
		Leads:    demands && !s.NoRedirect && !s.HandleErrors,
		ToErrors: s.HandleErrors,
		Demands:  demands, Public: s.Public, Paths: patterns,
		Opens: func(path string) bool { return opens || s.public.Match(&url.URL{Path: path}) },
	}
}

// decideByPath is decide where there are rules by path.
func (s *SessionAuth) decideByPath(r *http.Request, c *caller.Caller) (why *refusal.Refusal, open bool) {
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
	if _, meets := s.meets(&v, c.User); !meets {
		return refuseRole(c), false
	}
	return nil, false
}

// verdict is what the rules say of a request.
func (s *SessionAuth) verdict(r *http.Request) pathrule.Verdict {
	return s.rules.Decide(r.URL, methodAtApp(r), len(s.Public) == 0 || !pathrule.AmbiguousPath(r.URL))
}

// ownDemand stands for the demands of the session_auth itself among its rules.
const ownDemand = -1

// meets reports whether the person meets all that is demanded; else rule is that of
// the first demand which they do not meet.
func (s *SessionAuth) meets(v *pathrule.Verdict, u *sessionstore.UserSession) (rule int, meets bool) {
	if v.Base && !permits(u, s.Require, s.AccountAdmin) {
		return ownDemand, false
	}
	for i := range s.Paths {
		if v.Demands(i) && !permits(u, s.Paths[i].Require, s.Paths[i].AccountAdmin) {
			return i, false
		}
	}
	return ownDemand, true
}

// methodAtApp is the method that the app gets: a CONNECT that came so far asks
// for a websocket, as a GET does in HTTP/1.1.
func methodAtApp(r *http.Request) string {
	if r.Method == http.MethodConnect {
		return http.MethodGet
	}
	return r.Method
}

// keeping is which caches may keep what the app answers: on an open route it is
// anybody's, but for who is told to the app.
func keeping(open, told bool) caller.Keeping {
	switch {
	case !open:
		return caller.KeepApart
	case told:
		return caller.KeepPrivate
	}
	return caller.KeepAsSaid
}

// anonymous reports whether somebody passes where a session is optional.
func anonymous(c *caller.Caller) bool {
	return c.Standing == caller.Anonymous || c.Standing == caller.Rejected && !c.PresentedToken
}

// parsePath reads a rule. Syntax:
//
//	path <pattern>... {
//		role <role>...
//		permission <permission>...
//		account_admin
//		public
//		optional
//		method [not] <method>...
//	}
func (s *SessionAuth) parsePath(d *caddyfile.Dispenser) error {
	var p PathRule
	if err := directive.Texts(&p.Patterns)(d); err != nil {
		return err
	}
	if _, err := pathrule.New(pathrule.Session, []pathrule.Rule{{Patterns: p.Patterns}}); err != nil {
		return directive.Wrap(d, err)
	}
	p.line = directive.Here(d)
	err := directive.Block(d, "path", map[string]directive.Option{
		"role":          requireRole(&p.Require),
		"permission":    requirePermission(&p.Require),
		"account_admin": directive.Flag(&p.AccountAdmin),
		"public":        directive.Flag(&p.Public),
		"optional":      directive.Flag(&p.Optional),
		"method":        p.parseMethod,
	})
	if err != nil {
		return err
	}
	if err := p.validate(); err != nil {
		return p.line.Wrap(err)
	}
	s.Paths = append(s.Paths, p)
	return nil
}

// parseMethod reads `method GET HEAD`, or `method not GET HEAD`.
func (p *PathRule) parseMethod(d *caddyfile.Dispenser) error {
	if len(p.Methods) > 0 {
		return directive.Err(d, "method is given twice: name them all on one line")
	}
	if err := directive.Texts(&p.Methods)(d); err != nil {
		return err
	}
	if p.Methods[0] == "not" {
		p.ExceptMethods, p.Methods = true, p.Methods[1:]
	}
	return nil
}
