package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/audit"
	_ "example.com/sidegate/caddymodule/check" // the command sidegate-check
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/filevalues"
	"example.com/sidegate/caddymodule/health"
	_ "example.com/sidegate/caddymodule/lazylog" // format lazy
	"example.com/sidegate/caddymodule/metrics"
	"example.com/sidegate/caddymodule/siting"
	_ "example.com/sidegate/caddymodule/transport" // transport sidegate
)

func init() {
	caddy.RegisterModule(new(App))
	httpcaddyfile.RegisterGlobalOption("sidegate", parseApp)
	// Those placed before one directive keep this order: health, endpoints, auth.
	httpcaddyfile.RegisterDirectiveOrder("session_health", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("session_endpoints", httpcaddyfile.Before, "basic_auth")
	httpcaddyfile.RegisterDirectiveOrder("session_auth", httpcaddyfile.Before, "basic_auth")
}

// App is Sidegate: what every site that uses session_endpoints, session_auth
// or the session matcher shares. People sign in once; their session is kept in
// the store; every gateway with the same store and secret knows them.
//
// Its options are in groups, each in a file of its own: app_store.go and so on.
type App struct {
	StoreOptions
	LoginOptions
	DirectoryOptions
	SecretOptions

	// Cache is the near cache in front of the store.
	Cache CacheConfig `json:"cache,omitzero"`

	LifeOptions
	SiteOptions
	AppearanceOptions

	// Cookie shapes the session cookie.
	Cookie CookieConfig `json:"cookie,omitzero"`

	// Token shapes session tokens and assertions.
	Token TokenConfig `json:"token,omitzero"`

	RoleOptions
	PathOptions
	PolicyOptions

	servers []*everyroute.First // those that our handlers stand in
	health  *health.Probe
	looked  map[*caddyhttp.Server]*siting.Found
	asks    bool          // a session_auth asks for sessions
	matches bool          // or a matcher
	answers bool          // and a session_endpoints lets people begin one
	watch   *siting.Watch // for a login page that people do not find

	audience *endpoint.Audience // of the events of sessions

	gateway func() (*gateway, error)
	opened  atomic.Pointer[gateway]
	metrics *metrics.Set
	emits   audit.Events
	files   filevalues.Files
	cancel  context.CancelFunc
	running sync.WaitGroup
	logger  *zap.Logger
	now     func() time.Time
	lines   map[string]directive.Position // of the options, as they are read
	said    []json.RawMessage             // what the configuration says to our modules
	digest  func() string                 // of it, once the gateway is there: see configDigest
}

// options are a group of the app's options: fields, defaults, checks and the
// words of the Caddyfile.
type options interface {
	// words are what the group reads in the sidegate block.
	words() map[string]directive.Option
	// provision fills in defaults, checks the options, and makes ready what
	// the gateway needs of them. It may read the groups that come before.
	provision(ctx caddy.Context, a *App) error
}

// groups are the app's options in the order in which they are provisioned:
// the token needs the site and the secrets, the store needs the secrets.
func (a *App) groups() []options {
	return []options{
		&a.LifeOptions, &a.SiteOptions, &a.AppearanceOptions, &a.Cookie, &a.Cache, &a.SecretOptions, &a.Token, &a.RoleOptions, &a.PathOptions,
		&a.StoreOptions, &a.LoginOptions, &a.DirectoryOptions, &a.PolicyOptions,
	}
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision reads the configuration. It touches no network and opens no
// store: `caddy validate` comes this far, perhaps beside a running server.
// Only in a process that runs a configuration already, which has the store
// open, it opens it here: apps start in no fixed order, and a server of a
// configuration whose store then turned out not to open would meanwhile have
// answered requests.
func (a *App) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger()
	a.now = time.Now
	a.gateway = sync.OnceValues(a.open)
	a.audience = endpoint.NewAudience()
	a.health = health.New(a.storeAnswers, a.now)
	err := a.provisionTold(ctx) // before all that may fail
	if err != nil {
		return err
	}
	if a.files, err = filevalues.Find(a); err != nil { // before the groups, which make modules of the placeholders
		return err
	}
	written := a.says(a) // before defaults are filled in
	for _, group := range a.groups() {
		if err := group.provision(ctx, a); err != nil {
			return directive.RecallWord(written, err).Wrap(err)
		}
	}
	a.watch = siting.NewWatch(a.address.BasePath+"/login", a.missedLogin)
	a.warnOfWeak(a.logger)
	a.warnOfNames(a.logger)
	a.warnOfLines(a.logger)
	if !reloading() {
		return nil
	}
	_, err = a.gateway()
	return err
}

// Start opens the store and begins the work in the background.
func (a *App) Start() error {
	if err := a.checkServers(); err != nil {
		return err
	}
	a.warnOfNoEndpoints()
	a.warnOfUserHeader()
	g, err := a.gateway()
	if err != nil {
		return err
	}
	directive.Forget() // what is loaded next may have other lines
	giveCollectorRoom()
	g.start()
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	for _, work := range g.background() {
		a.running.Go(func() { work(ctx) })
	}
	if a.reports {
		a.running.Go(func() { g.watchReports(ctx) })
	}
	a.running.Go(func() { a.files.Watch(ctx, a.logger) })
	for _, l := range a.logins {
		if w, ok := l.(watcher); ok {
			a.running.Go(func() { w.watch(ctx, g.sessions) })
		}
	}
	return nil
}

// Stop ends the work in the background. When the process ends, Caddy waits for requests
// in another app's Stop: until they are done it is heard who is signed out meanwhile.
func (a *App) Stop() error {
	if !caddy.Exiting() {
		a.rest()
	}
	return nil
}

// rest ends that work, and waits.
func (a *App) rest() {
	if a.cancel != nil {
		a.cancel()
	}
	a.running.Wait()
	if g := a.opened.Load(); g != nil {
		g.stop()
	}
}

// Cleanup gives the store back: at once when the process ends, for then every
// server has stopped; else when the last requests are done. It also follows a
// Provision that failed half-way.
func (a *App) Cleanup() error {
	directive.Forget()
	if caddy.Exiting() {
		a.rest()
	}
	g := a.opened.Swap(nil)
	if g == nil {
		return nil
	}
	if caddy.Exiting() {
		return errors.Join(g.close(), closeRetired())
	}
	g.flush(context.Background())
	g.sessions.AppCookies.Hurry()
	g.retire()
	return nil
}

func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // to the word, which has the line
		return nil, directive.Err(d, "the sidegate options are given twice: join the two blocks")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	written := caddyconfig.JSON(app, nil)
	directive.RememberWords(written, app.lines)
	return httpcaddyfile.App{Name: "sidegate", Value: written}, nil
}

