package caddymodule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/explain"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login/adopt"
)

// SamePeopleConfig are logins whose people are told apart by their numbers alone.
type SamePeopleConfig struct {
	// Logins are their names, as configured here.
	Logins []string `json:"logins,omitempty"`
	// Former are names that logins had before, and issuers, also present ones whose
	// people have other subjects by now.
	Former []string `json:"former,omitempty"`
}

// Explained is what `caddy sidegate-explain` is given of an app that is not to be
// started: the gateway, opened. It looks at the servers as a start would. In a
// process that serves anybody it is an error, for who has it begins sessions
// without a password.
func (a *App) Explained() (*explain.Gateway, error) {
	if reloading() {
		return nil, errors.New("a gateway that serves people is not explained by itself: ask `caddy sidegate-explain`")
	}
	if err := a.checkServers(); err != nil {
		return nil, err
	}
	g, err := a.gateway()
	if err != nil {
		return nil, err
	}
	e := &explain.Gateway{
		Sessions: g.sessions, Store: g.store, Lifetime: time.Duration(a.Lifetime), Logins: a.methods(), Cookie: a.Cookie.Name,
	}
	for i := range a.Policies {
		e.Policies = append(e.Policies, &a.Policies[i].Demands)
	}
	return e, nil
}

// writtenLogin is a login as it stands in a Caddyfile.
type writtenLogin struct {
	name string // empty where only its module knows it
	at   directive.Position
}

// writtenName is the name in the JSON of a guest of ours.
func writtenName(raw json.RawMessage) string {
	var guest struct{ Method, Source, Name string }
	if json.Unmarshal(raw, &guest) != nil {
		return ""
	}
	switch guest.Method + guest.Source {
	case "users":
		return guest.Method
	case "oidc", "app", "adopt", "http":
		return guest.Name
	}
	return ""
}

// checkWritten is checkNames while the Caddyfile is read, when the whole of the
// options has been.
func (o *LoginOptions) checkWritten() error {
	var names []string
	for _, l := range o.written {
		if l.name == "" {
			return nil // it is checked when the modules are loaded
		}
		names = append(names, l.name)
	}
	var takers []string
	for i, raw := range o.LoginsRaw {
		if _, adopts := writtenAdopt(raw); !adopts {
			takers = append(takers, o.written[i].name)
		}
	}
	for i, raw := range o.LoginsRaw {
		if err := checkWrittenAs(raw, names, takers); err != nil {
			return o.written[i].at.Wrap(err)
		}
	}
	for i, at := range o.peopleAt {
		if err := checkSamePeople(names, o.SamePeople[:i+1]); err != nil {
			return at.Wrap(err)
		}
	}
	return o.orderAt.Wrap(checkOrder(names, o.LoginOrder))
}

// checkAs refuses a name that no other login has. Takers are those whose people anybody
// can become.
func (a *AdoptLogin) checkAs(logins, takers []string) error {
	switch {
	case a.As == "":
		return nil
	case a.As == a.AdoptName:
		return fmt.Errorf("login adopt %s: as names the login itself: leave it out, or name the login that people sign in by", a.AdoptName)
	case slices.Contains(logins, a.As):
		return nil
	case len(takers) == 0:
		return fmt.Errorf("login adopt %s: as names what is no login: there is no other one; add that which people sign in by", a.AdoptName)
	}
	return fmt.Errorf("login adopt %s: %w", a.AdoptName, noLogin("as", a.As, takers, ""))
}

// checkWrittenAs is AdoptLogin.checkAs of a login as it is written, if it is one.
func checkWrittenAs(raw json.RawMessage, names, takers []string) error {
	guest, ok := writtenAdopt(raw)
	if !ok {
		return nil
	}
	return guest.checkAs(names, takers)
}

// writtenAdopt reads a login as it is written, if it is one that takes people over.
func writtenAdopt(raw json.RawMessage) (*AdoptLogin, bool) {
	var guest struct {
		Method string `json:"method"`
		AdoptLogin
	}
	return &guest.AdoptLogin, json.Unmarshal(raw, &guest) == nil && guest.Method == "adopt"
}

// checkNames refuses names of logins that would not do what they say.
func checkNames(logins, order []string, same []SamePeopleConfig) error {
	if name, twice := twiceNamed(logins); twice {
		return fmt.Errorf("two logins are named %q: give each a name of its own", name)
	}
	if err := checkSamePeople(logins, same); err != nil {
		return err
	}
	return checkOrder(logins, order)
}

func twiceNamed(names []string) (name string, twice bool) {
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			return name, true
		}
	}
	return "", false
}

func checkOrder(logins, order []string) error {
	for _, name := range order {
		if !slices.Contains(logins, name) {
			return noLogin("login_order", name, logins, "")
		}
	}
	if name, twice := twiceNamed(order); twice {
		return fmt.Errorf("login_order names %q twice", name)
	}
	return nil
}

// noLogin is for a name that no login has; more says what else may be done.
func noLogin(option, name string, logins []string, more string) error {
	text := strings.Join(slices.Sorted(slices.Values(logins)), ", ") + more
	if near, ok := directive.Nearest(name, logins); ok {
		return fmt.Errorf("%s names %q, which is no login: did you mean `%s`? There are %s", option, name, near, text)
	}
	return fmt.Errorf("%s names what is no login: there are %s", option, text) // and may be a secret in the wrong place
}

