package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/identity"
)

func init() {
	caddy.RegisterModule(SessionAuth{})
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

	// Headers names presets of identity headers: native, remote-user,
	// oauth2-proxy, authentik, grafana, jenkins, kubernetes, scope-orgid, or
	// none. Default: native.
	Headers []string `json:"headers,omitempty"`

	// Header are further headers; placeholders in their values are replaced.
	Header []HeaderConfig `json:"header,omitempty"`

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

	app      *App
	public   publicPaths
	identity injector
}

// AssertionConfig asks for X-Session-Assertion.
type AssertionConfig struct {
	// Audience is the assertion's aud claim. Default: upstream.
	Audience string `json:"audience,omitempty"`
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
	if s.app, err = findApp(ctx); err != nil {
		return err
	}
	if s.public, err = newPublicPaths(s.Public); err != nil {
		return err
	}
	if err := s.checkUpstreamToken(); err != nil {
		return err
	}
	for _, require := range s.Require {
		if err := require.validate(); err != nil {
			return err
		}
	}
	s.identity, err = newInjector(s)
	return err
}

// findApp returns the app that handlers and matchers share.
func findApp(ctx caddy.Context) (*App, error) {
	app, err := ctx.AppIfConfigured("sidegate")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fmt.Errorf("%w: add a `sidegate { ... }` block with a login to the global options", err)
	}
	if err != nil {
		return nil, err // the block is there, and says itself what is wrong with it
	}
	return app.(*App), nil
}

// ServeHTTP finds the caller, strips, decides, injects, and passes on.
func (s *SessionAuth) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.Method == http.MethodConnect {
		return refuseConnect(w, r)
	}
	g, err := s.app.gateway()
	if err != nil {
		s.strip(r, visitOf(r))
		return s.refuse(w, r, refuseUnavailable)
	}
	v := visitOf(r)
	c := s.caller(g, r, v)
	s.strip(r, v)
	if why := s.decide(r, c); why != nil {
		if c.staleCookie && why.status == http.StatusUnauthorized {
			s.app.Cookie.clear(w)
		}
		return s.refuse(w, r, *why)
	}
	if c.mayPass() {
		now := g.app.now()
		c.entry.Note(g.activity, now)
		if g.refresher.due(c.session, now) {
			g.refresher.note(c.session, now)
		}
		if err := s.inject(g, r, v, c); err != nil {
			return caddyhttp.Error(http.StatusInternalServerError, err)
		}
		s.giveBack(r, c)
	}
	return next.ServeHTTP(w, r)
}

func (s *SessionAuth) caller(g *gateway, r *http.Request, v *visit) *caller {
	if s.ForeignBearer {
		return g.callerByCookie(r, v)
	}
	return g.callerOf(r, v)
}

// decide answers with what the request is refused; nil lets it pass.
func (s *SessionAuth) decide(r *http.Request, c *caller) *refusal {
	switch {
	case s.public.match(r):
		return nil
	case !c.mayPass():
		if s.Optional && (c.standing == anonymous || c.standing == rejected && !c.presentedToken) {
			return nil
		}
		return c.refusal
	case !permits(c.user, s.Require, s.AccountAdmin):
		return &refuseRole
	}
	return nil
}

// strip takes away what only the gateway may say, and its credentials.
func (s *SessionAuth) strip(r *http.Request, v *visit) {
	if !v.injected || s.identity.explicit {
		stripRequest(r, v, s.app, s.identity.stripper)
	}
}

// inject says who the caller is. A further session_auth on the same request
// adds its demands and leaves the headers be, unless it has its own.
func (s *SessionAuth) inject(g *gateway, r *http.Request, v *visit, c *caller) error {
	if v.injected && !s.identity.explicit {
		return nil
	}
	if !v.injected {
		c.publish(r)
	}
	v.injected = true
	return s.identity.inject(g, r, c, v.room())
}

func (s *SessionAuth) refuse(w http.ResponseWriter, r *http.Request, why refusal) error {
	closeUnread(w, r)
	switch {
	case s.HandleErrors:
		why.writeHeaders(w)
		return caddyhttp.Error(why.status, why)
	case why.status == http.StatusUnauthorized && s.leadsToLogin(r):
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Vary", varyOnCaller)
		http.Redirect(w, r, s.loginURL(r), http.StatusSeeOther)
	default:
		why.write(w, r)
	}
	return nil
}

func (s *SessionAuth) leadsToLogin(r *http.Request) bool {
	return !s.NoRedirect && isNavigation(r) && !strings.HasPrefix(r.URL.Path, s.app.BasePath+"/")
}

// loginURL is relative, so nothing that the client says of hosts is in it.
func (s *SessionAuth) loginURL(r *http.Request) string {
	asked := r
	if original, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok {
		asked = &original
	}
	login := s.app.BasePath + "/login"
	if target, ok := s.app.returnTo.allow(r, asked.URL.RequestURI()); ok && target != "/" {
		login += "?return_to=" + url.QueryEscape(target)
	}
	return login
}

// refuseConnect keeps tunnels away from the upstream: what flows in them
// passes every check (CVE-2026-71324).
func refuseConnect(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	closeUnread(w, r)
	refuseMethod.writeJSON(w)
	return nil
}

// publicPaths are those that need no session.
type publicPaths struct {
	exact    map[string]struct{}
	prefixes []string
}

func newPublicPaths(patterns []string) (publicPaths, error) {
	p := publicPaths{exact: make(map[string]struct{})}
	for _, pattern := range patterns {
		prefix, open := strings.CutSuffix(pattern, "*")
		if !strings.HasPrefix(pattern, "/") || strings.Contains(prefix, "*") {
			return p, fmt.Errorf("public %q: give an exact path such as /healthz, or a prefix such as /assets/*", pattern)
		}
		if neverPublic(prefix, open) {
			return p, fmt.Errorf("public %q: it would never match: write the path decoded, without //, dot segments, ; ? # or \\", pattern)
		}
		if open {
			p.prefixes = append(p.prefixes, prefix)
		} else {
			p.exact[pattern] = struct{}{}
		}
	}
	return p, nil
}

// neverPublic reports whether all that the pattern stands for is ambiguous, or
// is encoded, where paths are compared decoded.
func neverPublic(prefix string, open bool) bool {
	if open {
		prefix += "x" // any one path below; the prefix by itself may end within a segment
	}
	return identity.AmbiguousPath(&url.URL{Path: prefix})
}

// match decides on the path as it will be forwarded (CVE-2026-33494). One that
// an upstream could read in another way than we do is never public.
func (p *publicPaths) match(r *http.Request) bool {
	if len(p.exact) == 0 && len(p.prefixes) == 0 {
		return false
	}
	_, found := p.exact[r.URL.Path]
	for i := 0; i < len(p.prefixes) && !found; i++ {
		found = strings.HasPrefix(r.URL.Path, p.prefixes[i])
	}
	return found && !identity.AmbiguousPath(r.URL)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*SessionAuth)(nil)
	_ caddyhttp.MiddlewareHandler = (*SessionAuth)(nil)
)
