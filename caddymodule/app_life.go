package caddymodule

import (
	"errors"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// How long sessions live unless the configuration says otherwise.
const (
	defaultLifetime    = 12 * time.Hour
	defaultIdleTimeout = time.Hour
)

// LifeOptions say how long a session lives.
type LifeOptions struct {
	// Lifetime ends a session that long after sign-in, whatever happens.
	// Default: 12h.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// IdleTimeout ends a session that long after its last activity; 0 turns
	// it off. Default: 1h.
	IdleTimeout *caddy.Duration `json:"idle_timeout,omitempty"`
}

func (o *LifeOptions) words() map[string]option {
	return map[string]option{
		"lifetime":     duration(&o.Lifetime),
		"idle_timeout": o.parseIdleTimeout,
	}
}

func (o *LifeOptions) provision(caddy.Context, *App) error {
	o.setDefaults()
	if o.Lifetime < 0 || *o.IdleTimeout < 0 {
		return errors.New("lifetime and idle_timeout must not be negative")
	}
	return nil
}

func (o *LifeOptions) setDefaults() {
	if o.Lifetime == 0 {
		o.Lifetime = caddy.Duration(defaultLifetime)
	}
	if o.IdleTimeout == nil {
		idle := caddy.Duration(defaultIdleTimeout)
		o.IdleTimeout = &idle
	}
}

// parseIdleTimeout keeps 0, which turns the timeout off, apart from "not given".
func (o *LifeOptions) parseIdleTimeout(d *caddyfile.Dispenser) error {
	if o.IdleTimeout != nil {
		return d.Err("idle_timeout is given twice")
	}
	idle, err := parseDuration(d)
	o.IdleTimeout = new(caddy.Duration)
	*o.IdleTimeout = idle
	return err
}
