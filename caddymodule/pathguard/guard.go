package pathguard

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/caddymodule/refusal"
)

// Guard refuses the paths by which a demand of the routes behind it could be
// walked around.
type Guard struct {
	watch   *pathrule.Watch
	refused func(path, why string)
	first   *everyroute.First
	routes  caddyhttp.RouteList
	chain   atomic.Pointer[caddyhttp.Handler]
}

// Before puts a guard before all routes of the server that is being
// provisioned. refused is told of each request that it refuses, and first is of
// the same server.
//
// This leans on the inside of Caddy, which goes on to provision the routes in
// the list that was there, and then compiles server.Routes:
// TestThePathGuardComesBeforeAllRoutes holds it.
func Before(ctx caddy.Context, server *caddyhttp.Server, found *Found, first *everyroute.First, refused func(path, why string)) error {
	g := &Guard{watch: found.watch, refused: refused, first: first, routes: server.Routes}
	before := caddyhttp.Route{Handlers: []caddyhttp.MiddlewareHandler{g}}
	if err := before.ProvisionHandlers(ctx, nil); err != nil {
		return fmt.Errorf("putting a route before the others: %w", err)
	}
	server.Routes = caddyhttp.RouteList{before}
	return nil
}

// ServeHTTP refuses the request, or runs the routes.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if why := g.watch.Refuse(r.URL); why != "" {
		g.refused(r.URL.EscapedPath(), why)
		w, done := g.first.Answer(w, r)
		defer done()
		refusal.CloseUnread(w, r)
		refusal.AmbiguousPath.Write(w, r)
		return nil
	}
	return g.compiled(next).ServeHTTP(w, r)
}

// compiled is the chain of the routes, made at the first request, when all of
// them are provisioned. What follows is always the same: Caddy's list ends here.
func (g *Guard) compiled(next caddyhttp.Handler) caddyhttp.Handler {
	if chain := g.chain.Load(); chain != nil {
		return *chain
	}
	chain := g.routes.Compile(next)
	g.chain.Store(&chain)
	return chain
}

// Inner are the routes behind the guard.
func (g *Guard) Inner() caddyhttp.RouteList { return g.routes }

// Interface guards
var _ caddyhttp.MiddlewareHandler = (*Guard)(nil)