// UnmarshalCaddyfile reads the global options. Syntax:
//
//	sidegate {
//		store <embedded|memory|redis> ...
//		cache <ttl> [<entries>]|off
//		stale <duration>
//		secret <secret>...
//		lifetime <duration>
//		idle_timeout <duration>
//		max_sessions <n> [oldest|refuse]
//		base_path <path>
//		public_url <origin>
//		return_to <origin>...
//		cors <origin>...
//		clear_site_data cache|storage|cookies...
//		account_param <name>
//		appearance {
//			name <text>
//			logo <file>
//			accent <colour> [<colour in the dark>]
//			help <url or text>
//			templates <folder>
//		}
//		cookie {
//			name <name>
//			domain <domain>
//			same_site lax|strict
//			insecure
//		}
//		token {
//			issuer <url>
//			ttl <duration>
//			off
//			audience <origin>...
//			algorithm ES256|EdDSA|RS256
//			signing_key <pem file>...
//		}
//		login <method> ...
//		login_order <name>...
//		same_people <login> <login>... {
//			former <login or issuer>...
//		}
//		directory <source> ...
//		ambiguous_paths allow
//		user_header id|username|email
//		log_names
//		refresh_every <duration>
//		role <name> {
//			includes <role>...
//			permissions <permission>...
//		}
//		policy <name> {
//			...
//		}
//		report_only
//		docs off
//		why
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	directive.Forget()
	d.Next() // the option's name
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	words := make(map[string]directive.Option)
	a.lines = make(map[string]directive.Position)
	for _, group := range a.groups() {
		for word, read := range group.words() {
			words[word] = a.noting(word, read)
		}
	}
	if err := directive.Block(d, "sidegate", words); err != nil {
		return err
	}
	known := a.names(a.peopleWritten)
	return cmp.Or(a.checkIncludes(&known.roles), a.checkPolicies(&known), a.LoginOptions.checkWritten(), a.StoreOptions.checkWritten(a.Secrets))
}

// noting has it written down where an option stands first.
func (a *App) noting(word string, read directive.Option) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		if _, again := a.lines[word]; !again {
			a.lines[word] = directive.Here(d)
		}
		return read(d)
	}
}

// Interface guards
var (
	_ caddy.App             = (*App)(nil)
	_ caddy.Provisioner     = (*App)(nil)
	_ caddy.CleanerUpper    = (*App)(nil)
	_ caddyfile.Unmarshaler = (*App)(nil)
)
