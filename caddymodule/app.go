package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/directory"
)

func init() {
	caddy.RegisterModule(new(App))
}

// Defaults of the app's options.
const (
	defaultLifetime    = 12 * time.Hour
	defaultIdleTimeout = time.Hour
	defaultBasePath    = "/auth"
)

// App is Sidegate: what every site that uses session_endpoints, session_auth
// or the session matcher shares. People sign in once; their session is kept in
// the store; every gateway with the same store and secret knows them.
type App struct {
	// StoreRaw says where sessions are kept. Default: embedded, a file in
	// Caddy's data directory.
	StoreRaw json.RawMessage `json:"store,omitempty" caddy:"namespace=sidegate.stores inline_key=module"`

	// LoginsRaw are the ways to sign in. Those with passwords are asked in
	// this order: one that does not know the person passes to the next.
	LoginsRaw []json.RawMessage `json:"logins,omitempty" caddy:"namespace=sidegate.logins inline_key=method"`

	// LoginOrder is the order of the logins on the login page, by their names;
	// those that are not named follow. Default: the order of logins.
	LoginOrder []string `json:"login_order,omitempty"`

	// DirectoriesRaw are asked about each person who signs in, all at once;
	// what they say is put into the session in this order.
	DirectoriesRaw []json.RawMessage `json:"directories,omitempty" caddy:"namespace=sidegate.directories inline_key=source"`

	// RefreshEvery builds a session anew when it is used and that long has
	// passed: the directories are asked again, and, with a refresh token, the
	// provider. Default: 0, only POST /auth/refresh does.
	RefreshEvery caddy.Duration `json:"refresh_every,omitempty"`

	// Secrets feed every key: the first seals and signs, further ones still
	// open and verify. At least 32 bytes each. Placeholders {env.*} and
	// {file.*} are resolved. Default: one that is made once and kept in
	// Caddy's storage; a store that several gateways share requires one.
	Secrets []string `json:"secrets,omitempty"`

	// Cache is the near cache in front of the store.
	Cache CacheConfig `json:"cache,omitzero"`

	// Lifetime ends a session that long after sign-in, whatever happens.
	// Default: 12h.
	Lifetime caddy.Duration `json:"lifetime,omitempty"`

	// IdleTimeout ends a session that long after its last activity; 0 turns
	// it off. Default: 1h.
	IdleTimeout *caddy.Duration `json:"idle_timeout,omitempty"`

	// BasePath is where session_endpoints answers. Default: /auth.
	BasePath string `json:"base_path,omitempty"`

	// PublicURL is the origin that browsers see (https://app.example.com),
	// for when TLS ends in front of this server and trusted_proxies is not set.
	PublicURL string `json:"public_url,omitempty"`

	// ReturnTo lists origins beside the site's own that a sign-in or sign-out
	// may lead back to.
	ReturnTo []string `json:"return_to,omitempty"`

	// Cookie shapes the session cookie.
	Cookie CookieConfig `json:"cookie,omitzero"`

	// Token shapes session tokens and assertions.
	Token TokenConfig `json:"token,omitzero"`

	// Roles declares what roles include and permit.
	Roles []RoleConfig `json:"roles,omitempty"`

	store       StoreModule
	logins      []LoginModule
	providers   []provider // in the order of the login page
	directories []*directory.Directory
	secrets     []string
	roles       *profile.Roles
	returnTo    returnTargets
	gateway     func() (*gateway, error)
	opened      atomic.Pointer[gateway]
	storage     storage
	metrics     *metrics
	cancel      context.CancelFunc
	running     sync.WaitGroup
	logger      *zap.Logger
	now         func() time.Time
}

// RoleConfig declares a role.
type RoleConfig struct {
	// Name is the role's name, as a login grants it.
	Name string `json:"name"`
	// Includes are further roles that come with this one.
	Includes []string `json:"includes,omitempty"`
	// Permissions are what the role permits.
	Permissions []string `json:"permissions,omitempty"`
}

