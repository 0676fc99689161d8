package caddymodule

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
)

// LoginOptions are the ways to sign in.
type LoginOptions struct {
	// LoginsRaw are the ways to sign in. Those with passwords are asked one
	// after the other: one that does not know the person passes to the next.
	LoginsRaw []json.RawMessage `json:"logins,omitempty" caddy:"namespace=sidegate.logins inline_key=method"`

	// LoginOrder is the order of the logins, by their names: that of the buttons
	// on the login page, and that in which those with passwords are asked about
	// one. Those that are not named follow. Default: the order of logins.
	LoginOrder []string `json:"login_order,omitempty"`

	logins    []LoginModule // in that order, and so are
	providers []endpoint.Provider
	domains   map[string]profile.Domains
}

// LoginModule is a guest of sidegate.logins. It is a login.PasswordMethod or a
// provider to be sent to, and most often a login.Rebuilder as well.
type LoginModule interface {
	caddy.Module
	login.Method
}

func (o *LoginOptions) words() map[string]option {
	return map[string]option{
		"login":       o.parseLogin,
		"login_order": texts(&o.LoginOrder),
	}
}

// provision loads the logins' modules. It needs the metrics, which count the
// sign-ins of each.
func (o *LoginOptions) provision(ctx caddy.Context, a *App) error {
	mods, err := ctx.LoadModule(o, "LoginsRaw")
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
		o.logins = append(o.logins, l)
	}
	if err := o.readDomains(); err != nil {
		return err
	}
	a.address.Cookie.Apps = o.appCookies()
	return o.orderLogins(named)
}

// appCookies are the names of the apps' own cookies that stay here.
func (o *LoginOptions) appCookies() (names []string) {
	for _, l := range o.logins {
		if of, ok := l.(*AppLogin); ok {
			names = append(names, of.CookieNames...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// orderLogins puts the logins into the order of login_order, those that it does
// not name last, as they stand in the configuration.
func (o *LoginOptions) orderLogins(named map[string]bool) error {
	place := make(map[string]int)
	for i, name := range o.LoginOrder {
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
	slices.SortStableFunc(o.logins, func(l, m LoginModule) int { return rank(l) - rank(m) })
	for _, l := range o.logins {
		if p, ok := l.(endpoint.ProviderMethod); ok {
			o.providers = append(o.providers, endpoint.Provider{ProviderMethod: p, Label: labelOf(l)})
		}
	}
	return nil
}

// labelOf is what the configuration calls a provider on the page, if anything.
func labelOf(l LoginModule) string {
	if o, ok := l.(*OIDCLogin); ok {
		return o.Label
	}
	return ""
}

func (o *LoginOptions) parseLogin(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("login needs a method, such as `login users users.yaml`")
	}
	raw, err := guest(d, "sidegate.logins", "method", d.Val())
	if err != nil {
		return err
	}
	o.LoginsRaw = append(o.LoginsRaw, raw)
	return nil
}

// checkName makes sure that a login or directory has a name that can stand in
// an address and in an expression's error.
func checkName(kind, name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%s needs a name of 1 to %d characters", kind, maxName)
	}
	for _, c := range name {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return fmt.Errorf("%s %q: use letters, digits, - and _ for the name", kind, name)
		}
	}
	return nil
}

const maxName = 64
