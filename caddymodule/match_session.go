package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/foresee"
	"example.com/sidegate/caddymodule/refusal"
)

func init() {
	caddy.RegisterModule(MatchSession{})
}

// MatchSession matches requests that have a session, and, where it says so,
// one with certain roles or permissions. It may be evaluated before any
// handler of ours, so it looks the session up itself; the handlers that follow
// use what it found. When the store cannot tell, the request fails with 503:
// to a route, "cannot tell" is neither yes nor no. What may be a replay fails
// with 425.
type MatchSession struct {
	// Require must all hold. Empty: any session matches.
	Require []demand.Requirement `json:"require,omitempty"`

	// AccountAdmin requires that the person administers the account that they
	// act for.
	AccountAdmin bool `json:"account_admin,omitempty"`

	shared  shared
	first   *everyroute.First
	foreign everyroute.Foreign
}

// CaddyModule returns the Caddy module information.
func (MatchSession) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.session",
		New: func() caddy.Module { return new(MatchSession) },
	}
}

// Provision finds the app.
func (m *MatchSession) Provision(ctx caddy.Context) error {
	app, err := findApp(ctx)
	if err != nil {
		return err
	}
	app.matches = true
	for i := range m.Require {
		if err := m.Require[i].Check(); err != nil {
			return err
		}
		if err := app.known.check(&m.Require[i]); err != nil {
			return fmt.Errorf("matcher session: %w", err)
		}
	}
	app.says(m)
	m.shared = app.share()
	if m.first, err = app.joinEarly(ctx); err != nil {
		return err
	}
	m.foreign, err = everyroute.NewForeign(m.first, nil)
	return err
}

// MatchWithError reports whether the request has such a session.
func (m *MatchSession) MatchWithError(r *http.Request) (bool, error) {
	if caller.TooEarly(r) { // no session_auth need follow, and a route that this chooses is let in by it
		return false, m.fail(r, refusal.TooEarly.Status, refusal.TooEarly)
	}
	g, err := m.shared.gateway()
	if err != nil {
		return false, m.fail(r, http.StatusServiceUnavailable, err)
	}
	v := caller.Remember(r)
	if m.shared.crossing(g, r, v, new(caller.Caller)) != nil {
		m.strip(r, v)
		return false, nil // whoever's page it is, they are not the person
	}
	c := g.callers.Of(r, v)
	m.strip(r, v)
	g.uses(c, m.shared.now())
	if c.Standing == caller.CannotTell {
		return false, m.fail(r, http.StatusServiceUnavailable, errors.New(c.Refusal.Message))
	}
	matches := c.MayPass() && demand.Permits(c.User, m.Require, m.AccountAdmin)
	if matches { // what is behind is for who is signed in, though nothing else says so
		v.KeepAnswer(r, caller.KeepApart)
	}
	return matches, nil
}

// Foresee reports whether a request of that caller would match, which is no activity.
func (m *MatchSession) Foresee(_ *http.Request, c *caller.Caller) bool {
	return c.MayPass() && demand.Permits(c.User, m.Require, m.AccountAdmin)
}

// strip takes away what a client made up, whether the matcher holds or not: on
// a server that it alone stands in, nobody else does.
func (m *MatchSession) strip(r *http.Request, v *caller.Remembered) {
	if !v.Stripped && !v.Injected {
		v.Stripped = true
		m.first.Strip(r)
	}
}

// fail strips the request before it goes to the error routes: no handler of
// ours may have seen it yet, and an app behind those routes would believe what
// the client made up.
func (m *MatchSession) fail(r *http.Request, status int, err error) error {
	m.shared.strip(r, caller.Remember(r), &m.foreign)
	return caddyhttp.Error(status, err)
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
		err := directive.Block(d, "session", map[string]directive.Option{
			"role":          demand.Roles(&m.Require),
			"permission":    demand.Permissions(&m.Require),
			"account_admin": directive.Flag(&m.AccountAdmin),
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
			m.Require = append(m.Require, demand.Requirement{})
			names = &m.Require[len(m.Require)-1].Roles
		case "permission":
			m.Require = append(m.Require, demand.Requirement{})
			names = &m.Require[len(m.Require)-1].Permissions
		case "account_admin":
			m.AccountAdmin, names = true, nil
		default:
			if names == nil {
				return directive.Wrap(d, directive.OneOf("session", word, "role", "permission", "account_admin"))
			}
			*names = append(*names, word)
		}
	}
	for i := range m.Require {
		if err := m.Require[i].Check(); err != nil {
			return directive.Errf(d, "session: %v", err)
		}
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchSession)(nil)
	_ caddyfile.Unmarshaler             = (*MatchSession)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchSession)(nil)
	_ foresee.Matcher                   = (*MatchSession)(nil)
)
