package adminapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
)

func init() { caddy.RegisterModule(API{}) }

// API is the part of Caddy's admin endpoint that is Sidegate's. It keeps nothing:
// Caddy makes it before the apps, and goes on with it when a configuration that it
// was made for is taken back.
type API struct{}

// App is the app of which the routes tell.
type App interface {
	// Desk is where operators of its configuration are answered.
	Desk() (*Desk, error)
}

// CaddyModule returns the Caddy module information.
func (API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.sidegate",
		New: func() caddy.Module { return new(API) },
	}
}

// Routes is one for all, so that each wrong path and method is answered with what
// to do, too.
func (API) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: prefix, Handler: caddy.AdminHandlerFunc(serve)}}
}

func serve(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	// Caddy gives a request ten seconds to be read, and net/http takes one that lasts
	// longer for one whose client has gone. A body is refused, so all of it is read.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	c := &call{w: w, r: r, desk: inForce}
	return c.answer(routes)
}

// inForce is the desk of the configuration in force at this moment.
func inForce() (*Desk, error) {
	running := caddy.ActiveContext()
	if running.Context == nil {
		return nil, fault(http.StatusServiceUnavailable, "no configuration is in force yet: try again shortly, and see Caddy's log if it stays so")
	}
	app, err := running.AppIfConfigured("sidegate")
	if errors.Is(err, caddy.ErrNotConfigured) {
		return nil, fault(http.StatusNotFound, "the configuration in force has no sidegate app: add a `sidegate { ... }` block with a login "+
			"to its global options and reload, or ask the admin endpoint of the Caddy that has one")
	}
	if err != nil {
		return nil, fault(http.StatusServiceUnavailable, "the sidegate app of the configuration in force is not running: %s; see Caddy's log, and reload", shown(err.Error()))
	}
	operated, ok := app.(App)
	if !ok {
		return nil, fault(http.StatusServiceUnavailable, "the sidegate app of this binary answers no operators: build it anew with one version of Sidegate")
	}
	desk, err := operated.Desk()
	if err != nil {
		return nil, fault(http.StatusServiceUnavailable, "the gateway is not open: %s; see Caddy's log, and reload", shown(err.Error()))
	}
	return desk, nil
}

// Interface guards
var _ caddy.AdminRouter = API{}
