package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
)

func init() {
	caddy.RegisterModule(MatchSession{})
}

// MatchSession matches requests that have a session, and, where it says so,
// one with certain roles or permissions. It may be evaluated before any
// handler of ours, so it looks the session up itself; the handlers that follow
// use what it found. When the store cannot tell, the request fails with 503:
// to a route, "cannot tell" is neither yes nor no.
type MatchSession struct {
	// Require must all hold. Empty: any session matches.
	Require []Requirement `json:"require,omitempty"`

	// AccountAdmin requires that the person administers the account that they
	// act for.
	AccountAdmin bool `json:"account_admin,omitempty"`

	app      *App
	stripper *identity.Stripper
}

// CaddyModule returns the Caddy module information.
func (MatchSession) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.matchers.session",
		New: func() caddy.Module { return new(MatchSession) },
	}
}

// Provision finds the app.
func (m *MatchSession) Provision(ctx caddy.Context) (err error) {
	for _, require := range m.Require {
		if err := require.validate(); err != nil {
			return err
		}
	}
	m.stripper = identity.NewStripper(accountHeader)
	m.app, err = findApp(ctx)
	return err
}

// MatchWithError reports whether the request has such a session.
func (m *MatchSession) MatchWithError(r *http.Request) (bool, error) {
	g, err := m.app.gateway()
	if err != nil {
		return false, m.fail(r, err)
	}
	c := g.caller(r)
	if c.standing == cannotTell {
		return false, m.fail(r, errors.New(c.refusal.message))
	}
	return c.mayPass() && permits(c.user, m.Require, m.AccountAdmin), nil
}

// fail strips the request before it goes to the error routes: no handler of
// ours may have seen it yet, and an app behind those routes would believe what
// the client made up.
func (m *MatchSession) fail(r *http.Request, err error) error {
	stripRequest(r, visitOf(r), m.app, m.stripper)
	return caddyhttp.Error(http.StatusServiceUnavailable, err)
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchSession)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchSession)(nil)
)