// checkSamePeople refuses what would not do what it says: a mistyped name would
// lock people out, and two lists of one login might be meant as one.
func checkSamePeople(logins []string, same []SamePeopleConfig) error {
	var seen []string
	for _, group := range same {
		if len(group.Logins) == 0 || len(group.Logins)+len(group.Former) < 2 {
			return errors.New("same_people needs two logins or more, or one and a former one: same_people sso legacy")
		}
		for _, name := range group.Logins {
			if !slices.Contains(logins, name) {
				return noLogin("same_people", name, logins, "; one that there was goes into `former`")
			}
		}
		for _, name := range group.Former {
			if slices.Contains(logins, name) {
				return fmt.Errorf("same_people: %q is a login of now: name it before the block, not as a former one", name)
			}
		}
		seen = append(append(seen, group.Logins...), group.Former...)
		if name, twice := twiceNamed(seen); twice {
			return fmt.Errorf("same_people names %q twice: name all whose people are the same once, in one same_people", name)
		}
	}
	return nil
}

// people says which people are the same, for a number to be one person.
func (o *LoginOptions) people(keys [][]byte) lifecycle.People {
	p := lifecycle.People{Keys: keys, Issuers: make(map[string]string, len(o.logins))}
	for _, l := range o.logins {
		p.Issuers[l.Name()] = ""
		if sso, ok := l.(*OIDCLogin); ok {
			p.Issuers[l.Name()] = sso.asked
		}
	}
	for _, group := range o.SamePeople {
		p.Same = append(p.Same, slices.Concat(group.Logins, group.Former))
	}
	return p
}

// bindAdopts makes ready what the logins adopt need of the others, and tells the
// session cookie which cookies are those of other gateways.
func (o *LoginOptions) bindAdopts(ours *endpoint.Cookie) error {
	var names, takers, cookies []string
	for _, l := range o.logins {
		names = append(names, l.Name())
		if !isAdopt(l) {
			takers = append(takers, l.Name())
		}
	}
	for _, l := range o.logins {
		a, ok := l.(*AdoptLogin)
		if !ok {
			continue
		}
		if err := o.bindAdopt(a, names, takers, ours); err != nil {
			return o.places[a.AdoptName].Wrap(err)
		}
		o.adopts, cookies = append(o.adopts, a.Login), append(cookies, a.Cookies...)
	}
	if len(o.adopts) == 0 {
		return nil
	}
	slices.Sort(cookies)
	all, err := adopt.NewNames(slices.Compact(cookies)...)
	if err != nil {
		return fmt.Errorf("login adopt: %w", err)
	}
	ours.Old = all
	o.warnOfAdoptsAlone()
	return nil
}

func (o *LoginOptions) bindAdopt(a *AdoptLogin, names, takers []string, ours *endpoint.Cookie) error {
	if err := cmp.Or(a.checkAs(names, takers), checkOldCookies(a, ours)); err != nil {
		return err
	}
	if a.As == "" {
		a.hintAtAs(o.logins)
		return nil
	}
	as, err := a.becomes(o.logins[slices.Index(names, a.As)])
	if err == nil {
		a.SetAs(as)
	}
	return err
}

// warnOfAdoptsAlone tells of people who are led to a login page where nobody can sign
// in: the other gateway's cookies end one day.
func (o *LoginOptions) warnOfAdoptsAlone() {
	if len(o.adopts) < len(o.logins) {
		return
	}
	o.logins[0].(*AdoptLogin).logger.Warn("people are adopted from another gateway, and nobody can sign in: there is no other login",
		zap.String("remedy", "add the login by which people sign in from now on, such as `login users users.yaml`"))
}

// isAdopt reports whether the login takes people over: nobody becomes one of its people.
func isAdopt(l LoginModule) bool {
	_, adopts := l.(*AdoptLogin)
	return adopts
}

// hintAtAs tells of a login without `as` beside one that its people may sign in by later:
// they are other people there, and whose cookie was adopted is never adopted again.
func (a *AdoptLogin) hintAtAs(logins []LoginModule) {
	for _, l := range logins {
		if !isAdopt(l) {
			a.logger.Warn("who is adopted is a person of this login alone, and somebody else, with another number, when they sign in later",
				zap.String("login", a.AdoptName), zap.String("other_login", l.Name()), zap.String("option", "as"), atLine(a.at),
				zap.String("remedy", "say `as "+l.Name()+"` before the first is adopted if they are the same people: it does nothing for those who were adopted without it"))
			return
		}
	}
}

// parseSamePeople reads `same_people <login>... [{ former <login or issuer>... }]`.
func (o *LoginOptions) parseSamePeople(d *caddyfile.Dispenser) error {
	var group SamePeopleConfig
	at := directive.Here(d)
	if err := directive.Texts(&group.Logins)(d); err != nil {
		return err
	}
	if err := directive.Block(d, "same_people", map[string]directive.Option{"former": directive.Texts(&group.Former)}); err != nil {
		return err
	}
	o.SamePeople, o.peopleAt = append(o.SamePeople, group), append(o.peopleAt, at)
	return nil
}
