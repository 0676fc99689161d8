package caddymodule

import (
	"cmp"
	"errors"
	"maps"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

func init() {
	caddy.RegisterModule(SessionAuth{})
	directive.RegisterHandler("session_auth", parseAuth)
}

// SessionAuth lets a request pass that has a session, and tells the upstream
// in headers whose it is. Whatever the client claimed in such headers is taken
// away first, whether the request is let through or not.
type SessionAuth struct {
	demand.Demands

	// AmbiguousPaths is "allow", or empty. Where a demand hangs on a matcher of
	// Caddy's that looks at the path, paths whose readings differ in segments are
	// refused on that server; "allow" leaves this session_auth out of account.
	AmbiguousPaths string `json:"ambiguous_paths,omitempty"`

	HeaderOptions

	// KeepHeader names headers of other gateways that pass here, whoever sends
	// them. Default: those of trusted_proxies alone.
	KeepHeader []string `json:"keep_header,omitempty"`

	// UpstreamToken names a login app or oidc. Whoever signed in through that app
	// has the token and the cookies that it gave out sent along, back to the app;
	// whoever signed in through that provider, its access token.
	UpstreamToken string `json:"upstream_token,omitempty"`

	// NoRedirect answers 401 to browsers too, where they would be sent to the
	// login page.
	NoRedirect bool `json:"no_redirect,omitempty"`

	// ForeignBearer leaves a Bearer token that was not issued here to the
	// upstream; the cookie decides.
	ForeignBearer bool `json:"foreign_bearer,omitempty"`

	// HandleErrors leaves every refusal to Caddy's error routes.
	HandleErrors bool `json:"handle_errors,omitempty"`

	// OnSessionEnd is what becomes of websockets, event streams and answers under
	// way when the session ends that opened them, or no longer meets what is
	// demanded here: close or keep. Default: close.
	OnSessionEnd string `json:"on_session_end,omitempty"`

	shared   shared
	identity injector
	foreign  everyroute.Foreign
	upstream *app.Login   // that UpstreamToken names
	watch    caller.Taker // of its cookies; nil without keep_cookies
	provider bool         // that is what UpstreamToken names

	line, tokenLine directive.Position // in a Caddyfile
}

// CaddyModule returns the Caddy module information.
func (SessionAuth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.session_auth",
		New: func() caddy.Module { return new(SessionAuth) },
	}
}

// Provision finds the app and prepares what each request needs.
func (s *SessionAuth) Provision(ctx caddy.Context) error {
	at := directive.Recall(s)
	s.line = at
	a, err := findApp(ctx)
	if err != nil {
		return err
	}
	a.asks = true
	a.says(s)
	s.shared = a.share()
	of := "session_auth"
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && at == (directive.Position{}) {
		of += " of server " + server.Name()
	}
	if err := s.makeReady(a, of, at); err != nil {
		return at.Wrap(err)
	}
	return s.joinServer(ctx, a)
}

// makeReady prepares all but what hangs on the server; of is what this one is called, and
// at where it stands.
func (s *SessionAuth) makeReady(a *App, of string, at directive.Position) (err error) {
	if err := errors.Join(checkAmbiguous(s.AmbiguousPaths), checkSessionEnd(s.OnSessionEnd)); err != nil {
		return err
	}
	if err := a.prepare(&s.Demands, of, at); err != nil {
		return err
	}
	if err := errors.Join(s.checkUpstreamToken(a.logins), a.known.checkAll(&s.Demands, &s.HeaderOptions)); err != nil {
		return err
	}
	s.identity, err = newInjector(&s.HeaderOptions, a)
	return err
}

// ServeHTTP finds the caller, strips, decides, injects, and passes on.
func (s *SessionAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if neverForwarded(r, &s.foreign) {
		s.shared.outcomes.Add(demand.Refused)
		return refuseMethod(w, r, &s.foreign)
	}
	g, err := s.shared.gateway()
	if err != nil {
		s.shared.outcomes.Add(demand.Unanswered)
		s.strip(r, caller.Remember(r))
		return s.refuse(w, r, new(caller.Caller), refusal.Unavailable)
	}
	v := caller.Remember(r)
	c := s.caller(g, r, v)
	if c.Arrival != nil {
		s.handOver(w, r, v, c)
	}
	s.strip(r, v)
	made := demand.Decision{Why: s.shared.crossing(g, r, v, c)}
	if made.Why == nil {
		g.uses(c, s.shared.now())
		made = s.decide(r, c)
		if s.provider {
			c, made = s.renewed(g, r, v, c, made)
		}
	}
	s.shared.outcomes.Add(demand.OutcomeOf(&made, c))
	v.KeepAnswer(r, keeping(made.Open, c.MayPass())) // also to that of an error route
	if made.Why != nil || made.Reported {
		s.Tell(g.events, &made, demanded(r), r, c, s.unauthorized(r), caller.Asker)
	}
	if why := made.Why; why != nil {
		if c.StaleCookie && why.Status == http.StatusUnauthorized {
			s.shared.address.Cookie.ClearStale(w, r, s.leadsToLogin(r))
		}
		if s.HandleErrors {
			v.OwnHeaders()
		} else {
			v.OwnAnswer()
		}
		return s.refuse(w, r, c, why)
	}
	if c.MayPass() {
		s.known(w, r, v, c)
		if err := s.inject(g, r, v, c); err != nil {
			return caddyhttp.Error(http.StatusInternalServerError, err)
		}
		var first bool
		if r, first = s.opens(g, w, r, v, c); first {
			defer v.Closes()
		}
	}
	return s.passOn(g, w, r, v, c, next)
}

