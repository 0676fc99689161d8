package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/health"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/siting"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
)

// shared is what the handlers and matchers of all sites are given of the app:
// all that they need of it once they are provisioned.
type shared struct {
	gateway  func() (*gateway, error)
	address  endpoint.Address
	watch    *siting.Watch
	outcomes *demand.Outcomes
	now      func() time.Time
}

// findApp returns the app that handlers and matchers share, for what they check
// when they are provisioned. The first on a server has its site blocks read.
func findApp(ctx caddy.Context) (*App, error) {
	app, err := ctx.AppIfConfigured("sidegate")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fmt.Errorf("%w: add a `sidegate { ... }` block with a login to the global options", err)
	}
	if err != nil {
		return nil, err // the block is there, and says itself what is wrong with it
	}
	a := app.(*App)
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		a.address.Sites.Learn(server)
	}
	return a, nil
}

// share returns what is given away of the app.
func (a *App) share() shared {
	return shared{a.gateway, a.address, a.watch, &a.metrics.Requests, a.now}
}

// Health is asked whether the store answers.
func (a *App) Health() *health.Probe { return a.health }

// HasEndpoint reports whether the path is one of session_endpoints'.
func (a *App) HasEndpoint(path string) bool {
	return path == a.address.BasePath || strings.HasPrefix(path, a.address.BasePath+"/")
}

// storeAnswers asks the store itself for a session that is nobody's. The near
// cache does not stand for it.
func (a *App) storeAnswers(ctx context.Context) error {
	g, err := a.gateway()
	if err != nil {
		return err
	}
	return g.answers(ctx)
}

// answers is nil when the store answers a question.
func (g *gateway) answers(ctx context.Context) error {
	_, err := g.backing.Get(sessionstore.Guess(ctx), sessionstore.Key{})
	if errors.Is(err, sessionstore.ErrNotFound) {
		return nil
	}
	return err
}

// joinServer has identity headers deleted on all routes of the server that the
// handler stands in, and behind that its paths guarded, if they need it. The
// first handler of ours sees to both.
func (a *App) joinServer(ctx caddy.Context) (*everyroute.First, error) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil, errors.New("it stands in no server of the http app, so nothing can be deleted before it: put it into a site")
	}
	for _, f := range a.servers {
		if f.Of(server) {
			return f, nil
		}
	}
	found, err := a.lookAtSites(ctx, server)
	if err != nil {
		return nil, err
	}
	f := everyroute.New(server, a.credentials())
	server.RegisterConnContext(streams.KeepConn)
	if err := a.guardPaths(ctx, server, f); err != nil {
		return nil, err
	}
	if err := f.Questions(ctx, a.address.BasePath+endpoint.QuestionsPath, found.Hosts(), a.unanswered); err != nil {
		return nil, err
	}
	if err := f.Lead(); err != nil {
		return nil, err
	}
	if found.Doubtful {
		f.Watch(a.watch.Login(), a.watch.Asked)
	}
	a.servers = append(a.servers, f)
	a.readStrictly(server)
	a.warnOfWideTrust(ctx, server)
	a.warnOfItself(server)
	return f, nil
}

// warnOfItself tells of whom a gateway asks that is the gateway: another one behind it is
// not sent its own cookies, and the endpoints of this one tell nobody's login.
func (a *App) warnOfItself(server *caddyhttp.Server) {
	addresses := slices.Clone(a.addresses)
	for _, l := range a.logins {
		switch l := l.(type) {
		case *AdoptLogin:
			if own, err := url.Parse(l.asked); err == nil && a.address.Sites.Reaches(own, server) {
				a.logger.Warn("another gateway is to be asked whose a cookie is, and the address is one of this gateway's own: it takes that cookie out of all requests, so nobody is adopted",
					zap.String("login", l.AdoptName), atLine(a.places[l.AdoptName]), zap.String("address", placeShown(own)), zap.Strings("listen", server.Listen),
					zap.String("remedy", "give the address where the other gateway itself listens, such as http://127.0.0.1:4180/oauth2/auth"))
			}
		case *AppLogin:
			addresses = append(addresses, askedAt{"login app " + l.AppName, l.asked, a.places[l.AppName]})
		}
	}
	for _, asked := range addresses {
		if own, err := url.Parse(asked.address); err == nil && a.HasEndpoint(own.Path) && a.address.Sites.Reaches(own, server) {
			a.logger.Warn("an app is to be asked about people, and the address is one of this gateway's own endpoints, which know them by itself alone",
				zap.String("by", asked.who), atLine(asked.at), zap.String("address", placeShown(own)), zap.Strings("listen", server.Listen),
				zap.String("remedy", "give the address where the app itself listens"))
		}
	}
}

