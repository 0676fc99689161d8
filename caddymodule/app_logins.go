package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/profile"
)

// optionSamePeople is what the log tells operators to write.
const optionSamePeople = "same_people"

// LoginOptions are the ways to sign in.
type LoginOptions struct {
	// LoginsRaw are the ways to sign in. Those with passwords are asked one
	// after the other: one that does not know the person passes to the next.
	LoginsRaw []json.RawMessage `json:"logins,omitempty" caddy:"namespace=sidegate.logins inline_key=method"`

	// LoginOrder is the order of the logins, by their names: that of the buttons
	// on the login page, and that in which those with passwords are asked about
	// one. Those that are not named follow. Default: the order of logins.
	LoginOrder []string `json:"login_order,omitempty"`

	// SamePeople are logins whose people are the same: who has a number at one of
	// them has it at the others. Default: a number is of the login or issuer whose
	// person came with it first, and another's is refused.
	SamePeople []SamePeopleConfig `json:"same_people,omitempty"`

	// UserHeader is what the user is in presets of identity headers that have one:
	// id, email or username. Default: as the preset says.
	UserHeader string `json:"user_header,omitempty"`

	// LogNames has the log tell of what people type to sign in by as it is, a
	// password in the wrong field included. Default: as a keyed digest.
	LogNames bool `json:"log_names,omitempty"`

	written   []writtenLogin // as they stand in a Caddyfile
	places    map[string]directive.Position
	orderAt   directive.Position
	peopleAt  []directive.Position // of each of SamePeople
	warned    bool                 // of usernames
	userTold  bool                 // a route's headers tell what UserHeader says
	logins    []LoginModule        // in that order, and so are
	providers []endpoint.Provider
	adopts    []*adopt.Login
	domains   map[string]profile.Domains
}

// LoginModule is a guest of sidegate.logins. It is a login.PasswordMethod or a
// provider to be sent to, and most often a login.Rebuilder as well.
type LoginModule interface {
	caddy.Module
	login.Method
}

func (o *LoginOptions) words() map[string]directive.Option {
	return map[string]directive.Option{
		"login":       o.parseLogin,
		"login_order": directive.Placed(directive.Texts(&o.LoginOrder), &o.orderAt),
		"same_people": o.parseSamePeople,
		"user_header": userHeader(&o.UserHeader),
		"log_names":   directive.Flag(&o.LogNames),
	}
}

// provision loads the logins' modules. It needs the metrics, which count the
// sign-ins of each.
func (o *LoginOptions) provision(ctx caddy.Context, a *App) error {
	mods, err := directive.LoadGuests(ctx.WithValue(knownRoles{}, a.known), "sidegate.logins", "method", "login", o.LoginsRaw)
	if err != nil {
		return err
	}
	o.places = make(map[string]directive.Position, len(mods))
	for i, mod := range mods {
		o.places[mod.(LoginModule).Name()] = directive.Recall(o.LoginsRaw[i])
	}
	o.LoginsRaw = nil
	a.metrics.Expect("")
	var named []string
	for _, mod := range mods {
		l := mod.(LoginModule)
		named = append(named, l.Name())
		a.metrics.Expect(l.Name())
		o.logins = append(o.logins, l)
	}
	if err := o.readDomains(); err != nil {
		return err
	}
	if err := checkNames(named, o.LoginOrder, o.SamePeople); err != nil {
		return err
	}
	if o.UserHeader != "" {
		if err := identity.CheckUser(o.UserHeader); err != nil {
			return fmt.Errorf("user_header: %w", err)
		}
	}
	if err := cmp.Or(o.checkCookies(&a.address.Cookie), o.bindAdopts(&a.address.Cookie)); err != nil {
		return err
	}
	o.orderLogins()
	return nil
}

// warnOfUsernames says once whom user_header username does no good: people who
// have no username, and those of several logins, for to an app each one's root is
// the other's.
func (a *App) warnOfUsernames(user string) {
	if user != identity.UserUsername || a.warned {
		return
	}
	a.warned = true
	if nameless := a.nameless(); len(nameless) > 0 {
		a.logger.Warn("user_header username: nobody of a login has a username, so to an app its people are nobody",
			zap.Strings("logins", nameless),
			zap.String("remedy", "fill it in `map`, such as username `login.body.user.name`, `login.username` or `token.preferred_username`, "+
				"if people there cannot choose somebody else's; in a users file give people a username; or say `user_header email`"))
	}
	var names []string
	for _, l := range a.logins {
		if adopts, ok := l.(*AdoptLogin); !ok || adopts.As == "" { // else its people are another login's
			names = append(names, l.Name())
		}
	}
	if len(names) < 2 {
		return
	}
	a.logger.Warn("user_header username: an app takes people of several logins who have one username for one person",
		zap.Strings("logins", names),
		zap.String("remedy", "see to it that a username is one person at all of them, or say `user_header id`"))
}

