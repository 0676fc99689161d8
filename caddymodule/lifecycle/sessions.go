package lifecycle

import (
	"context"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/directory"
	"example.com/sidegate/sessionstore"
)

// Config is what the life of sessions depends on.
type Config struct {
	// Store keeps the sessions; reads may come from the near cache.
	Store sessionstore.Store
	// Backing is the store behind the near cache, for what must be read as it
	// is now. nil means Store.
	Backing sessionstore.Store
	// Browser is the store for operators, who look through it. nil: they cannot.
	Browser sessionstore.Browser
	// Drop forgets what the near cache holds of a session. nil: there is none.
	Drop func(sessionstore.Key)
	// Logins are the ways to sign in; those that are login.Rebuilders are asked
	// again. Providers names those whose source may ask for the end of sessions.
	Logins    []login.Method
	Providers []string
	// Domains are those that the email addresses of a login's people may be of,
	// by the names of the logins.
	Domains map[string]profile.Domains
	// Directories are asked about each person, all at once.
	Directories []*directory.Directory
	// Mapped names the logins whose people a mapping gives roles.
	Mapped []string
	// Roles says what roles include and permit.
	Roles *profile.Roles
	// People says which people are the same.
	People People
	// Vouching says whether a session is still vouched for; nil: it is.
	Vouching *Vouching
	// InForce is the Vouching of the configuration in force, when this one no
	// longer is: what it has begun is decided there. nil, as its answer, means
	// that there is none. A nil InForce means that this one always is.
	InForce func() *Vouching
	// Lifetime ends a session that long after it began, and IdleTimeout that
	// long after its last activity; an IdleTimeout of 0 never does.
	Lifetime, IdleTimeout time.Duration
	// MaxSessions is how many sessions a person may have at once; 0: any number.
	// A sign-in beyond that ends the one that was idle the longest, or, with
	// RefuseBeyond, makes none.
	MaxSessions  int
	RefuseBeyond bool
	// RefreshEvery builds a session anew when it is used and so much time has
	// passed; 0: only when that is asked for.
	RefreshEvery time.Duration
	// NewSecret makes the secret of a new session of that person. nil means
	// sessionstore.NewSecret.
	NewSecret func(userID int64) sessionstore.Secret
	// Ended is called with each session that was ended here, so that what is
	// kept for it elsewhere goes too. It must not block. nil: nothing is.
	Ended func(sessionstore.Key)
	// Events hears what happens.
	Events Events
	// Now is the clock.
	Now func() time.Time
}

// Sessions are the sessions of one configuration while they live. It may be
// used concurrently. Finish ends its work.
type Sessions struct {
	// AppCookies are the apps' own cookies that they keep.
	AppCookies *AppCookies
	// AccessTokens are those of providers.
	AccessTokens *AccessTokens

	config    *Config
	links     *links
	ender     *ender
	farewell  *farewell
	builder   *builder
	writer    writer
	refresher *refresher
	backlog   *backlog
}

// MinRefreshEvery is the least RefreshEvery but 0, for each refresh asks every
// source.
const MinRefreshEvery = time.Second

// New returns the life of sessions under that configuration.
func New(c Config) *Sessions {
	if c.Backing == nil {
		c.Backing = c.Store
	}
	if c.Drop == nil {
		c.Drop = func(sessionstore.Key) {}
	}
	if c.NewSecret == nil {
		c.NewSecret = sessionstore.NewSecret
	}
	if c.Ended == nil {
		c.Ended = func(sessionstore.Key) {}
	}
	if c.InForce == nil {
		c.InForce = func() *Vouching { return c.Vouching }
	}
	l := &Sessions{config: &c, links: &links{&c}, builder: &builder{&c, &owners{&c, c.People}, newRoleless(c.Mapped)}, writer: writer{c.Store, c.Backing, c.Vouching}, backlog: newBacklog()}
	if c.Vouching != nil {
		l.backlog = c.Vouching.backlog // what it finds is ended with the rest
	}
	l.AppCookies = newAppCookies(&c)
	l.farewell = newFarewell(&c, l.AppCookies)
	l.ender = &ender{&c, l.links, l.farewell}
	l.refresher = newRefresher(&c, &rebuilder{&c, l.builder, l.writer, l.links, l.ender})
	l.AccessTokens = &AccessTokens{&c, l.refresher}
	return l
}

// Finish waits for the refreshes under way as long as ctx allows: a refresh
// token that was just spent must still be replaced in the store. None begins
// from then on. So it does for the apps' cookies, and for apps that are just told
// of a sign-out.
func (l *Sessions) Finish(ctx context.Context) {
	l.refresher.finish(ctx)
	l.AppCookies.finish(ctx)
	l.farewell.finish(ctx)
}

// named is the login of that name; nil: there is none.
func named(logins []login.Method, name string) login.Method {
	i := slices.IndexFunc(logins, func(m login.Method) bool { return m.Name() == name })
	if i < 0 {
		return nil
	}
	return logins[i]
}

// rebuilder finds the login of that name, if it can say again who somebody is.
func (c *Config) rebuilder(name string) (login.Rebuilder, bool) {
	method, ok := named(c.Logins, name).(login.Rebuilder)
	return method, ok
}

// hasSource reports whether the login's source may ask for the end of sessions.
func (c *Config) hasSource(name string) bool { return slices.Contains(c.Providers, name) }

// hasLogin reports whether there is a login of that name.
func (c *Config) hasLogin(name string) bool { return named(c.Logins, name) != nil }