// caller finds who makes the request. Of what passes as nobody's that is nobody, and
// what an earlier session_auth has told of somebody is taken away again.
func (s *SessionAuth) caller(g *gateway, r *http.Request, v *caller.Remembered) *caller.Caller {
	switch {
	case r.Method == http.MethodOptions && demand.PassesUnasked(&s.Demands, demanded(r)):
		v.Injected = false
		return new(caller.Caller)
	case s.ForeignBearer:
		return g.callers.ByCookie(r, v)
	}
	return g.callers.Of(r, v)
}

// handOver gives the browser the cookie of a session that has just begun: no app may
// set another one in its place, and no cache keeps it for others.
func (s *SessionAuth) handOver(w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller) {
	if s.shared.address.Cookie.HandOver(w, c) {
		v.OwnHeaders()
	}
	v.KeepAnswer(r, caller.KeepNowhere)
}

// known is for a page that is shown to whose sign-in has succeeded a moment ago: the
// browser has kept it.
func (s *SessionAuth) known(w http.ResponseWriter, r *http.Request, v *caller.Remembered, c *caller.Caller) {
	if s.shared.address.Cookie.Known(w, r, c, true) {
		v.OwnHeaders()
	}
}

// decide says what becomes of the request.
func (s *SessionAuth) decide(r *http.Request, c *caller.Caller) demand.Decision {
	if caller.TooEarly(r) {
		return demand.Decision{Why: refusal.TooEarly}
	}
	return s.Decide(demanded(r), c)
}

// strip takes away what only the gateway may say, and its credentials.
func (s *SessionAuth) strip(r *http.Request, v *caller.Remembered) {
	if !v.Injected || s.identity.explicit {
		s.shared.strip(r, v, &s.foreign)
	}
}

// inject says who the caller is. A further session_auth on the same request
// adds its demands and leaves the headers be, unless it has its own.
func (s *SessionAuth) inject(g *gateway, r *http.Request, v *caller.Remembered, c *caller.Caller) error {
	if v.Injected && !s.identity.explicit {
		return nil
	}
	if !v.Injected {
		c.Publish(r)
	}
	v.Told()
	return s.identity.inject(r.Header, g.assertions, r, c, v.Room())
}

func (s *SessionAuth) refuse(w http.ResponseWriter, r *http.Request, c *caller.Caller, why *refusal.Refusal) error {
	if s.HandleErrors {
		refusal.CloseUnread(w, r)
		why.WriteHeaders(w)
		caller.Remember(r).Failed(w.Header())
		s.foreign.BeforeError(w, r)
		return caddyhttp.Error(why.Status, why)
	}
	w, done := s.foreign.Answer(w, r)
	defer done()
	w = s.shared.address.Check.Share(w, r, true)
	address, asked, unknown := &s.shared.address, caller.AddressOf(r), why.Status == http.StatusUnauthorized
	if unknown && s.keepsForm(r) {
		address.KeepForm(w, r, why, asked)
		return nil
	}
	refusal.CloseUnread(w, r)
	switch {
	case unknown && s.leadsToLogin(r):
		s.shared.watch.Led()
		address.ToLogin(w, r, asked)
	case unknown && !s.NoRedirect && web.IsRelayed(r):
		address.Relay(w, r, why, asked)
	case why.OfRights() || why == refusal.Account:
		address.Forbid(w, r, why, c, asked)
	default:
		s.shared.watch.Refused(why.Status, r.URL.Path)
		if unknown {
			address.TellLogin(w.Header(), r, asked)
		}
		address.Refuse(w, r, why, asked)
	}
	return nil
}

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	session_auth [<matcher>] {
//		optional
//		public <path>...
//		role <role>...
//		permission <permission>...
//		account_admin
//		path <pattern>... {
//			role <role>...
//			permission <permission>...
//			account_admin
//			public
//			optional
//			method [not] <method>...
//			report_only
//		}
//		report_only
//		preflight pass
//		ambiguous_paths allow
//		headers <preset>...|none
//		header_roles <role>...
//		user_header id|email|username
//		header <Name> <value>
//		keep_header <Name>...
//		assertion [host|<audience>]
//		upstream_token <login>
//		no_redirect
//		foreign_bearer
//		handle_errors
//		on_session_end close|keep
//	}
//
// Any of the names on a line of role or permission will do; several lines
// must all hold.
func (s *SessionAuth) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	s.line = directive.Here(d)
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	words := map[string]directive.Option{
		"ambiguous_paths": ambiguous(&s.AmbiguousPaths),
		"keep_header":     keepHeader(&s.KeepHeader),
		"upstream_token":  directive.Placed(directive.Text(&s.UpstreamToken), &s.tokenLine),
		"no_redirect":     directive.Flag(&s.NoRedirect),
		"foreign_bearer":  directive.Flag(&s.ForeignBearer),
		"handle_errors":   directive.Flag(&s.HandleErrors),
		"on_session_end":  directive.Choice(&s.OnSessionEnd, endClose, endKeep),
	}
	maps.Copy(words, s.Demands.Words(s.line))
	maps.Copy(words, s.HeaderOptions.words())
	if err := directive.Block(d, "session_auth", words); err != nil {
		return err
	}
	return s.line.Wrap(errors.Join(s.HeaderOptions.checkWritten(), s.Demands.CheckWritten()))
}

func parseAuth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(SessionAuth)
	if err := s.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	directive.Remember(s, s.line)
	known := writtenNames(h)
	return s, cmp.Or(s.checkWrittenToken(h), known.checkAll(&s.Demands, &s.HeaderOptions))
}

// Interface guards
var (
	_ caddy.Provisioner           = (*SessionAuth)(nil)
	_ caddyfile.Unmarshaler       = (*SessionAuth)(nil)
	_ caddyhttp.MiddlewareHandler = (*SessionAuth)(nil)
)
