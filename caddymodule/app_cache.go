package caddymodule

import (
	"errors"
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// CacheConfig shapes the near cache, which answers repeated look-ups in this
// process. It hears from the store of sessions that changed or ended at other
// gateways; TTL bounds how long it could be wrong if no message came.
type CacheConfig struct {
	// Off asks the store for every request.
	Off bool `json:"off,omitempty"`
	// TTL bounds the age of an answer. Default: 10s.
	TTL caddy.Duration `json:"ttl,omitempty"`
	// Entries bounds the sessions that are kept. Default: 100000.
	Entries int `json:"entries,omitempty"`
	// Stale is how long after TTL a session may still be served while the
	// store cannot be asked. A session that was signed out elsewhere in that
	// time is accepted as long. Default: 0, nothing stale is served.
	Stale caddy.Duration `json:"stale,omitempty"`
}

func (c *CacheConfig) words() map[string]option {
	return map[string]option{
		"cache": c.parse,
		"stale": duration(&c.Stale),
	}
}

func (c *CacheConfig) provision(caddy.Context, *App) error {
	switch {
	case c.TTL < 0 || c.Entries < 0 || c.Stale < 0:
		return errors.New("cache: its time, entries and stale must not be negative")
	case c.Off && (c.TTL != 0 || c.Entries != 0 || c.Stale != 0):
		return errors.New("cache off has no other options: leave them out, stale included")
	}
	return nil
}

// parse reads `cache <ttl> [<entries>]` or `cache off`.
func (c *CacheConfig) parse(d *caddyfile.Dispenser) error {
	if c.Off || c.TTL != 0 {
		return d.Err("cache is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return d.ArgErr()
	}
	if args[0] == "off" {
		if len(args) == 2 {
			return d.Errf("cache off keeps no sessions: leave '%s' out", args[1])
		}
		c.Off = true
		return nil
	}
	ttl, err := caddy.ParseDuration(args[0])
	if err != nil || ttl <= 0 {
		return d.Errf("cache: '%s' is not a duration such as 10s, nor off", args[0])
	}
	c.TTL = caddy.Duration(ttl)
	if len(args) == 2 {
		c.Entries, err = strconv.Atoi(args[1])
		if err != nil || c.Entries < 1 {
			return d.Errf("cache: '%s' is not a number of sessions", args[1])
		}
	}
	return nil
}
