package caddymodule

import (
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/pathrule"
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

	// AmbiguousPaths is "allow", or empty. Where a demand hangs on a matcher of
	// Caddy's that looks at the path, paths whose readings differ in segments are
	// refused on that server; "allow" leaves this session_auth out of account.
	AmbiguousPaths string `json:"ambiguous_paths,omitempty"`

	// Headers names presets of identity headers: native, remote-user,
	// oauth2-proxy, authentik, grafana, jenkins, kubernetes, scope-orgid, or
	// none. Default: native.
	Headers []string `json:"headers,omitempty"`

	// HeaderRoles are the roles that headers tell of: whole names, or ones that end
	// in an asterisk. Default: all.
	HeaderRoles []string `json:"header_roles,omitempty"`

	// UserHeader is what the user of those presets is: id, email or username.
	// Default: that of the app.
	UserHeader string `json:"user_header,omitempty"`

	// Header are further headers; placeholders in their values are replaced.
	Header []HeaderConfig `json:"header,omitempty"`

	// KeepHeader names headers of other gateways that pass here, whoever sends
	// them. Default: those of trusted_proxies alone.
	KeepHeader []string `json:"keep_header,omitempty"`

	// Assertion adds X-Session-Assertion, a signed token that proves to the
	// upstream that the headers come from this gateway.
	Assertion *AssertionConfig `json:"assertion,omitempty"`

	// UpstreamToken names a login app: whoever signed in through it has the
	// token and the cookies that the app gave out sent along, back to the app.
	UpstreamToken string `json:"upstream_token,omitempty"`

	// NoRedirect answers 401 to browsers too, where they would be sent to the
	// login page.
	NoRedirect bool `json:"no_redirect,omitempty"`

	// ForeignBearer leaves a Bearer token that was not issued here to the
	// upstream; the cookie decides.
	ForeignBearer bool `json:"foreign_bearer,omitempty"`

	// HandleErrors leaves every refusal to Caddy's error routes.
	HandleErrors bool `json:"handle_errors,omitempty"`

	shared   shared
	public   pathrule.Clear
	rules    *pathrule.Rules // nil without rules by path
	identity injector
	foreign  everyroute.Foreign
	upstream *app.Login   // that UpstreamToken names
	watch    caller.Taker // of its cookies; nil without keep_cookies

	line, rolesAt directive.Position // in a Caddyfile, and of header_roles
}

// CaddyModule returns the Caddy module information.
func (SessionAuth) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.session_auth",
		New: func() caddy.Module { return new(SessionAuth) },
	}
}

// Provision finds the app and prepares what each request needs.
func (s *SessionAuth) Provision(ctx caddy.Context) (err error) {
	a, err := findApp(ctx)
	if err != nil {
		return err
	}
	a.asks = true
	s.shared = a.share()
	if err := s.checkPublic(); err != nil {
		return err
	}
	if err := s.provisionPaths(); err != nil {
		return err
	}
	if err := errors.Join(s.checkUpstreamToken(a.logins), s.checkOptional(), s.checkNames(a.known)); err != nil {
		return err
	}
	for _, require := range s.Require {
		if err := require.validate(); err != nil {
			return err
		}
	}
	s.warnOfDemands(a.known, a.logger)
	if s.Assertion != nil && s.Assertion.Audience == "" {
		a.Token.warnUnnamed(a.logger)
	}
	if s.identity, err = newInjector(s, a); err != nil {
		return err
	}
	return s.joinServer(ctx, a)
}

// ServeHTTP finds the caller, strips, decides, injects, and passes on.
func (s *SessionAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if neverForwarded(r, &s.foreign) {
		return refuseMethod(w, r, &s.foreign)
	}
	g, err := s.shared.gateway()
	if err != nil {
		s.strip(r, caller.Remember(r))
		return s.refuse(w, r, new(caller.Caller), refusal.Unavailable)
	}
	v := caller.Remember(r)
	c := s.caller(g, r, v)
	s.strip(r, v)
	why, open := s.shared.crossing(g, r, v), false
	if why == nil {
		g.uses(c, s.shared.now())
		why, open = s.decide(r, c)
	}
	v.KeepAnswer(r, keeping(open, c.MayPass())) // also to that of an error route
	if why != nil {
		g.tellForbidden(why, r, c, s)
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
		if err := s.inject(g, r, v, c); err != nil {
			return caddyhttp.Error(http.StatusInternalServerError, err)
		}
	}
	return s.passOn(g, w, r, v, c, next)
}

