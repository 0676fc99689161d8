package caddymodule

import (
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/sessionstore"
)

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

// pool keeps what must outlive a reload: database handles, Redis clients, and
// the sessions of the memory store. Nothing of one configuration lies in it.
var pool = caddy.NewUsagePool()

// pooled takes what the pool has under that key, or makes it, and returns what
// gives it back.
func pooled[T caddy.Destructor](key string, construct func() (T, error)) (T, func() error, error) {
	value, _, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) { return construct() })
	if err != nil {
		var none T
		return none, nil, err
	}
	return value.(T), func() error { _, err := pool.Delete(key); return err }, nil
}
