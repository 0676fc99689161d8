package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	session_auth [<matcher>] {
//		optional
//		public <path>...
//		role <role>...
//		permission <permission>...
//		account_admin
//		headers <preset>...|none
//		header <Name> <value>
//		assertion [<audience>]
//		upstream_token <login>
//		no_redirect
//		foreign_bearer
//		handle_errors
//	}
//
// Any of the names on a line of role or permission will do; several lines
// must all hold.
func (s *SessionAuth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	return parseBlock(d, "session_auth", map[string]option{
		"optional":       flag(&s.Optional),
		"public":         texts(&s.Public),
		"role":           requireRole(&s.Require),
		"permission":     requirePermission(&s.Require),
		"account_admin":  flag(&s.AccountAdmin),
		"headers":        texts(&s.Headers),
		"header":         s.parseHeader,
		"assertion":      s.parseAssertion,
		"upstream_token": text(&s.UpstreamToken),
		"no_redirect":    flag(&s.NoRedirect),
		"foreign_bearer": flag(&s.ForeignBearer),
		"handle_errors":  flag(&s.HandleErrors),
	})
}

func requireRole(target *[]Requirement) option {
	return func(d *caddyfile.Dispenser) error {
		var q Requirement
		err := texts(&q.Roles)(d)
		*target = append(*target, q)
		return err
	}
}

func requirePermission(target *[]Requirement) option {
	return func(d *caddyfile.Dispenser) error {
		var q Requirement
		err := texts(&q.Permissions)(d)
		*target = append(*target, q)
		return err
	}
}

func (s *SessionAuth) parseHeader(d *caddyfile.Dispenser) error {
	var h HeaderConfig
	if !d.Args(&h.Name, &h.Value) || d.NextArg() {
		return d.ArgErr()
	}
	for _, other := range s.Header {
		if strings.EqualFold(other.Name, h.Name) {
			return d.Errf("header %s is given twice", h.Name)
		}
	}
	s.Header = append(s.Header, h)
	return nil
}

func (s *SessionAuth) parseAssertion(d *caddyfile.Dispenser) error {
	if s.Assertion != nil {
		return d.Err("assertion is given twice")
	}
	s.Assertion = new(AssertionConfig)
	return optionalText(d, &s.Assertion.Audience)
}

// UnmarshalCaddyfile reads the matcher. Syntax:
//
//	session [role <role>...] [permission <permission>...] [account_admin]
//
//	session {
//		role <role>...
//		permission <permission>...
//		account_admin
//	}
//
// On one line, each of the words begins a new demand.
func (m *MatchSession) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for d.Next() {
		if err := m.parseLine(d); err != nil {
			return err
		}
		err := parseBlock(d, "session", map[string]option{
			"role":          requireRole(&m.Require),
			"permission":    requirePermission(&m.Require),
			"account_admin": flag(&m.AccountAdmin),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *MatchSession) parseLine(d *caddyfile.Dispenser) error {
	var names *[]string
	for d.NextArg() {
		switch word := d.Val(); word {
		case "role":
			m.Require = append(m.Require, Requirement{})
			names = &m.Require[len(m.Require)-1].Roles
		case "permission":
			m.Require = append(m.Require, Requirement{})
			names = &m.Require[len(m.Require)-1].Permissions
		case "account_admin":
			m.AccountAdmin, names = true, nil
		default:
			if names == nil {
				return d.Errf("session: expected role, permission or account_admin, not '%s'", word)
			}
			*names = append(*names, word)
		}
	}
	for i := range m.Require {
		if err := m.Require[i].validate(); err != nil {
			return d.Errf("session: %v", err)
		}
	}
	return nil
}

// Interface guards
var (
	_ caddyfile.Unmarshaler = (*SessionAuth)(nil)
	_ caddyfile.Unmarshaler = (*MatchSession)(nil)
)
