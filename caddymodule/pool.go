package caddymodule

import "github.com/caddyserver/caddy/v2"

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