// atLine is where something stands, for the log; nothing where that is not known.
func atLine(at directive.Position) zap.Field {
	if at == (directive.Position{}) {
		return zap.Skip()
	}
	return zap.String("at", at.String())
}

// placeShown is an address without what may be a secret in it.
func placeShown(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// lookAtSites refuses what cannot work on the server that is being provisioned,
// and tells of what may not be meant. It reads routes as they were written, so
// it comes before anything is put among them.
func (a *App) lookAtSites(ctx caddy.Context, server *caddyhttp.Server) (found *siting.Found, err error) {
	if found, ok := a.looked[server]; ok {
		return found, nil
	}
	trusting := caller.Trusting(server)
	found, err = siting.Look(server, siting.Options{
		BasePath: a.address.BasePath, Insecure: a.Cookie.Insecure, Read: readAuth, Warn: a.logger.Warn,
		InFront: trusting || a.PublicURL != "", InFrontTLS: trusting || a.public.Scheme == "https",
		Asks: a.asks || a.matches || a.answersProxies, Servers: allServers(ctx),
	})
	if a.looked == nil {
		a.looked = make(map[*caddyhttp.Server]*siting.Found)
	}
	a.looked[server] = found
	return found, err
}

// allServers are those of the http app that is being provisioned.
func allServers(ctx caddy.Context) []*caddyhttp.Server {
	for _, module := range ctx.Modules() {
		if app, ok := module.(*caddyhttp.App); ok {
			return slices.Collect(maps.Values(app.Servers))
		}
	}
	return nil
}

// LookAtSites refuses what cannot work on the server that a handler is
// provisioned for, which may be the only one of ours there.
func (a *App) LookAtSites(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil
	}
	_, err := a.lookAtSites(ctx, server)
	return err
}

// missedLogin tells of people who are led to a login page that is not there.
func (a *App) missedLogin(path, why string) {
	a.logger.Warn("people are led to a login page that is not answered: let session_endpoints answer there, for every request that a "+
		"session_auth may lead there", zap.String("login_page", path), zap.String("why", why))
}

// readStrictly has Caddy read from the right whom its trusted_proxies speak for:
// at the left stands what a client made up.
func (a *App) readStrictly(server *caddyhttp.Server) {
	if caller.ReadStrictly(server) {
		a.logger.Info("what trusted_proxies say of the client is read from the right on this server, as if it had trusted_proxies_strict: "+
			"further left a client may have made it up", zap.String("server", server.Name()), zap.Strings("listen", server.Listen))
	}
}

// joinEarly is joinServer for a matcher, which may be provisioned before the
// server can be seen, or when its routes are a chain already: then it strips
// what it is asked about, and nothing else.
func (a *App) joinEarly(ctx caddy.Context) (*everyroute.First, error) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if ok && everyroute.UnderWay(server.Routes) {
		return a.joinServer(ctx)
	}
	return everyroute.New(nil, a.credentials()), nil
}

// unanswered tells of a question that nobody answers.
func (a *App) unanswered(r *http.Request, asked string, why error) {
	if g, err := a.gateway(); err == nil {
		g.events.Happened(lifecycle.Event{Kind: endpoint.Unanswered, Client: caller.Address(r), Result: asked, Err: why})
	}
}