// LoginModule is a guest of sidegate.logins. It is a login.PasswordMethod or a
// provider to be sent to, and most often a login.Rebuilder as well.
type LoginModule interface {
	caddy.Module
	login.Method
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
	a.storage = ctx.Storage()
	a.gateway = sync.OnceValues(a.open)
	a.setDefaults()
	for _, step := range []func(caddy.Context) error{
		a.provisionMetrics, // before all that may fail
		a.provisionPaths, a.provisionCache, a.provisionSecrets, a.provisionRoles, a.provisionStore,
		a.provisionLogins, a.provisionDirectories,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if !reloading() {
		return nil
	}
	_, err := a.gateway()
	return err
}

// reloading reports whether this process runs a configuration already.
func reloading() bool { return caddy.ActiveContext().Context != nil }

func (a *App) setDefaults() {
	if a.Lifetime == 0 {
		a.Lifetime = caddy.Duration(defaultLifetime)
	}
	if a.IdleTimeout == nil {
		idle := caddy.Duration(defaultIdleTimeout)
		a.IdleTimeout = &idle
	}
	if a.BasePath == "" {
		a.BasePath = defaultBasePath
	}
	a.Cookie.setDefaults()
}

func (a *App) provisionPaths(caddy.Context) (err error) {
	if a.Lifetime < 0 || *a.IdleTimeout < 0 {
		return errors.New("lifetime and idle_timeout must not be negative")
	}
	if every := time.Duration(a.RefreshEvery); every != 0 && every < minRefreshEvery {
		return fmt.Errorf("refresh_every %s: %s at least, for each refresh asks every source", every, minRefreshEvery)
	}
	if a.BasePath == "/" || !strings.HasPrefix(a.BasePath, "/") || path.Clean(a.BasePath) != a.BasePath ||
		url.PathEscape(a.BasePath[1:]) != strings.ReplaceAll(a.BasePath[1:], "/", "%2F") {
		return fmt.Errorf("base_path %q: give a plain path such as /auth, without a slash at its end", a.BasePath)
	}
	if a.PublicURL != "" {
		if a.PublicURL, err = parseOrigin(a.PublicURL); err != nil {
			return fmt.Errorf("public_url: %w", err)
		}
	}
	a.Token.setDefaults(a.PublicURL) // which is by now as browsers write it
	if a.returnTo, err = newReturnTargets(a.BasePath, a.PublicURL, a.ReturnTo); err != nil {
		return err
	}
	return a.Cookie.validate()
}

func (a *App) provisionRoles(caddy.Context) (err error) {
	declared := make([]profile.Role, len(a.Roles))
	for i, r := range a.Roles {
		declared[i] = profile.Role(r)
	}
	a.roles, err = profile.NewRoles(declared)
	return err
}

func (a *App) provisionStore(ctx caddy.Context) error {
	if len(a.StoreRaw) == 0 {
		a.StoreRaw = json.RawMessage(`{"module":"embedded"}`)
	}
	mod, err := ctx.LoadModule(a, "StoreRaw")
	if err != nil {
		return fmt.Errorf("loading session store module: %v", err)
	}
	a.store = mod.(StoreModule)
	if a.store.Shared() && len(a.secrets) == 0 {
		return errors.New("a store that several gateways share needs a secret that they share too: " +
			"add `secret {env.SIDEGATE_SECRET}` to the sidegate options (make one with `openssl rand -base64 32`)")
	}
	return nil
}

func (a *App) provisionLogins(ctx caddy.Context) error {
	mods, err := ctx.LoadModule(a, "LoginsRaw")
	if err != nil {
		return fmt.Errorf("loading login module: %v", err)
	}
	a.metrics.expect("")
	named := make(map[string]bool)
	for _, mod := range mods.([]any) {
		l := mod.(LoginModule)
		if named[l.Name()] {
			return fmt.Errorf("two logins are named %q: give each a name of its own", l.Name())
		}
		named[l.Name()] = true
		a.metrics.expect(l.Name())
		a.logins = append(a.logins, l)
	}
	return a.orderLogins(named)
}

// orderLogins reads login_order. It is that of the page alone: who is asked
// about a password first is decided by the order of the logins.
func (a *App) orderLogins(named map[string]bool) error {
	place := make(map[string]int)
	for i, name := range a.LoginOrder {
		if !named[name] {
			return fmt.Errorf("login_order names %q, which is no login: there are %s", name,
				strings.Join(slices.Sorted(maps.Keys(named)), ", "))
		}
		if _, again := place[name]; again {
			return fmt.Errorf("login_order names %q twice", name)
		}
		place[name] = i
	}
	rank := func(l LoginModule) int {
		if i, ok := place[l.Name()]; ok {
			return i
		}
		return len(place)
	}
	shown := slices.SortedStableFunc(slices.Values(a.logins), func(l, m LoginModule) int { return rank(l) - rank(m) })
	for _, l := range shown {
		if p, ok := l.(provider); ok {
			a.providers = append(a.providers, p)
		}
	}
	return nil
}

func (a *App) provisionDirectories(ctx caddy.Context) error {
	mods, err := ctx.LoadModule(a, "DirectoriesRaw")
	if err != nil {
		return fmt.Errorf("loading directory module: %v", err)
	}
	named := make(map[string]bool)
	for _, mod := range mods.([]any) {
		d := mod.(DirectoryModule).Directory()
		if named[d.Name()] {
			return fmt.Errorf("two directories are named %q: give each a name of its own", d.Name())
		}
		named[d.Name()] = true
		a.directories = append(a.directories, d)
	}
	return nil
}

// Start opens the store and begins the work in the background.
func (a *App) Start() error {
	g, err := a.gateway()
	if err != nil {
		return err
	}
	giveCollectorRoom()
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.startBackground(ctx, g)
	return nil
}

// Stop ends the work in the background. Requests may still be under way.
func (a *App) Stop() error {
	if a.cancel != nil {
		a.cancel()
	}
	a.running.Wait()
	return nil
}

// Cleanup gives the store back: at once when the process ends, for then every
// server has stopped; else when the last requests are done. It also follows a
// Provision that failed half-way.
func (a *App) Cleanup() error {
	g := a.opened.Swap(nil)
	switch {
	case g == nil:
		return nil
	case caddy.Exiting():
		return errors.Join(g.close(), closeLingering())
	}
	g.flush(context.Background())
	g.linger()
	return nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
