package endpoint

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// maxBody bounds the body of a request to any endpoint.
const maxBody = 64 << 10

// Config is what the routes are given.
type Config struct {
	Address
	Logins
	// Callers finds out who asks.
	Callers *caller.Finder
	// Sessions is the life of sessions.
	Sessions *lifecycle.Sessions
	// Ring signs the tokens of programs, and Tokens has those of browsers.
	Ring   *token.Ring
	Tokens *token.Cache
	// TokensOff gives nobody one.
	TokensOff bool
	// Policies are by what requests are decided that other proxies ask about, by name.
	Policies map[string]Policy
	// Outcomes count what was decided by them; required.
	Outcomes *demand.Outcomes
	// SignedOut reports whether a session that has ended was ended by its own person,
	// with it.
	SignedOut func(context.Context, sessionstore.Key) bool
	// Why tells people what is known of them, and what would be decided; nil: there is
	// no such route.
	Why *Why
	// DocsOff leaves out the page that shows the document.
	DocsOff bool
	// Streams knows of what is open of which session, and Audience who listens to
	// what becomes of theirs.
	Streams  *streams.Watch
	Audience *Audience
	// Uses notes that the session of a caller is in use.
	Uses func(*caller.Caller)
	// Events hears what happens.
	Events lifecycle.Events
	// Now is the clock.
	Now func() time.Time
}

// Logins are the ways to sign in.
type Logins struct {
	// Passwords are asked in this order about what somebody typed.
	Passwords []login.PasswordMethod
	// NameLabel is what the page calls the name to sign in to them by. Empty: by
	// what they take.
	NameLabel string
	// Providers are buttons on the login page, in this order.
	Providers []Provider
	// Throttle is in front of every password.
	Throttle *login.Throttle
	// Attempts seals what a browser keeps of a sign-in at a provider.
	Attempts *oidc.AttemptSealer
	// Adoption takes over people of other gateways; nil: nobody is.
	Adoption *Adoption
}

// Route is one address and what it answers.
type Route struct {
	// Path is below the base path. One that ends in a slash takes any one more
	// segment, an id.
	Path string
	// Answers are by method. GET answers HEAD too: net/http leaves the body out.
	Answers map[string]http.HandlerFunc
	// All answers whatever method, in place of Answers.
	All http.HandlerFunc
	// NoHead is for a GET that does something: a HEAD, which programs send to
	// try a link, must not do it.
	NoHead bool
	// Once says that a GET must not be done a second time by who only listened.
	Once bool
	// Reads says that the route reads the bodies of POST and PUT itself, or
	// answers with refusal.CloseUnread. All others are read before it is asked.
	Reads bool
	// FromAnywhere says that pages of other sites may post here, for what they
	// bring counts for nothing by itself.
	FromAnywhere bool
	// NoBody says that a request with a body is refused.
	NoBody bool
	// Unshared says that no page of another origin reads the answer, listed or not:
	// people go there themselves, or programs do.
	Unshared bool
}

// Site answers what lies below the base path.
type Site struct {
	base   string
	at     Address
	check  *origin.Check
	events lifecycle.Events
	routes map[string]Route
	peers  untrusted
}

// New lays out the routes.
func New(c Config) *Site {
	s := &Site{base: c.BasePath, at: c.Address, check: c.Check, events: c.Events, routes: make(map[string]Route)}
	for _, r := range layOut(c) {
		s.routes[r.Path] = r
	}
	return s
}

// layOut is the map of all routes: each stands in the file of its name.
func layOut(c Config) []Route {
	routes := []Route{
		sessionRoute(c), newsRoute(c), swaggerRoute(c), accountRoute(c), accountPageRoute(c), refreshRoute(c),
		loginRoute(c), logoutRoute(c), startOverRoute(c), devicesRoute(c), deviceRoute(c), keysRoute(c),
	}
	routes = append(routes, verifyRoutes(c)...)
	if c.Why != nil {
		routes = append(routes, whyRoute(c))
	}
	routes = append(routes, clientRoutes()...)
	if !c.DocsOff {
		routes = append(routes, docsRoutes(c)...)
	}
	for _, p := range c.Providers {
		routes = append(routes, providerLoginRoute(c, p), callbackRoute(c, p), backchannelRoute(c, p))
	}
	return routes
}

// Routes returns the routes in the order of their paths.
func (s *Site) Routes() []Route {
	routes := make([]Route, 0, len(s.routes))
	for _, r := range s.routes {
		routes = append(routes, r)
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Path, b.Path) })
	return routes
}