// isNameless reports whether the people of the login have no username: nobody in a
// users file has one now, or no map gives it. Whom an app knows by the name that
// they type has that one, where map makes an address of it.
func (a *App) isNameless(l LoginModule) bool {
	switch l := l.(type) {
	case *AdoptLogin:
		return false // the other gateway's answer has one, or another login has them
	case *UsersLogin:
		return !l.TakesNames()
	case *AppLogin:
		return !l.fills("username") && !l.mapper.Carries("email", "login", "username")
	case mapper:
		return !l.fills("username")
	}
	return false
}

// nameless are the logins whose people have no username. A directory tells of those
// of every login.
func (a *App) nameless() (names []string) {
	for _, l := range a.logins {
		if !a.tellNames && a.isNameless(l) {
			names = append(names, l.Name())
		}
	}
	return names
}

// mapped are the logins whose people a map is to give roles: their own, or that of
// a directory, which tells of those of every login.
func (a *App) mapped() (names []string) {
	for _, l := range a.logins {
		if m, ok := l.(mapper); a.tellRoles || ok && m.fills("roles") {
			names = append(names, l.Name())
		}
	}
	return names
}

// warnOfUserHeader tells of a user_header that no route does anything with, whose
// app would take everybody for nobody.
func (a *App) warnOfUserHeader() {
	if a.UserHeader != "" && !a.userTold {
		a.logger.Warn("user_header does nothing: no session_auth that goes by it has headers that say who the user is",
			zap.String("user_header", a.UserHeader),
			zap.String("remedy", "say which in the session_auth, such as `headers remote-user`, or take user_header away"))
	}
}

// checkCookies tells the session cookie which cookies are the apps' own, and
// refuses to keep it for an app itself.
func (o *LoginOptions) checkCookies(ours *endpoint.Cookie) error {
	var apps []*AppLogin
	for _, l := range o.logins {
		of, ok := l.(*AppLogin)
		if !ok {
			continue
		}
		for _, name := range of.CookieNames {
			if identity.FoldCookie(name) == identity.FoldCookie(ours.Name) || identity.SetsCookie(name+"=", ours.Name, ours.AttemptPrefix()) {
				return o.places[of.AppName].Wrap(fmt.Errorf("login app %s: keep_cookies %s: that is the gateway's own cookie, which no app sets: leave it out, "+
					"or give the gateway's another name (`name` in the block `cookie`) if the app has one by that name", of.AppName, name))
			}
		}
		apps = append(apps, of)
		ours.Apps = append(ours.Apps, of.CookieNames...)
	}
	slices.Sort(ours.Apps)
	ours.Apps = slices.Compact(ours.Apps)
	ours.StaysHere = func(login, folded string) (at profile.AppCookie, stays bool) {
		for _, of := range apps {
			if at, stays = of.StaysHere(folded); stays && (login == "" || login == of.AppName) {
				return at, true
			}
		}
		return at, false
	}
	return nil
}

// orderLogins puts the logins into the order of login_order, those that it does
// not name last, as they stand in the configuration.
func (o *LoginOptions) orderLogins() {
	rank := func(l LoginModule) int {
		if i := slices.Index(o.LoginOrder, l.Name()); i >= 0 {
			return i
		}
		return len(o.LoginOrder)
	}
	slices.SortStableFunc(o.logins, func(l, m LoginModule) int { return rank(l) - rank(m) })
	for _, l := range o.logins {
		if p, ok := l.(endpoint.ProviderMethod); ok {
			o.providers = append(o.providers, endpoint.Provider{ProviderMethod: p, Label: labelOf(l), Icon: iconOf(l), PostsBack: postsBack(l)})
		}
	}
}

// postsBack reports whether a provider's answer may come in a form.
func postsBack(l LoginModule) bool {
	o, ok := l.(*OIDCLogin)
	return ok && o.postsBack()
}

// iconOf is what a provider's button shows, if anything.
func iconOf(l LoginModule) template.URL {
	if o, ok := l.(*OIDCLogin); ok {
		return o.icon
	}
	return ""
}

// labelOf is what the configuration calls a provider on the page, or what people
// type at a login with passwords, if anything.
func labelOf(l LoginModule) string {
	switch l := l.(type) {
	case *OIDCLogin:
		return l.Label
	case *AppLogin:
		return l.Label
	case *UsersLogin:
		return l.Label
	}
	return ""
}

func (o *LoginOptions) parseLogin(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return directive.Err(d, "login needs a method, such as `login users users.yaml`")
	}
	at := directive.Here(d)
	raw, err := directive.Guest(d, "sidegate.logins", "method", d.Val())
	if err != nil {
		return err
	}
	o.LoginsRaw = append(o.LoginsRaw, raw)
	o.written = append(o.written, writtenLogin{writtenName(raw), at})
	return at.Wrap(o.checkTwice())
}

// checkTwice refuses a login that has another one's name.
func (o *LoginOptions) checkTwice() error {
	var names []string
	for _, l := range o.written {
		names = append(names, l.name)
	}
	return checkNames(names, nil, nil)
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

// watcher is a login that has something to watch while the app runs, whose
// people's sessions are these.
type watcher interface {
	watch(ctx context.Context, sessions *lifecycle.Sessions)
}
