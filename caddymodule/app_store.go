package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/storewatch"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// StoreOptions say where sessions are kept.
type StoreOptions struct {
	// StoreRaw says where sessions are kept. Default: embedded, a file in
	// Caddy's data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=sidegate.stores inline_key=module"`

	storeAt directive.Position
	store   StoreModule
	keptIn  string // StoreRaw, which is taken away when the module is loaded
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

func (o *StoreOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"store": o.parseStore}
}

// provision loads the store's module. It needs the secrets, of which a shared
// store demands one.
func (o *StoreOptions) provision(ctx caddy.Context, a *App) error {
	if len(o.StoreRaw) == 0 {
		o.StoreRaw = json.RawMessage(`{"module":"embedded"}`)
	}
	o.keptIn = string(o.StoreRaw)
	mods, err := directive.LoadGuests(ctx, "sidegate.stores", "module", "session store", []json.RawMessage{o.StoreRaw})
	if err != nil {
		return err
	}
	o.store, o.StoreRaw = mods[0].(StoreModule), nil
	if o.store.Shared() && len(a.secrets) == 0 {
		return errNoSharedSecret
	}
	return nil
}

var errNoSharedSecret = errors.New("a store that several gateways share needs a secret that they share too: " +
	"add `secret {env.SIDEGATE_SECRET}` to the sidegate options (make one with `openssl rand -base64 32`)")

// looker is a store that can be asked whether it is as it should be, which the
// log is told once a process.
type looker interface {
	look(ctx context.Context, store sessionstore.Store, logger *zap.Logger)
	// answered is storewatch.Config.Answered.
	answered(err error) string
}

// watchOver is what tells when the store is away, and when it is back.
func (a *App) watchOver(store sessionstore.Store, g *gateway) *storewatch.Watch {
	c := storewatch.Config{Beat: g.store.Beat, Reads: g.answers, Served: a.Cache.served(), Logger: a.logger, Now: a.now}
	if l, ok := a.store.(looker); ok {
		c.Answered, c.First = l.answered, func(ctx context.Context) { l.look(ctx, store, a.logger) }
	}
	return storewatch.New(c)
}

// served says who is served while the store is away.
func (c *CacheConfig) served() string {
	if c.Off {
		return "who is signed in is answered with 503 (cache off)"
	}
	ttl, stale := time.Duration(cmp.Or(c.TTL, caddy.Duration(nearcache.DefaultTTL))), time.Duration(c.Stale)
	return fmt.Sprintf("whom the near cache knows is served for %v after the store was asked about them last (cache %v, stale %v); "+
		"others who are signed in are answered with 503", ttl+stale, ttl, stale)
}

// checkWritten is for when the whole of the options has been read.
func (o *StoreOptions) checkWritten(secrets []string) error {
	var written struct{ Module string }
	if json.Unmarshal(o.StoreRaw, &written) != nil || len(secrets) > 0 {
		return nil
	}
	if m, err := caddy.GetModule("sidegate.stores." + written.Module); err == nil && m.New().(StoreModule).Shared() {
		return o.storeAt.Wrap(errNoSharedSecret)
	}
	return nil
}

func (o *StoreOptions) parseStore(d *caddyfile.Dispenser) (err error) {
	if o.StoreRaw != nil {
		return directive.Err(d, "store is given twice")
	}
	if !d.NextArg() {
		return directive.Err(d, "store needs a kind: embedded, memory or redis")
	}
	o.storeAt = directive.Here(d)
	o.StoreRaw, err = directive.Guest(d, "sidegate.stores", "module", d.Val())
	return err
}

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

func (c *CacheConfig) words() map[string]directive.Option {
	return map[string]directive.Option{
		"cache": directive.Checked(c.parse, c.checkTimes),
		"stale": directive.Checked(directive.DurationOrNone(&c.Stale), c.checkTimes),
	}
}

func (c *CacheConfig) provision(caddy.Context, *App) error {
	switch {
	case c.TTL < 0 || c.Entries < 0 || c.Stale < 0:
		return errors.New("cache: its time, entries and stale must not be negative")
	case c.Off && (c.TTL != 0 || c.Entries != 0 || c.Stale != 0):
		return errors.New("cache off has no other options: leave them out, stale included")
	}
	return c.checkTimes()
}

func (c *CacheConfig) checkTimes() error {
	return cmp.Or(tooShort("cache", c.TTL, leastCacheTime), tooShort("stale", c.Stale, leastCacheTime))
}

// leastCacheTime is below all that is of use.
const leastCacheTime = 10 * time.Millisecond

// parse reads `cache <ttl> [<entries>]` or `cache off`.
func (c *CacheConfig) parse(d *caddyfile.Dispenser) error {
	if c.Off || c.TTL != 0 {
		return directive.Err(d, "cache is given twice")
	}
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 {
		return directive.ArgErr(d)
	}
	if args[0] == "off" {
		if len(args) == 2 {
			return directive.Errf(d, "cache off keeps no sessions: leave %s out", directive.Number(args[1]))
		}
		c.Off = true
		return nil
	}
	ttl, err := caddy.ParseDuration(args[0])
	if err != nil || ttl <= 0 {
		return directive.Errf(d, "cache: %s is not a duration such as 10s, nor off", directive.Number(args[0]))
	}
	c.TTL = caddy.Duration(ttl)
	if len(args) == 2 {
		c.Entries, err = strconv.Atoi(args[1])
		if err != nil || c.Entries < 1 {
			return directive.Errf(d, "cache: %s is not a number of sessions", directive.Number(args[1]))
		}
	}
	return nil
}
