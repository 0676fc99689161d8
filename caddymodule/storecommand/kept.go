package storecommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
)

// Kept is what a configuration says of where sessions are kept.
type Kept struct {
	// File is that of an embedded store.
	File string
	// Secrets are those in force, the present one first.
	Secrets []string
	// Made says that it was made by a gateway, and lies in Caddy's storage.
	Made bool
	// Written is how the configuration names the secrets: placeholders, and nothing of
	// a secret itself.
	Written string
	// Sealer makes a sealer of secrets, as this configuration does.
	Sealer func(secrets []string) (*sessionstore.Sealer, error)
}

// Keeper is the app.
type Keeper interface {
	// Kept opens no store and makes no secret.
	Kept(ctx context.Context) (Kept, error)
}

// kept reads the configuration, and provisions the app of it alone.
func (o *options) kept(ctx context.Context) (k Kept, err error) {
	text, _, _, err := caddycmd.LoadConfig(o.config, o.adapter)
	if err != nil {
		return k, err
	}
	var whole struct {
		Storage json.RawMessage            `json:"storage"`
		Apps    map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(text, &whole); len(text) > 0 && err != nil {
		return k, fmt.Errorf("reading the configuration: %w", err)
	}
	if whole.Apps["sidegate"] == nil {
		return k, errors.New("no gateway answers, and the configuration has no sidegate options: name that of the gateway by --config, or its admin endpoint by --address")
	}
	provisioned, err := caddy.ProvisionContext(&caddy.Config{
		Admin: &caddy.AdminConfig{Disabled: true}, StorageRaw: whole.Storage, AppsRaw: caddy.ModuleMap{"sidegate": whole.Apps["sidegate"]},
		Logging: toNobody(),
	})
	if err != nil {
		return k, err
	}
	app, err := provisioned.AppIfConfigured("sidegate")
	if err != nil {
		return k, err
	}
	keeper, ok := app.(Keeper)
	if !ok {
		return k, errors.New("this build has another app of the name sidegate")
	}
	return keeper.Kept(ctx)
}

// quiet has nothing that Caddy logs go to the terminal.
func quiet() error {
	caddy.BufferedLog() // else Caddy tells where the log has gone
	return caddy.Validate(&caddy.Config{Admin: &caddy.AdminConfig{Disabled: true}, Logging: toNobody()})
}

func toNobody() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}}}}
}

// open opens the file, which must be there: none is made.
func (k Kept) open() (*embedded.DB, error) {
	if _, err := os.Stat(k.File); err != nil {
		return nil, fmt.Errorf("there is no file of sessions: %w; name the configuration of the gateway by --config", err)
	}
	db, err := embedded.Open(k.File)
	return db, held(err)
}
