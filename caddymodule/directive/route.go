package directive

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// RegisterHandler is httpcaddyfile.RegisterHandlerDirective, but for a directive
// that is not lost in a named route: see Route.
func RegisterHandler(name string, setup httpcaddyfile.UnmarshalHandlerFunc) {
	httpcaddyfile.RegisterDirective(name, func(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
		if !h.Next() {
			return nil, h.ArgErr()
		}
		matchers, err := h.ExtractMatcherSet()
		if err != nil {
			return nil, err
		}
		handler, err := setup(h)
		if err != nil {
			return nil, err
		}
		return Route(h, matchers, handler), nil
	})
}

// Route is the route of a handler. Of a named route whose handlers have come
// together in a single route Caddy keeps the first alone, so a guard behind another
// handler would be gone without a word: beside one of ours there stands a second
// route, which does nothing. Its matcher, `not` of nothing, holds for everybody.
func Route(h httpcaddyfile.Helper, matchers caddy.ModuleMap, handler caddyhttp.MiddlewareHandler) []httpcaddyfile.ConfigValue {
	values := h.NewRoute(matchers, handler)
	if h.IsNamedRoute() {
		apart := caddyhttp.Route{MatcherSetsRaw: []caddy.ModuleMap{{"not": json.RawMessage("[]")}}}
		values = append(values, httpcaddyfile.ConfigValue{Class: "route", Value: apart})
	}
	return values
}
