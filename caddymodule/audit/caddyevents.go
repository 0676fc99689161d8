package audit

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// CaddyEvents are those of the configuration that is being provisioned, whose module
// emits them.
func CaddyEvents(ctx caddy.Context) (Events, error) {
	app, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	return caddyEvents{ctx, app.(*caddyevents.App)}, nil
}

type caddyEvents struct {
	ctx caddy.Context
	app *caddyevents.App
}

// Ready implements Events: the configuration is in force, or has been.
func (c caddyEvents) Ready() bool {
	app, err := caddy.ActiveContext().AppIfConfigured("events")
	return err == nil && app == c.app
}

func (c caddyEvents) ShouldEmit(name string) bool {
	return c.ctx.Err() == nil && c.app.ShouldEmit(name)
}

func (c caddyEvents) Emit(name string, data map[string]any) { c.app.Emit(c.ctx, name, data) }
