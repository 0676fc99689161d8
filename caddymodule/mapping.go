package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// MapConfig turns what a source says into the fields of a session, by CEL
// expressions.
type MapConfig struct {
	// Map fills fields of the person, one after the other: id, email,
	// created_by, created_at, updated_by, updated_at, accounts,
	// primary_account, roles, permissions, username, name, attributes; for a login app
	// also upstream_token.
	Map []MapRule `json:"map,omitempty"`
	// Require are expressions that must be true, or the person is refused.
	Require []RequireConfig `json:"require,omitempty"`
}

// MapRule fills one field.
type MapRule struct {
	Field string `json:"field"`
	// Expr is a CEL expression over what the source said (token, login or
	// directory) and identity, which is the person as known so far.
	Expr string `json:"expr"`
}

// RequireConfig is one demand on the person.
type RequireConfig struct {
	// Expr is a CEL expression that is true or false.
	Expr string `json:"expr"`
	// Message tells the person why they may not sign in. Optional.
	Message string `json:"message,omitempty"`
}

// mapper is whoever has a map.
type mapper interface{ fills(field string) bool }

// fills reports whether a rule fills the field.
func (m *MapConfig) fills(field string) bool {
	return slices.ContainsFunc(m.Map, func(r MapRule) bool { return r.Field == field })
}

// compile makes the mapping ready; variables are what the source speaks of.
func (m *MapConfig) compile(variables ...string) (*mapping.Mapping, error) {
	if len(m.Map) == 0 && len(m.Require) == 0 {
		return nil, nil
	}
	var rules []mapping.Rule
	for _, r := range m.Map {
		rules = append(rules, mapping.Rule{Field: r.Field, Expr: r.Expr})
	}
	var demands []mapping.Demand
	for _, r := range m.Require {
		demands = append(demands, mapping.Demand{Expr: r.Expr, Message: r.Message})
	}
	return mapping.Compile(rules, demands, variables)
}

// parseMap reads `map { <field> <expression> ... }`. Each line is compiled
// where it stands, so that the error names file and line.
func (m *MapConfig) parseMap(variables ...string) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		if d.NextArg() {
			return directive.ArgErr(d)
		}
		for nesting := d.Nesting(); d.NextBlock(nesting); {
			if err := m.parseRule(d, variables, mapping.Fields()); err != nil {
				return err
			}
		}
		return nil
	}
}

func (m *MapConfig) parseRule(d *caddyfile.Dispenser, variables, fields []string) error {
	field := d.Val()
	if m.fills(field) {
		return directive.Errf(d, "map: %s is given twice", directive.Quoted(field))
	}
	if err := directive.OneOf("map", field, fields...); err != nil {
		return directive.Wrap(d, err)
	}
	var expr string
	if !d.Args(&expr) {
		return directive.Errf(d, "map: %s needs an expression, such as email `token.email`", directive.Quoted(field))
	}
	if d.NextArg() {
		return directive.Errf(d, "map: put the expression of %s in backticks", directive.Quoted(field))
	}
	if _, err := mapping.Compile([]mapping.Rule{{Field: field, Expr: expr}}, nil, variables); err != nil {
		return directive.Wrap(d, err)
	}
	m.Map = append(m.Map, MapRule{Field: field, Expr: expr})
	return nil
}

// parseRequire reads `require <expression> [<message>]`.
func (m *MapConfig) parseRequire(variables ...string) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		var r RequireConfig
		if !d.Args(&r.Expr) {
			return directive.Err(d, "require needs an expression, such as require `'staff' in token.groups` \"Staff only\"")
		}
		if d.NextArg() {
			r.Message = d.Val()
		}
		if d.NextArg() {
			return directive.Err(d, "require: put the expression in backticks and the message in quotes")
		}
		demand := mapping.Demand{Expr: r.Expr, Message: r.Message}
		if _, err := mapping.Compile(nil, []mapping.Demand{demand}, variables); err != nil {
			return directive.Wrap(d, err)
		}
		m.Require = append(m.Require, r)
		return nil
	}
}

// mapLine is by what a line of map is remembered where it stands.
type mapLine struct {
	Of   string
	Rule MapRule
}

// aimless are the lines of map that do nothing where the people are that login's.
func (a *AdoptLogin) aimless(l LoginModule) (rules []MapRule) {
	asked := []string{"email"} // of whom nothing says it, nobody is adopted
	if sso, ok := l.(*OIDCLogin); ok {
		asked = append(asked, "name")
		for field, claim := range map[string]string{"username": "preferred_username", "roles": "groups"} {
			if sso.speaksOf(claim) {
				asked = append(asked, field)
			}
		}
	}
	for _, r := range a.Map {
		if !slices.Contains(asked, r.Field) && !a.speaksOf("identity."+r.Field) && !strings.Contains(a.Subject, "identity."+r.Field) {
			rules = append(rules, r)
		}
	}
	return rules
}

// speaksOf reports whether an expression has that text.
func (m *MapConfig) speaksOf(text string) bool {
	return slices.ContainsFunc(m.Map, func(r MapRule) bool { return strings.Contains(r.Expr, text) }) ||
		slices.ContainsFunc(m.Require, func(r RequireConfig) bool { return strings.Contains(r.Expr, text) })
}

// warnOfAimless tells of each line of map that does nothing.
func (a *AdoptLogin) warnOfAimless(l LoginModule, remedy string) {
	for _, r := range a.aimless(l) {
		at := directive.Recall(mapLine{a.AdoptName, r})
		if at == (directive.Position{}) {
			at = a.at
		}
		a.logger.Warn("a line of map does nothing: `as` makes the people another login's, which says this of them itself",
			zap.String("login", a.AdoptName), zap.String("as", a.As), zap.String("field", r.Field), atLine(at), zap.String("remedy", "leave the line out; "+remedy))
	}
}
