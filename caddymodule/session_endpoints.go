package caddymodule

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/foresee"
	"example.com/sidegate/caddymodule/refusal"
)

func init() {
	caddy.RegisterModule(SessionEndpoints{})
	directive.RegisterHandler("session_endpoints", parseEndpoints)
}

// SessionEndpoints serves what lies under base_path: the session that browsers
// ask for, events when it changes or ends, signing in and out, one's devices, and the public keys. Everything
// else it passes on, rid of identity headers that the client made up.
type SessionEndpoints struct {
	// KeepHeader names headers of other gateways that pass here, whoever sends
	// them. Default: those of trusted_proxies alone.
	KeepHeader []string `json:"keep_header,omitempty"`

	// At is where it stands in a Caddyfile, while positions are kept.
	At directive.Position `json:"at,omitzero"`

	shared  shared
	foreign everyroute.Foreign
}

// CaddyModule returns the Caddy module information.
func (SessionEndpoints) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.session_endpoints",
		New: func() caddy.Module { return new(SessionEndpoints) },
	}
}

// Provision finds the app.
func (e *SessionEndpoints) Provision(ctx caddy.Context) error {
	app, err := findApp(ctx)
	if err != nil {
		return err
	}
	if len(app.logins) == 0 {
		return errors.New("nobody could sign in: add a login such as `login users users.yaml` to the sidegate options")
	}
	app.answers = true
	app.says(e)
	e.shared = app.share()
	f, err := app.joinServer(ctx)
	if err != nil {
		return err
	}
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		app.warnOfUntold(server)
		server.RegisterOnShutdown(app.audience.Dismiss) // a server waits for what is open
	}
	e.foreign, err = everyroute.NewForeign(f, e.KeepHeader)
	return err
}

// warnOfNoEndpoints tells once a configuration where sessions are asked for that
// nobody can begin here. Gateways with the same store may let people sign in;
// where the store is this process' own, there are none.
func (a *App) warnOfNoEndpoints() {
	switch {
	case !a.asks || a.answers:
	case a.store.Shared():
		a.logger.Info("nobody can sign in at this gateway, for no site has session_endpoints: its people are those who sign in at other " +
			"gateways with the same store and secret")
	default:
		a.logger.Warn("nobody can sign in, for no site has session_endpoints, and no other gateway shares the store: put `session_endpoints` "+
			"before session_auth into the site, or name the store of the gateways where people sign in, as by `store redis <url>`",
			zap.String("login_page", a.address.BasePath+"/login"))
	}
}

// Written is where it stands in a Caddyfile, if it was adapted from one while
// positions were kept.
func (e *SessionEndpoints) Written() directive.Position { return e.At }

// ServeHTTP answers what is ours and passes on the rest. A site with these
// endpoints alone lets nothing forged and no credential through; what the
// client presented stays known to the session_auth that follows.
func (e *SessionEndpoints) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method == http.MethodConnect && neverForwarded(r, &e.foreign) {
		e.shared.outcomes.Add(demand.Refused)
		return refuseMethod(w, r, &e.foreign)
	}
	v := caller.Remember(r)
	if strings.HasPrefix(r.URL.Path, e.shared.address.BasePath+"/") {
		v.OwnAnswer() // should a session_auth stand before
		e.shared.watch.Answered(r)
		e.serve(w, r)
		return nil
	}
	if neverForwarded(r, &e.foreign) {
		e.shared.outcomes.Add(demand.Refused)
		return refuseMethod(w, r, &e.foreign)
	}
	if caller.TooEarly(r) {
		e.shared.outcomes.Add(demand.Refused)
		w, done := e.foreign.Answer(w, r)
		defer done()
		w = e.shared.address.Check.Share(w, r, true)
		refusal.CloseUnread(w, r)
		refusal.TooEarly.Write(w, r, e.shared.address.Look)
		return nil
	}
	e.shared.strip(r, v, &e.foreign)
	return e.foreign.PassOn(w, r, v, next)
}

// Foresee says what would be done, in the order of ServeHTTP.
func (e *SessionEndpoints) Foresee(r *http.Request, _ *caller.Caller) foresee.Step {
	ours := strings.HasPrefix(r.URL.Path, e.shared.address.BasePath+"/")
	switch never := neverForwarded(r, &e.foreign); {
	case never && (!ours || r.Method == http.MethodConnect):
		return foresee.Step{Why: refusal.Method}
	case ours:
		return foresee.Step{Answers: true}
	}
	e.shared.strip(r, caller.Remember(r), &e.foreign)
	return foresee.Step{}
}

func (e *SessionEndpoints) serve(w http.ResponseWriter, r *http.Request) {
	w, done := e.foreign.Answer(w, r)
	defer done()
	g, err := e.shared.gateway()
	if err != nil {
		w = e.shared.address.Check.Share(w, r, true)
		refusal.CloseUnread(w, r)
		e.shared.address.CannotTell(r, refusal.Unavailable).WriteJSON(w)
		return
	}
	g.site.ServeHTTP(w, r)
}

func parseEndpoints(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	e := new(SessionEndpoints)
	return e, e.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	session_endpoints [<matcher>] {
//		keep_header <Name>...
//	}
func (e *SessionEndpoints) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	e.At = directive.Here(d)
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	return directive.Block(d, "session_endpoints", map[string]directive.Option{"keep_header": keepHeader(&e.KeepHeader)})
}

// Interface guards
var (
	_ caddy.Provisioner           = (*SessionEndpoints)(nil)
	_ caddyfile.Unmarshaler       = (*SessionEndpoints)(nil)
	_ caddyhttp.MiddlewareHandler = (*SessionEndpoints)(nil)
	_ foresee.Handler             = (*SessionEndpoints)(nil)
)
