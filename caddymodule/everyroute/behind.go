package everyroute

import (
	"fmt"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Behind are the routes of a server behind a handler that was put before all of them.
type Behind struct {
	routes caddyhttp.RouteList
	chain  atomic.Pointer[caddyhttp.Handler]
}

// Put puts the handler, which has these routes, before those of the server that is
// being provisioned.
//
// This leans on the inside of Caddy, which goes on to provision the routes in the list
// that was there, and then compiles server.Routes: TestThePathGuardComesBeforeAllRoutes
// holds it.
func (b *Behind) Put(ctx caddy.Context, server *caddyhttp.Server, handler caddyhttp.MiddlewareHandler) error {
	b.routes = server.Routes
	before := caddyhttp.Route{Handlers: []caddyhttp.MiddlewareHandler{handler}}
	if err := before.ProvisionHandlers(ctx, nil); err != nil {
		return fmt.Errorf("putting a route before the others: %w", err)
	}
	server.Routes = caddyhttp.RouteList{before}
	return nil
}

// Compiled is the chain of the routes, made at the first request, when all of them are
// provisioned. What follows is always the same: Caddy's list ends here.
func (b *Behind) Compiled(next caddyhttp.Handler) caddyhttp.Handler {
	if chain := b.chain.Load(); chain != nil {
		return *chain
	}
	chain := b.routes.Compile(next)
	b.chain.Store(&chain)
	return chain
}

// Inner are the routes.
func (b *Behind) Inner() caddyhttp.RouteList { return b.routes }
