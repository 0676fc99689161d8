package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/sessionstore"
)

// StoreOptions say where sessions are kept.
type StoreOptions struct {
	// StoreRaw says where sessions are kept. Default: embedded, a file in
	// Caddy's data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=sidegate.stores inline_key=module"`

	store  StoreModule
	keptIn string // StoreRaw, which loading the module takes away
}

// StoreModule is a guest of sidegate.stores.
type StoreModule interface {
	caddy.Module

	// Shared reports whether other gateways may use the same store, so that
	// they must be given the same secret.
	Shared() bool

	// Open returns the store, its records sealed by sealer, and what gives it
	// back when the configuration has ended. It touches no network. A reload
	// opens the store before the configuration before gives it back, so the
	// connections behind it outlive the reload.
	Open(sealer *sessionstore.Sealer, now func() time.Time) (sessionstore.Store, func() error, error)
}

func (o *StoreOptions) words() map[string]option {
	return map[string]option{"store": o.parseStore}
}

// provision loads the store's module. It needs the secrets, of which a shared
// store demands one.
func (o *StoreOptions) provision(ctx caddy.Context, a *App) error {
	if len(o.StoreRaw) == 0 {
		o.StoreRaw = json.RawMessage(`{"module":"embedded"}`)
	}
	o.keptIn = string(o.StoreRaw)
	mod, err := ctx.LoadModule(o, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading session store module: %v", err)
	}
	o.store = mod.(StoreModule)
	if o.store.Shared() && len(a.secrets) == 0 {
		return errors.New("a store that several gateways share needs a secret that they share too: " +
			"add `secret {env.SIDEGATE_SECRET}` to the sidegate options (make one with `openssl rand -base64 32`)")
	}
	return nil
}

func (o *StoreOptions) parseStore(d *caddyfile.Dispenser) (err error) {
	if o.StoreRaw != nil {
		return d.Err("store is given twice")
	}
	if !d.NextArg() {
		return d.Err("store needs a kind: embedded, memory or redis")
	}
	o.StoreRaw, err = guest(d, "sidegate.stores", "module", d.Val())
	return err
}
