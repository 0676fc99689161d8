package caddymodule

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
)

func init() {
	caddy.RegisterModule(EmbeddedStore{})
}

// EmbeddedStore keeps sessions in a file beside this process, the default.
// They survive a reload, a restart and kill -9. One process at a time may have
// the file; several gateways share a store by `store redis`.
type EmbeddedStore struct {
	// Path of the file. Default: sidegate/sessions.db in Caddy's data directory.
	Path string `json:"path,omitempty"`

	path string
}

// keptDB is an open database, shared by all configurations that use it.
type keptDB struct{ *embedded.DB }

// Destruct closes the file after the last configuration that used it.
func (k keptDB) Destruct() error { return k.Close() }

// CaddyModule returns the Caddy module information.
func (EmbeddedStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.stores.embedded",
		New: func() caddy.Module { return new(EmbeddedStore) },
	}
}

// Provision finds the file. It does not open it: `caddy validate` must work
// beside a running server, which has the file locked.
func (e *EmbeddedStore) Provision(caddy.Context) (err error) {
	e.path = filepath.Join(caddy.AppDataDir(), "sidegate", "sessions.db")
	if e.Path != "" {
		if e.path, err = resolve(e.Path); err != nil {
			return fmt.Errorf("store embedded: %w", err)
		}
	}
	e.path, err = filepath.Abs(e.path)
	return err
}

// Shared is false: the file is this process' alone.
func (*EmbeddedStore) Shared() bool { return false }

// Open opens the file, or takes it over from the configuration before.
func (e *EmbeddedStore) Open(sealer *sessionstore.Sealer, now func() time.Time) (sessionstore.Store, func() error, error) {
	db, release, err := pooled("sidegate.stores.embedded:"+e.path, func() (keptDB, error) {
		opened, err := embedded.Open(e.path)
		return keptDB{opened}, err
	})
	if err != nil {
		if e.Path == "" && isOfFolder(err) {
			err = inDataFolder(err)
		}
		return nil, nil, fmt.Errorf("store embedded: %w", err)
	}
	return embedded.New(db.DB, sealer, now), release, nil
}

// UnmarshalCaddyfile reads the store. Syntax:
//
//	store embedded [<file>]
func (e *EmbeddedStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	if err := directive.OptionalText(d, &e.Path); err != nil {
		return err
	}
	e.Path = directive.FileName(d, e.Path)
	return directive.NoMore(d, "store embedded")
}

// Interface guards
var (
	_ StoreModule           = (*EmbeddedStore)(nil)
	_ caddy.Provisioner     = (*EmbeddedStore)(nil)
	_ caddyfile.Unmarshaler = (*EmbeddedStore)(nil)
)
