package adminapi

import (
	"context"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// Config is what a desk needs of its gateway.
type Config struct {
	// Operators end sessions.
	Operators *lifecycle.Operators
	// Store is the store itself, without a near cache in front of it. One that is no
	// sessionstore.Browser cannot be looked through.
	Store sessionstore.Store
	// File is the store where that is a file; nil for others.
	File sessionstore.FileStore
	// Ready is nil while the store answers; it takes no longer than a short time.
	Ready func(context.Context) error
	// ReadyFor is how long an answer of Ready is kept.
	ReadyFor time.Duration
	// Away says that the store was last seen not to take writes, or not to answer.
	Away func() bool
	// Digest is that of the configuration.
	Digest func() string
	// Version is that of the gateway.
	Version string
	// Keys are those in force.
	Keys []Key
	// Now is the clock.
	Now func() time.Time
}

// Desk answers the operators of one configuration.
type Desk struct {
	Config
	browser  sessionstore.Browser
	listings *listings
	looks    turn // of walks over everybody's sessions
	ends     turn // and of those that end them
	counter  counter
	since    time.Time             // when it came into force
	keys     map[keyName]time.Time // when each key did
}

// New makes the desk of a configuration. InForce says when that is one.
func New(c Config) *Desk {
	d := &Desk{Config: c, looks: newTurn(), ends: newTurn(), counter: counter{now: c.Now, failedFor: c.ReadyFor}}
	d.listings = newListings(c.Now, d.looks)
	d.browser, _ = c.Store.(sessionstore.Browser)
	d.InForce(nil)
	return d
}

// InForce notes that its configuration comes into force, after that of the other desk;
// nil: there was none. It is to be called before anybody is answered.
func (d *Desk) InForce(before *Desk) {
	d.since, d.keys = d.Now(), make(map[keyName]time.Time)
	for _, k := range d.Keys {
		d.keys[k.name()] = d.since
		if before == nil {
			continue
		}
		if since, known := before.keys[k.name()]; known {
			d.keys[k.name()] = since
		}
	}
}
