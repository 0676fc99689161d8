package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

func init() {
	caddy.RegisterModule(MemoryStore{})
}

// MemoryStore keeps sessions in this process. They outlive a reload of the
// configuration but not a restart; for tests and trials.
type MemoryStore struct{}

// keptMemory is the one memory store of the process.
type keptMemory struct{ *memory.Store }

// Destruct drops the sessions with the last configuration that used them.
func (keptMemory) Destruct() error { return nil }

// CaddyModule returns the Caddy module information.
func (MemoryStore) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.stores.memory",
		New: func() caddy.Module { return new(MemoryStore) },
	}
}

// Shared is false: no other gateway sees this store.
func (*MemoryStore) Shared() bool { return false }

// Open takes up the sessions of the configuration before. Nothing of them
// rests anywhere, so nothing is sealed.
func (*MemoryStore) Open(*sessionstore.Sealer, func() time.Time) (sessionstore.Store, func() error, error) {
	return pooled("sidegate.stores.memory", func() (keptMemory, error) {
		return keptMemory{memory.New(time.Now)}, nil
	})
}

// UnmarshalCaddyfile reads the store. Syntax:
//
//	store memory
func (*MemoryStore) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the store's kind
	return directive.NoMore(d, "store memory")
}

// Interface guards
var (
	_ StoreModule           = (*MemoryStore)(nil)
	_ caddyfile.Unmarshaler = (*MemoryStore)(nil)
)