// ServeHTTP finds the route and refuses what no route takes, before any body is
// read.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.peers.notice(r, s.events)
	route, why := s.find(r)
	w = s.check.Share(w, r, !route.Unshared)
	if why == refusal.Method {
		if !route.Unshared && s.check.Preflight(w, r, route.allow()) {
			return
		}
		w.Header().Set("Allow", route.allow())
	}
	if why == nil && mayHaveBody(r, route) {
		body, stop := inTime(w, r)
		defer stop()
		r.Body = http.MaxBytesReader(w, body, maxBody)
		if !route.reads(r) {
			why = finishBody(r)
		}
	}
	if why != nil {
		refusal.CloseUnread(w, r)
		s.at.Refuse(w, r, why, "")
		return
	}
	route.handler(r)(w, r)
}

// mayHaveBody reports whether there is something to be read. A server knows of most
// requests that there is not, and does not wait for it either, whatever Caddy has
// put around their body, which then need not be timed; but a route that reads
// is never left to that.
func mayHaveBody(r *http.Request, route Route) bool {
	return r.Body != nil && r.Body != http.NoBody && (r.ContentLength != 0 || route.reads(r))
}

func (s *Site) find(r *http.Request) (Route, *refusal.Refusal) {
	route, found := s.routes[pattern(strings.TrimPrefix(r.URL.Path, s.base))]
	switch {
	case !found:
		return route, refusal.NotFound
	case route.handler(r) == nil:
		return route, refusal.Method
	case caller.TooEarly(r), route.Once && caller.Early(r):
		return route, refusal.TooEarly
	}
	if !route.FromAnywhere {
		if why := s.crosses(r); why != nil {
			return route, why
		}
	}
	switch {
	case route.NoBody && r.ContentLength != 0:
		return route, refusal.WithBody
	case r.ContentLength > maxBody:
		return route, refusal.TooLarge
	}
	return route, nil
}

// crosses refuses a page of another site that asks for a change. What only
// answers is not for its eyes, as browsers see to.
func (s *Site) crosses(r *http.Request) *refusal.Refusal {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return nil
	}
	mismatch := s.check.Of(r)
	if mismatch == nil {
		return nil
	}
	s.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: CrossOrigin, Err: mismatch}))
	return Crossing(mismatch)
}

// Crossed is CrossOrigin with whose cookie it came, where that is known.
func Crossed(by lifecycle.Asker, c *caller.Caller, m *origin.Mismatch) lifecycle.Event {
	told := lifecycle.Event{Kind: CrossOrigin, Err: m}
	if c.Standing == caller.SignedIn {
		told.Login, told.UserID, told.Session = c.Session.Method, c.User.ID, c.Session.Key
	}
	return by.Of(told)
}

// Crossing is the answer to a request of a page of another site; this site's own
// over plain http is one, for who stands on the way to it has written it.
func Crossing(m *origin.Mismatch) *refusal.Refusal {
	if m.Plain {
		return refusal.PlainOrigin
	}
	return refusal.CrossOrigin
}

// reads reports whether the route reads that request's body itself.
func (r Route) reads(req *http.Request) bool {
	return r.Reads && (req.Method == http.MethodPost || req.Method == http.MethodPut)
}

// pattern is the Route.Path that a path may be of. Below /sessions/ any id is a
// path.
func pattern(path string) string {
	if below, ok := strings.CutPrefix(path, verifyPolicies); ok {
		return verifyRoute(below)
	}
	const ids = "/sessions/"
	id, ok := strings.CutPrefix(path, ids)
	switch {
	case !ok:
		return path
	case id == "" || strings.Contains(id, "/"):
		return "" // no route's
	}
	return ids
}

// handler is what answers the request; nil where nothing does.
func (r Route) handler(req *http.Request) http.HandlerFunc {
	if r.All != nil {
		return r.All
	}
	return r.Answers[r.methodOf(req)]
}

// methodOf lets a GET that only answers be a HEAD.
func (r Route) methodOf(req *http.Request) string {
	if req.Method == http.MethodHead && !r.NoHead {
		return http.MethodGet
	}
	return req.Method
}

// allow is the value of Allow.
func (r Route) allow() string {
	var methods []string
	for method := range r.Answers {
		methods = append(methods, method)
	}
	if r.Answers[http.MethodGet] != nil && !r.NoHead {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
