package caddymodule

import (
	"errors"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// This file holds what is the process's: it outlives the configuration that
// made it.

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

// retiredTime is how long the store stays open after a reload. Caddy does not
// wait there for the requests that the servers before are still answering.
const retiredTime = 30 * time.Second

// retired are the gateways of configurations before. They outlive their
// configuration, so they are the process's.
var retired = struct {
	sync.Mutex
	gateways map[*gateway]*time.Timer
}{gateways: make(map[*gateway]*time.Timer)}

// retire closes the gateway when its last requests are done.
func (g *gateway) retire() {
	retired.Lock()
	defer retired.Unlock()
	retired.gateways[g] = time.AfterFunc(retiredTime, func() {
		if !g.takeBack() {
			return
		}
		if err := g.close(); err != nil {
			g.events.logger.Warn("the store of the configuration before could not be closed", zap.Error(err))
		}
	})
}

// takeBack reports whether the gateway is now the caller's to close.
func (g *gateway) takeBack() bool {
	retired.Lock()
	defer retired.Unlock()
	timer, there := retired.gateways[g]
	if there {
		timer.Stop()
		delete(retired.gateways, g)
	}
	return there
}

// closeRetired closes what lingers, for the process ends: a refresh that one
// of them began must still be written down.
func closeRetired() error {
	var errs []error
	for _, g := range stillRetired() {
		if g.takeBack() {
			errs = append(errs, g.close())
		}
	}
	return errors.Join(errs...)
}

func stillRetired() []*gateway {
	retired.Lock()
	defer retired.Unlock()
	var gateways []*gateway
	for g := range retired.gateways {
		gateways = append(gateways, g)
	}
	return gateways
}
