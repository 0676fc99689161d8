package caddymodule

import (
	"errors"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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

	app *App
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
	m.app, err = findApp(ctx)
	return err
}

// MatchWithError reports whether the request has such a session.
func (m *MatchSession) MatchWithError(r *http.Request) (bool, error) {
	g, err := m.app.gateway()
	if err != nil {
		return false, caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	c := g.caller(r)
	if c.standing == cannotTell {
		return false, caddyhttp.Error(http.StatusServiceUnavailable, errors.New(c.refusal.message))
	}
	return c.mayPass() && permits(c.user, m.Require, m.AccountAdmin), nil
}

// Interface guards
var (
	_ caddy.Provisioner                 = (*MatchSession)(nil)
	_ caddyhttp.RequestMatcherWithError = (*MatchSession)(nil)
)
