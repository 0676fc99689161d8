package adminapi

import (
	"context"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// Config is what a desk needs of its gateway.
type Config struct {
	// Sessions ends sessions.
	Sessions *lifecycle.Sessions
	// Store is the store itself, without a near cache in front of it. One that is no
	// sessionstore.Browser cannot be looked through.
	Store sessionstore.Store
	// Ready is nil while the store answers; it takes no longer than a short time.
	Ready func(context.Context) error
	// Digest is that of the configuration.
	Digest func() string
	// Version is that of the gateway.
	Version string
	// Now is the clock.
	Now func() time.Time
}

// Desk answers the operators of one configuration.
type Desk struct {
	Config
	since time.Time // when it came into force
}

// New makes the desk of a configuration. InForce says when that is one.
func New(c Config) *Desk { return &Desk{Config: c, since: c.Now()} }

// InForce notes that its configuration comes into force. It is to be called before
// anybody is answered.
func (d *Desk) InForce() { d.since = d.Now() }
