package health

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/unread"
	"example.com/sidegate/caddymodule/web"
)

func init() {
	caddy.RegisterModule(Handler{})
	// Not RegisterHandlerDirective: it takes a first word that is a path for a
	// matcher, and Caddy's read a path in more ways than one.
	httpcaddyfile.RegisterDirective("session_health", parse)
}

// Handler answers at one path whether the session store answers: 200 or 503,
// without a session and whatever a session_auth behind it demands.
type Handler struct {
	// Path is where it answers, such as /healthz: that path alone, as it is.
	Path string `json:"path,omitempty"`

	// At is where it stands in a Caddyfile, while positions are kept.
	At directive.Position `json:"at,omitzero"`

	probe  *Probe
	drains *unread.Drains
}

// Written is where it stands in a Caddyfile, if it was adapted from one while
// positions were kept.
func (h *Handler) Written() directive.Position { return h.At }

// Asked is the app of which handlers have their probe.
type Asked interface {
	// Health is the probe that all sites share.
	Health() *Probe
	// HasEndpoint reports whether the path is one of session_endpoints'.
	HasEndpoint(path string) bool
	// LookAtSites is an error where a handler of the server that is provisioned
	// stands where it cannot work.
	LookAtSites(ctx caddy.Context) error
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.session_health",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision finds the app.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := check(h.Path); err != nil {
		return err
	}
	app, err := ctx.AppIfConfigured("sidegate")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return fmt.Errorf("%w: add a `sidegate { ... }` block with a login to the global options", err)
	}
	if err != nil {
		return err // the block is there, and says itself what is wrong with it
	}
	asked := app.(Asked)
	if asked.HasEndpoint(h.Path) {
		return fmt.Errorf("session_health %s: session_endpoints answers there: give it a path of its own, such as /healthz", h.Path)
	}
	if err := asked.LookAtSites(ctx); err != nil {
		return err
	}
	h.probe, h.drains = asked.Health(), unread.New()
	if server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		server.RegisterOnShutdown(h.drains.Stop)
	}
	return nil
}

// check wants one plain path: a pattern would answer where an app does.
func check(path string) error {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*{}?#%") {
		return fmt.Errorf("session_health %q: give one plain path such as /healthz", path)
	}
	return nil
}

// ServeHTTP answers at the path, and passes all else on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.Path != h.Path {
		return next.ServeHTTP(w, r)
	}
	w, done := h.drains.Answer(w, r)
	defer done()
	refusal.CloseUnread(w, r)
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refusal.Method.WriteJSON(w)
		return nil
	}
	if h.probe.Answers(r.Context()) != nil {
		refusal.Unavailable.WriteJSON(w) // why, is for the log, not for strangers
		return nil
	}
	web.WriteJSON(w, http.StatusOK, struct {
		Store string `json:"store"`
	}{"answers"})
	return nil
}

func parse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return directive.Route(h, nil, handler), nil
}

// UnmarshalCaddyfile reads the directive. Syntax:
//
//	session_health <path>
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	h.At = directive.Here(d)
	if !d.Args(&h.Path) || d.NextArg() {
		return directive.ArgErr(d)
	}
	if err := check(h.Path); err != nil {
		return directive.Wrap(d, err)
	}
	return directive.NoMore(d, "session_health")
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
