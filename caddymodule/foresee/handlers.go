package foresee

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/health"
	"example.com/sidegate/caddymodule/pathguard"
	"example.com/sidegate/caddymodule/refusal"
)

// Handlers of Caddy's.
var (
	// changing only change what is seen of the request, and are run on the copy.
	changing = []string{"headers", "map", "rewrite", "vars"}
	// passing pass every request on as it is.
	passing = []string{"encode", "intercept", "log_append", "push", "request_body", "templates", "timeouts", "tracing"}
	// answering answer every request.
	answering = []string{"metrics", "static_response"}
)

// handler goes through one.
func (w *walk) handler(h caddyhttp.MiddlewareHandler) (over bool) {
	switch h := h.(type) {
	case Handler:
		return w.ours(h)
	case *pathguard.Guard:
		if h.Refuses(w.r.URL) != "" {
			return w.refused("ambiguous paths", "", refusal.AmbiguousPath)
		}
		return w.routes(h.Inner())
	case everyroute.Before:
		return w.routes(h.Inner())
	case *health.Handler:
		return h.Path == w.r.URL.Path && w.answered(caddy.GetModuleName(h))
	case *caddyhttp.Subroute:
		return w.routes(h.Routes)
	case *caddyhttp.Invoke:
		return w.invoke(h.Name)
	case *caddyhttp.StaticError:
		return w.fails(h)
	}
	name := caddy.GetModuleName(h)
	switch {
	case slices.Contains(changing, name):
		return w.change(h)
	case name == "intercept":
		w.covers = true
	case slices.Contains(passing, name):
	case answers(h, name):
		return w.passes(name)
	default:
		w.note("the handler " + named(name) + " is not run: it may answer first, or change the request, and what is said here holds where it passes it on as it is")
	}
	return false
}

// ours is a handler of ours.
func (w *walk) ours(h Handler) (over bool) {
	step := h.Foresee(w.r, w.c)
	for i := range step.Demands {
		if step.Demands[i].At == "" {
			step.Demands[i].At = step.At
		}
	}
	w.told.Demands = append(w.told.Demands, step.Demands...)
	for _, note := range step.Notes {
		w.note(note)
	}
	name := caddy.GetModuleName(h)
	switch {
	case step.Why != nil:
		if step.ToErrors {
			w.note(toErrors)
		}
		return w.refused(name, step.At, step.Why)
	case step.Answers:
		return w.answered(name)
	case step.Asks:
		w.asks++
		w.open = w.open && step.Open
	}
	return false
}

func (w *walk) invoke(name string) (over bool) {
	route, ok := w.server.NamedRoutes[name]
	if !ok {
		return w.failed("invoke", http.StatusInternalServerError)
	}
	return w.routes(caddyhttp.RouteList{*route})
}

// fails is Caddy's handler error.
func (w *walk) fails(h *caddyhttp.StaticError) (over bool) {
	repl := w.r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	status, err := strconv.Atoi(repl.ReplaceAll(string(h.StatusCode), ""))
	if err != nil {
		status = http.StatusInternalServerError
	}
	return w.failed("error", status)
}

// change has a handler of Caddy's own change the copy.
func (w *walk) change(h caddyhttp.MiddlewareHandler) (over bool) {
	then := caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		w.r = r
		return nil
	})
	if err := h.ServeHTTP(nobody{}, w.r, then); err != nil {
		return w.failed(caddy.GetModuleName(h), statusOf(err))
	}
	return false
}

// answers reports whether a handler answers whatever it is asked.
func answers(h caddyhttp.MiddlewareHandler, name string) bool {
	if proxy, ok := h.(*reverseproxy.Handler); ok {
		return len(proxy.HandleResponse) == 0
	}
	if name == "file_server" {
		options, err := json.Marshal(h)
		return err == nil && !bytes.Contains(options, []byte(`"pass_thru":true`))
	}
	return slices.Contains(answering, name)
}

// idle reports whether it is no matter whether a route is taken: no handler of it
// ends a request or changes it.
func idle(route *caddyhttp.Route) bool {
	return !route.Terminal && route.Group == "" && !slices.ContainsFunc(route.Handlers, func(h caddyhttp.MiddlewareHandler) bool {
		return !slices.Contains(passing, caddy.GetModuleName(h))
	})
}

// misses reports whether Caddy's blank page would be refused: another proxy may take
// it for a yes.
func (w *walk) misses() bool { return everyroute.LooksLikeQuestion(w.r.URL.Path) }
