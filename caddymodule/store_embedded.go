package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
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
	// Former is a relative name by which a gateway before made the file in its
	// working folder. That one is used where there is none at Path, with a
	// warning. Default: none.
	Former string `json:"former,omitempty"`

	path    string
	working string // its relative name, where it lies in the working folder
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
func (e *EmbeddedStore) Provision(ctx caddy.Context) (err error) {
	path := filepath.Join(caddy.AppDataDir(), "sidegate", "sessions.db")
	if e.Path != "" {
		if path, err = resolve(e.Path); err == nil {
			err = e.noContent(path)
		}
		if err != nil {
			return fmt.Errorf("store embedded: %w", err)
		}
	}
	if e.Former != "" && isMissing(path) && !isMissing(e.Former) {
		there, _ := filepath.Abs(e.Former)
		ctx.Logger().Warn("the sessions lie in the working folder, where a gateway before has put them, and not beside the Caddyfile: which folder that is, "+
			"is up to whoever starts the gateway", zap.String("file", there), zap.String("looked_for", path),
			zap.String("remedy", "stop the gateway and move the file there, or give its whole name"))
		path = e.Former
	}
	if !filepath.IsAbs(path) {
		e.working = path
	}
	e.path, err = filepath.Abs(path)
	return err
}

// noContent refuses what is no name of a file but what is in one, without a word of it.
func (e *EmbeddedStore) noContent(path string) error {
	err := ownfile.NoContent(path)
	if err != nil && ownfile.NoContent(e.Path) == nil {
		return fmt.Errorf("%s: %w", e.Path, err)
	}
	return err
}

// isMissing reports whether there is nothing by that name, as far as can be told.
func isMissing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Shared is false: the file is this process' alone.
func (*EmbeddedStore) Shared() bool { return false }

// Open opens the file, or takes it over from the configuration before, by whichever name
// that has its folder.
func (e *EmbeddedStore) Open(sealer *sessionstore.Sealer, now func() time.Time) (sessionstore.Store, func() error, error) {
	if err := ownfile.Planted(e.working); err != nil {
		return nil, nil, fmt.Errorf("store embedded: %w", err)
	}
	whole, err := embedded.Whole(e.path)
	if err != nil {
		return nil, nil, fmt.Errorf("store embedded: %w", e.unopened(err))
	}
	db, release, err := pooled("sidegate.stores.embedded:"+whole, func() (keptDB, error) {
		opened, err := embedded.Open(whole)
		return keptDB{opened}, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("store embedded: %w", e.unopened(err))
	}
	return embedded.New(db.DB, sealer, now), release, nil
}

// unopened tells why the file cannot be opened or made. At its default place it has
// the secret beside it.
func (e *EmbeddedStore) unopened(err error) error {
	if e.Path == "" && isOfFolder(err) {
		return inDataFolder(err)
	}
	if strings.Contains(e.Path, "{") {
		return fmt.Errorf("the file of `%s` cannot be opened or made: %w", e.Path, causeOf(err))
	}
	return ownfile.Unmade(e.path, err)
}

// causeOf is what the system says, without the name of the file: what a placeholder
// stands for may be a secret in the wrong place.
func causeOf(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return errors.New("it is no store of sessions, or another process has it")
}

// UnmarshalCaddyfile reads the store. Syntax:
//
//	store embedded [<file>]
func (e *EmbeddedStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	if err := directive.OptionalText(d, &e.Path); err != nil {
		return err
	}
	var err error
	if e.Path, e.Former, err = directive.MadeFileName(d, e.Path); err != nil {
		return err
	}
	return directive.NoMore(d, "store embedded")
}

// Interface guards
var (
	_ StoreModule           = (*EmbeddedStore)(nil)
	_ caddy.Provisioner     = (*EmbeddedStore)(nil)
	_ caddyfile.Unmarshaler = (*EmbeddedStore)(nil)
)
