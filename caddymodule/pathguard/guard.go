package pathguard

import (
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/pathrule"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// Guard refuses the paths by which a demand of the routes behind it could be
// walked around.
type Guard struct {
	everyroute.Behind
	watch   *pathrule.Watch
	look    *web.Look
	refused func(path, why string)
	first   *everyroute.First
}

// Before puts a guard before all routes of the server that is being
// provisioned. look is that of the gateway, refused is told of each request that it
// refuses, and first is of the same server.
func Before(ctx caddy.Context, server *caddyhttp.Server, found *Found, first *everyroute.First, look *web.Look, refused func(path, why string)) error {
	g := &Guard{watch: found.watch, look: look, refused: refused, first: first}
	return g.Put(ctx, server, g)
}

// Refuses says why a path of the server would be refused; empty: it would not.
func (g *Guard) Refuses(u *url.URL) (why string) { return g.watch.Refuse(u) }

// ServeHTTP refuses the request, or runs the routes.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if why := g.watch.Refuse(r.URL); why != "" {
		g.refused(r.URL.EscapedPath(), why)
		w, done := g.first.Answer(w, r)
		defer done()
		refusal.CloseUnread(w, r)
		refusal.AmbiguousPath.Write(w, r, g.look)
		return nil
	}
	return g.Compiled(next).ServeHTTP(w, r)
}

// Interface guards
var _ caddyhttp.MiddlewareHandler = (*Guard)(nil)