func (s *SessionAuth) caller(g *gateway, r *http.Request, v *caller.Remembered) *caller.Caller {
	if s.ForeignBearer {
		return g.callers.ByCookie(r, v)
	}
	return g.callers.Of(r, v)
}

// decide answers with what the request is refused; nil lets it pass. Open says that
// it does whoever asks.
func (s *SessionAuth) decide(r *http.Request, c *caller.Caller) (why *refusal.Refusal, open bool) {
	switch {
	case caller.TooEarly(r):
		return refusal.TooEarly, false
	case s.rules != nil:
		return s.decideByPath(r, c)
	case s.public.Match(r.URL):
		return nil, true
	case !c.MayPass():
		if s.Optional && anonymous(c) {
			return nil, false
		}
		return c.Refusal, false
	case !permits(c.User, s.Require, s.AccountAdmin):
		return refuseRole(c), false
	}
	return nil, false
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
	return s.identity.inject(g.assertions, r, c, v.Room())
}

func (s *SessionAuth) refuse(w http.ResponseWriter, r *http.Request, c *caller.Caller, why *refusal.Refusal) error {
	refusal.CloseUnread(w, r)
	if s.HandleErrors {
		why.WriteHeaders(w)
		caller.Remember(r).Failed(w.Header())
		s.foreign.BeforeError(w, r)
		return caddyhttp.Error(why.Status, why)
	}
	w, done := s.foreign.Answer(w, r)
	defer done()
	switch {
	case why.Status == http.StatusUnauthorized && s.leadsToLogin(r):
		s.shared.watch.Led()
		s.shared.address.ToLogin(w, r, asked(r))
	case why == refusal.Role || why == refusal.Unmapped:
		s.shared.address.Forbid(w, r, why, c, asked(r))
	default:
		s.shared.watch.Refused(why.Status, r.URL.Path)
		s.shared.address.Refuse(w, r, why, asked(r))
	}
	return nil
}

func (s *SessionAuth) leadsToLogin(r *http.Request) bool {
	return !s.NoRedirect && web.IsNavigation(r) && !strings.HasPrefix(r.URL.Path, s.shared.address.BasePath+"/")
}

// asked is what the client asked for, before any rewrite.
func asked(r *http.Request) string {
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		return original.URL.RequestURI()
	}
	return r.URL.RequestURI()
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
//		}
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
	err := directive.Block(d, "session_auth", map[string]directive.Option{
		"optional":        directive.Flag(&s.Optional),
		"public":          directive.Checked(directive.Texts(&s.Public), s.checkPublic),
		"role":            requireRole(&s.Require),
		"permission":      requirePermission(&s.Require),
		"account_admin":   directive.Flag(&s.AccountAdmin),
		"path":            s.parsePath,
		"ambiguous_paths": ambiguous(&s.AmbiguousPaths),
		"headers":         directive.Checked(directive.Choices(&s.Headers, identity.Presets()...), s.checkHeaders),
		"header_roles":    directive.Placed(directive.Checked(directive.Texts(&s.HeaderRoles), s.checkHeaderRoles), &s.rolesAt),
		"user_header":     userHeader(&s.UserHeader),
		"header":          s.parseHeader,
		"keep_header":     keepHeader(&s.KeepHeader),
		"assertion":       s.parseAssertion,
		"upstream_token":  directive.Text(&s.UpstreamToken),
		"no_redirect":     directive.Flag(&s.NoRedirect),
		"foreign_bearer":  directive.Flag(&s.ForeignBearer),
		"handle_errors":   directive.Flag(&s.HandleErrors),
	})
	if err == nil {
		_, err = s.readSet()
	}
	if err == nil {
		err = s.checkOptional()
	}
	return s.line.Wrap(err)
}

func parseAuth(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(SessionAuth)
	if err := s.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return s, s.checkNames(writtenNames(h))
}

// Interface guards
var (
	_ caddy.Provisioner           = (*SessionAuth)(nil)
	_ caddyfile.Unmarshaler       = (*SessionAuth)(nil)
	_ caddyhttp.MiddlewareHandler = (*SessionAuth)(nil)
)
