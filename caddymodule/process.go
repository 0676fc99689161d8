package caddymodule

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/adminapi"
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/redis"
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

// reloading reports whether this process runs a configuration already.
func reloading() bool { return caddy.ActiveContext().Context != nil }

// retiredTime is how long the store stays open after a reload. Caddy does not
// wait there for the requests that the servers before are still answering.
const retiredTime = 30 * time.Second

// retired are the gateways of configurations before. They outlive their
// configuration, so they are the process's.
var retired = struct {
	sync.Mutex
	gateways map[*gateway]*time.Timer
}{gateways: make(map[*gateway]*time.Timer)}

// running are the gateways of the configurations that have started and not yet
// stopped, in that order: during a reload there are two, and the later one is in
// force unless its configuration is taken back.
var running struct {
	sync.Mutex
	gateways []*gateway
}

// start puts the gateway in force.
func (g *gateway) start() {
	running.Lock()
	defer running.Unlock()
	var before *adminapi.Desk
	if n := len(running.gateways); n > 0 {
		before = running.gateways[n-1].desk
	}
	g.desk.InForce(before)
	running.gateways = append(running.gateways, g)
	g.streams.Serve(g.keeper())
}

// stop says that the gateway's configuration is not in force any more.
func (g *gateway) stop() {
	running.Lock()
	defer running.Unlock()
	g.stopped.Store(true)
	running.gateways = slices.DeleteFunc(running.gateways, func(other *gateway) bool { return other == g })
	g.handOverStreams()
}

// handOverStreams leaves what is open to the configuration in force, if it has the
// same store; else nobody is signed in any more, and it ends. When the process ends,
// Caddy says how long it waits for what is under way. Called with running held.
func (g *gateway) handOverStreams() {
	for _, other := range slices.Backward(running.gateways) {
		if other.streams == g.streams {
			g.streams.Serve(other.keeper())
			return
		}
	}
	if !caddy.Exiting() {
		g.streams.EndAll()
	}
}

// keeper is how what is open is held against its session while this gateway is in
// force.
func (g *gateway) keeper() *streams.Keeper {
	return &streams.Keeper{
		Lookup: g.callers.Lookup, Now: g.events.now,
		Uses: func(e *nearcache.Entry) { g.uses(caller.Of(e, nil), g.events.now()) },
		Cut: func(c streams.Cut) {
			g.events.Happened(lifecycle.Event{Kind: streams.Closed, Login: c.Session.Method, UserID: c.Session.User.ID, Session: c.Session.Key,
				Count: c.Streams, Result: c.Why})
		},
	}
}

// inForce is what vouches for what this gateway has begun: itself, until it is
// stopped; then the configuration in force, if it has the same store. nil: there
// is none.
func (g *gateway) inForce() *lifecycle.Vouching {
	if !g.stopped.Load() {
		return g.vouching
	}
	running.Lock()
	defer running.Unlock()
	if len(running.gateways) == 0 {
		return nil
	}
	latest := running.gateways[len(running.gateways)-1]
	if latest.keptIn != g.keptIn {
		return nil // the session would not be found there
	}
	return latest.vouching
}

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

// looked are the stores that were looked at in this process, by how they are
// connected to.
var looked sync.Map

// look logs what is not as it should be with the servers, once a process. One
// that gave no answer is looked at when the next configuration is loaded.
func (s *RedisStore) look(ctx context.Context, store sessionstore.Store, logger *zap.Logger) {
	key := s.connectionKey()
	if _, before := looked.LoadOrStore(key, true); before {
		return
	}
	advice, err := store.(*redis.Store).Look(ctx)
	if err != nil {
		looked.Delete(key)
		logger.Debug("the servers of the session store could not be looked at", zap.Error(err))
	}
	for _, a := range advice {
		level := zap.WarnLevel
		if a.Unseen {
			level = zap.InfoLevel
		}
		logger.Log(level, "session store: "+a.What, zap.String("remedy", a.Step))
	}
}

// roomyGC lets the heap grow to five times of what is live before it is
// collected, where Go would let it double. A proxy keeps little and throws
// much away: collecting takes about a tenth of its CPU at Go's default, and a
// third of that at this one, for some tens of megabytes (deploy/bench measures
// both).
const roomyGC = 400

// giveCollectorRoom does so for the whole process, in whatever binary these
// modules are. An operator who sets GOGC is obeyed. Without a memory limit it
// is left alone too: it is the limit that has the collector work harder,
// rather than the process killed, when memory runs out. `caddy run` has set
// one by the time an app starts, of nine tenths of what the container or else
// the machine has, unless GOMEMLIMIT or AUTOMEMLIMIT says otherwise.
func giveCollectorRoom() {
	_, chosen := os.LookupEnv("GOGC")
	if limit := debug.SetMemoryLimit(-1); !chosen && limit != math.MaxInt64 {
		debug.SetGCPercent(roomyGC)
	}
}
