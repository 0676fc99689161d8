package caddymodule

import (
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

// lingerTime is how long the store stays open after a reload. Caddy does not
// wait there for the requests that the servers before are still answering.
const lingerTime = 30 * time.Second

// lingering are the gateways of configurations before. They outlive their
// configuration, so they are the process's.
var lingering = struct {
	sync.Mutex
	gateways map[*gateway]*time.Timer
}{gateways: make(map[*gateway]*time.Timer)}

// linger closes the gateway when its last requests are done.
func (g *gateway) linger() {
	lingering.Lock()
	defer lingering.Unlock()
	lingering.gateways[g] = time.AfterFunc(lingerTime, func() {
		if !g.stopLingering() {
			return
		}
		if err := g.close(); err != nil {
			g.app.logger.Warn("the store of the configuration before could not be closed", zap.Error(err))
		}
	})
}

// stopLingering reports whether the gateway is now the caller's to close.
func (g *gateway) stopLingering() bool {
	lingering.Lock()
	defer lingering.Unlock()
	timer, there := lingering.gateways[g]
	if there {
		timer.Stop()
		delete(lingering.gateways, g)
	}
	return there
}

// closeLingering closes what lingers, for the process ends: a refresh that one
// of them began must still be written down.
func closeLingering() error {
	var errs []error
	for _, g := range stillLingering() {
		if g.stopLingering() {
			errs = append(errs, g.close())
		}
	}
	return errors.Join(errs...)
}

func stillLingering() []*gateway {
	lingering.Lock()
	defer lingering.Unlock()
	var gateways []*gateway
	for g := range lingering.gateways {
		gateways = append(gateways, g)
	}
	return gateways
}
