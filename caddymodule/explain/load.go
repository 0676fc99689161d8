package explain

import (
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/sessionstore"
)

// Gateway is what the app gives of a gateway that serves nobody.
type Gateway struct {
	// Sessions begin here, and Store keeps them: in memory.
	Sessions *lifecycle.Sessions
	Store    sessionstore.Store
	// Lifetime is how long they live.
	Lifetime time.Duration
	// Logins are the ways to sign in, in the order of the configuration.
	Logins []login.Method
	// Cookie is the name of the session cookie.
	Cookie string
	// Policies are what other proxies are answered by.
	Policies []*demand.Demands
}

// Explained is the app.
type Explained interface {
	caddy.App
	// Explained opens the gateway as a start would, but for what goes on in the
	// background. It is an error where anything is served already.
	Explained() (*Gateway, error)
}

// loaded is a configuration that was provisioned.
type loaded struct {
	written object // the http app
	http    *caddyhttp.App
	gateway *Gateway
	notes   []string

	directories string // a note for people of a login
	adopts      []adopts
}

// load reads a configuration and provisions what answers requests. The stand-ins
// are registered, and the log is quiet.
func load(config, adapter string) (*loaded, error) {
	defer directive.KeepPositions()()
	text, _, _, err := caddycmd.LoadConfig(config, adapter)
	if _, err = ownfile.Unread(config, text, err); err != nil {
		return nil, err
	}
	var r rewriting
	cfg, written, err := r.rewrite(caddy.RemoveMetaFields(text))
	if err != nil {
		return nil, err
	}
	ctx, err := caddy.ProvisionContext(cfg)
	if err != nil {
		return nil, err
	}
	l := &loaded{written: written, notes: r.notes, directories: r.directories, adopts: r.adopts}
	return l, l.open(ctx)
}

// quiet has nothing that is logged go to the terminal.
func quiet() error {
	caddy.BufferedLog() // else Caddy tells where the log has gone
	return caddy.Validate(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: toCore()})
}

func (l *loaded) open(ctx caddy.Context) error {
	http, err := ctx.AppIfConfigured("http")
	if err != nil {
		return err
	}
	l.http = http.(*caddyhttp.App)
	app, err := ctx.AppIfConfigured("sidegate")
	if err != nil {
		return err
	}
	ours, ok := app.(Explained)
	if !ok {
		return errors.New("this build has another app of the name sidegate")
	}
	if l.gateway, err = ours.Explained(); err != nil {
		return fmt.Errorf("opening what answers requests: %w", err)
	}
	for _, d := range l.gateway.Policies {
		d.Explain(current.heard)
	}
	return nil
}
