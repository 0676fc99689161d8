package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/sessionstore"
)

// How long sessions live unless the configuration says otherwise.
const (
	defaultLifetime    = 12 * time.Hour
	defaultIdleTimeout = time.Hour
)

// How many sessions a person may have unless the configuration says otherwise,
// and what a sign-in beyond that does.
const (
	defaultMaxSessions = 1000
	beyondOldest       = "oldest"
	beyondRefuse       = "refuse"
)

// LifeOptions say how long a session lives, and beside how many others.
type LifeOptions struct {
	// Lifetime ends a session that long after sign-in, whatever happens.
	// Default: 12h.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// IdleTimeout ends a session that long after its last activity; 0 turns
	// it off. Default: 1h.
	IdleTimeout *caddy.Duration `json:"idle_timeout,omitempty"`

	// MaxSessions is how many sessions one person may have at once, up to
	// 10000. Default: 1000.
	MaxSessions int `json:"max_sessions,omitempty"`

	// BeyondMaxSessions says what a sign-in beyond that does: "oldest" ends the
	// person's session that was idle the longest, "refuse" refuses the sign-in.
	// Default: oldest.
	BeyondMaxSessions string `json:"beyond_max_sessions,omitempty"`
}

func (o *LifeOptions) words() map[string]directive.Option {
	return map[string]directive.Option{
		"lifetime":     directive.Checked(directive.Duration(&o.Lifetime), o.checkTimes),
		"idle_timeout": directive.Checked(o.parseIdleTimeout, o.checkTimes),
		"max_sessions": o.parseMaxSessions,
	}
}

func (o *LifeOptions) provision(caddy.Context, *App) error {
	o.setDefaults()
	if o.Lifetime < 0 || *o.IdleTimeout < 0 {
		return errors.New("lifetime and idle_timeout must not be negative")
	}
	if err := o.checkTimes(); err != nil {
		return err
	}
	if o.MaxSessions < 1 || o.MaxSessions > sessionstore.MaxLimit {
		return errors.New("max_sessions must be a number from 1 to 10000")
	}
	if o.BeyondMaxSessions != beyondOldest && o.BeyondMaxSessions != beyondRefuse {
		return errors.New("max_sessions: beyond it is oldest, which ends the longest idle, or refuse")
	}
	return nil
}

// checkTimes refuses a session that would end before the next click.
func (o *LifeOptions) checkTimes() error {
	var idle caddy.Duration
	if o.IdleTimeout != nil {
		idle = *o.IdleTimeout
	}
	return cmp.Or(tooShort("lifetime", o.Lifetime, time.Second), tooShort("idle_timeout", idle, time.Second))
}

// tooShort refuses a time that nobody means: in JSON a number without a unit is
// nanoseconds. 0 is not given.
func tooShort(option string, given caddy.Duration, least time.Duration) error {
	if given <= 0 || time.Duration(given) >= least {
		return nil
	}
	return fmt.Errorf("%s %s is too short: give at least %s; in JSON a number is nanoseconds, so write it with its unit, such as \"12h\"",
		option, time.Duration(given), least)
}

func (o *LifeOptions) setDefaults() {
	if o.Lifetime == 0 {
		o.Lifetime = caddy.Duration(defaultLifetime)
	}
	if o.IdleTimeout == nil {
		idle := caddy.Duration(defaultIdleTimeout)
		o.IdleTimeout = &idle
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = defaultMaxSessions
	}
	if o.BeyondMaxSessions == "" {
		o.BeyondMaxSessions = beyondOldest
	}
}

// parseMaxSessions reads `max_sessions <n> [oldest|refuse]`.
func (o *LifeOptions) parseMaxSessions(d *caddyfile.Dispenser) error {
	if o.MaxSessions != 0 {
		return directive.Err(d, "max_sessions is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return directive.ArgErr(d)
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n > sessionstore.MaxLimit {
		return directive.Errf(d, "max_sessions: %s is not a number of sessions from 1 to %d", directive.Number(args[0]), sessionstore.MaxLimit)
	}
	o.MaxSessions = n
	if len(args) == 1 {
		return nil
	}
	o.BeyondMaxSessions = args[1]
	return directive.Wrap(d, directive.OneOf("max_sessions", args[1], beyondOldest, beyondRefuse))
}

// parseIdleTimeout keeps 0, which turns the timeout off, apart from "not given".
func (o *LifeOptions) parseIdleTimeout(d *caddyfile.Dispenser) error {
	if o.IdleTimeout != nil {
		return directive.Err(d, "idle_timeout is given twice")
	}
	idle, err := directive.ParseDuration(d, directive.OrNone)
	o.IdleTimeout = new(caddy.Duration)
	*o.IdleTimeout = idle
	return err
}