// credentials are those of ours. When it cannot be told whose a Bearer token is,
// it is taken away.
func (a *App) credentials() caller.Credentials {
	return caller.Credentials{
		AccountParam: a.AccountParam, Cookie: a.address.Cookie.Name, Attempts: a.address.Cookie.AttemptPrefix(), Old: a.address.Cookie.IsOld(),
		Ours: func(token string, many bool) bool {
			g, err := a.gateway()
			return err != nil || g.callers.Issued(token, many)
		},
		Overwritten: func() {
			if g, err := a.gateway(); err == nil {
				g.events.cookieOverwritten()
			}
		},
		Login: a.address.BasePath + "/login",
		LedBack: func() {
			if g, err := a.gateway(); err == nil {
				g.events.ledBack()
			}
		},
	}
}

// checkServers refuses to start when something was put before all that is
// deleted, and looks at what can be seen only now that all routes are
// provisioned.
func (a *App) checkServers() error {
	for _, f := range a.servers {
		if err := f.ComesFirst(); err != nil {
			return err
		}
		f.LookAtMatchers(func(h caddyhttp.MiddlewareHandler) bool {
			_, guards := h.(*SessionAuth)
			return guards
		})
		if f.DecidesOnMethod() {
			a.logger.Info("what tells an app to take another method than that of the request is deleted on this server: a rule depends on the method",
				zap.Strings("listen", f.Listen()), zap.Strings("deleted", methodOverrides))
		}
	}
	return nil
}

// methodOverrides are what is told of identity.MethodOverrides and the like.
var methodOverrides = []string{
	"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-HTTP-Verb-Override", "X-Method", "_method in a query",
}

// neverForwarded are methods whose answer repeats the request, with what the
// gateway has put into it (RFC 9110 section 9.3.8; TRACK is IIS' name for it),
// and CONNECT, unless it asks for a websocket.
func neverForwarded(r *http.Request, of *everyroute.Foreign) bool {
	if strings.EqualFold(r.Method, http.MethodConnect) {
		return !origin.IsWebsocketConnect(r) || !of.CarriesConnect()
	}
	return strings.EqualFold(r.Method, http.MethodTrace) || strings.EqualFold(r.Method, "TRACK")
}

// refuseMethod keeps tunnels away from the upstream: what flows in them
// passes every check (CVE-2026-71324). It keeps away what would be answered
// with the identity headers themselves, too.
func refuseMethod(w http.ResponseWriter, r *http.Request, of *everyroute.Foreign) error {
	w, done := of.Answer(w, r)
	defer done()
	w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	refusal.CloseUnread(w, r)
	refusal.Method.WriteJSON(w)
	return nil
}

// strip takes away every header that names an identity, the tricks by which
// one could come back, and the credentials that are ours alone.
func (s *shared) strip(r *http.Request, v *caller.Remembered, headers *everyroute.Foreign) {
	v.Stripped = true
	headers.Strip(r, v)
	// The proxy behind us deletes what Connection names (CVE-2024-45410) and
	// sends trailers past every header filter (CVE-2026-88004).
	identity.ReduceConnection(r.Header)
	identity.DropTrailers(r)
	identity.RemoveCookie(r.Header, s.address.Cookie.Name, s.address.Cookie.AttemptPrefix())
	if s.address.Cookie.Old != nil {
		identity.RemoveCookies(r.Header, s.address.Cookie.Old.HasFolded)
	}
	if v.PresentsBearer() && s.issued(v) {
		r.Header.Del("Authorization")
	}
}

// crossing refuses what asks for a websocket with our cookie and comes from a
// page of another site: browsers send the cookie along and ask nobody, so that
// page would talk to the app as the person does (RFC 6455 section 10.2).
func (s *shared) crossing(g *gateway, r *http.Request, v *caller.Remembered, c *caller.Caller) *refusal.Refusal {
	if !origin.IsUpgrade(r) || !g.callers.HasCookie(v) {
		return nil
	}
	mismatch := s.address.Check.Of(r)
	if mismatch == nil {
		return nil
	}
	g.events.Happened(endpoint.Crossed(caller.Asker(r), c, mismatch))
	return endpoint.Crossing(mismatch)
}

// issued reports whether a Bearer token is one of ours, good or not, and so
// not the upstream's business. When that cannot be told it is taken away.
func (s *shared) issued(v *caller.Remembered) bool {
	g, err := s.gateway()
	return err != nil || g.callers.IssuedHere(v)
}
