package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

func init() {
	caddy.RegisterModule(new(AppLogin))
}

// AppLogin signs people in by an existing app's own login API: what they typed
// goes to the app, and the app's answer is mapped to a session.
type AppLogin struct {
	// AppName is the login's name. Required.
	AppName string `json:"name,omitempty"`
	// URL is the app's login API. Placeholders {env.*} and {file.*} are
	// resolved. Required.
	URL string `json:"url,omitempty"`
	// Body is json or form. Default: json.
	Body string `json:"body,omitempty"`
	// Fields are what the body holds, in order; {login.username} and
	// {login.password} are what was typed, both are required, and {env.*} and
	// {file.*} are resolved. Default: email and password.
	Fields []BodyField `json:"fields,omitempty"`
	// Header are sent along. Placeholders {env.*} and {file.*} are resolved.
	Header []HeaderConfig `json:"header,omitempty"`
	// Timeout bounds the app's answer. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// Success is a CEL expression over login (status, body, location of a
	// redirect, and username, what was typed) that is true when the app let the person in; it decides on
	// 2xx, 302, 303 and 400. Default: any status 2xx but a web page, for many
	// apps answer a wrong password with their form again.
	Success string `json:"success,omitempty"`
	// KeepCookies keeps the app's own cookies in the session, for upstream_token:
	// those with HttpOnly that a sign-in brings or later answers set.
	KeepCookies bool `json:"keep_cookies,omitempty"`

	// CookieNames are those that KeepCookies keeps, with HttpOnly or without; no
	// other is kept then. Default: all.
	CookieNames []string `json:"cookie_names,omitempty"`

	// Logout is an address of the app that is told (POST, with the app's own token
	// and cookies) when somebody signs out. Placeholders {env.*} and {file.*} are
	// resolved. Default: it is not told.
	Logout string `json:"logout,omitempty"`
	// CA is a PEM file with the authorities that vouch for the app. Default:
	// those of the system.
	CA string `json:"ca,omitempty"`

	// Label is what the login page calls the name that people type. Default: by what
	// the logins take.
	Label string `json:"label,omitempty"`

	// TrustTypedEmail takes what people type for their email address, also where
	// a directory is asked by it: right when the app lets nobody in by another
	// name than their own address.
	TrustTypedEmail bool `json:"trust_typed_email,omitempty"`

	EmailConfig
	MapConfig

	*app.Login `json:"-"`

	unpool func() error
	asked  string // the place of the app, resolved
	mapper *mapping.Mapping
}

// BodyField is one field of what an app is sent.
type BodyField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CaddyModule returns the Caddy module information.
func (*AppLogin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.logins.app",
		New: func() caddy.Module { return new(AppLogin) },
	}
}

// Provision checks the configuration. It touches no network.
func (a *AppLogin) Provision(caddy.Context) error {
	return a.makeReady(a.takeSeen)
}

// takeSeen takes over what the configuration before has seen of the app's cookies.
func (a *AppLogin) takeSeen(address string) (*app.Seen, error) {
	seen, unpool, err := pooled("cookies of app "+a.AppName+" "+address, func() (seenCookies, error) { return seenCookies{new(app.Seen)}, nil })
	a.unpool = unpool
	return seen.Seen, err
}

func (a *AppLogin) makeReady(seen func(address string) (*app.Seen, error)) error {
	if err := checkName("login app", a.AppName); err != nil {
		return err
	}
	config, err := a.config()
	if err != nil {
		return fmt.Errorf("login app %s: %w", a.AppName, err)
	}
	if config.Seen, err = seen(config.URL); err != nil {
		return err
	}
	if a.Login, err = app.New(config); err == nil && a.LetsAnybodyIn() {
		err = fmt.Errorf("login app %s: %w", a.AppName, errNothingRead)
	}
	return err
}

func (a *AppLogin) config() (c app.Config, err error) {
	c = app.Config{
		Name:        a.AppName,
		Body:        a.Body,
		Timeout:     time.Duration(a.Timeout),
		KeepCookies: a.KeepCookies,
		CookieNames: a.CookieNames,
		Now:         time.Now,
	}
	if a.URL == "" {
		return c, errors.New("give the address of the app's login API: login app legacy http://legacy:8000/api/login")
	}
	if a.Timeout < 0 {
		return c, errors.New("timeout must not be negative")
	}
	if err := tooShort("timeout", a.Timeout, leastTimeout); err != nil {
		return c, err
	}
	if c.URL, err = resolve(a.URL); err != nil {
		return c, fmt.Errorf("address: %w", err)
	}
	a.asked = placeOf(c.URL)
	if a.Logout != "" {
		if c.Logout, err = resolve(a.Logout); err != nil {
			return c, fmt.Errorf("logout: %w", err)
		}
	}
	if err = a.checkCookieNames(); err != nil {
		return c, err
	}
	for _, f := range a.Fields {
		value, err := resolveReferences(f.Value)
		if err != nil {
			return c, fmt.Errorf("body %s: %w", f.Name, err)
		}
		c.Fields = append(c.Fields, [2]string{f.Name, value})
	}
	if c.Headers, err = resolveHeaders(a.Header); err != nil {
		return c, err
	}
	if c.RootCAs, err = readAuthorities(a.CA); err != nil {
		return c, err
	}
	if a.Success != "" {
		if c.Success, err = mapping.CompileCondition(a.Success, "", []string{"login"}); err != nil {
			return c, fmt.Errorf("success: %w", err)
		}
	}
	mapper, err := a.compile("login")
	if mapper != nil {
		c.Mapper = mapper
	}
	a.mapper = mapper
	c.TellsEmail, c.TakesNames = a.fills("email") && !a.TrustTypedEmail, a.fills("email")
	if err == nil && a.isTyped("email") && !a.TrustTypedEmail && (len(a.EmailDomains) > 0 || mapper.Reads("identity", "email")) {
		err = errTypedEmail
	}
	return c, err
}

// errTypedEmail is for what would be decided by an address that somebody made up.
var errTypedEmail = errors.New("email_domains, or an expression with identity.email, would decide by what people type, and whoever has " +
	"an account of any name there could be anybody: map the email that the app answers with (`email` in the block `map`, not made " +
	"of identity.email or identity.subject), " +
	"or say `trust_typed_email` if the app lets people in by their own address alone")

// errNothingRead is for an app whose answer makes no difference: one that says 200
// {"success": false} to a wrong password would let anybody in.
var errNothingRead = errors.New("nothing of the app's answer decides (success, or without it what map and require need of the body), " +
	"so an app that says 200 {\"success\": false} would let anybody in: say how it lets people in: an API by its body (success `login.body.success`), a form by where it " +
	"leads (success `login.status == 302 && login.location == \"/home\"`), and one that tells by the status alone by that (success `login.status == 200`)")

// seenCookies outlive a reload.
type seenCookies struct{ *app.Seen }

// Destruct has nothing to give back.
func (seenCookies) Destruct() error { return nil }

// Cleanup gives idle connections back.
func (a *AppLogin) Cleanup() error {
	if a.Login != nil {
		a.Close()
	}
	if a.unpool != nil {
		return a.unpool()
	}
	return nil
}

// UnmarshalCaddyfile reads the login. Syntax:
//
//	login app <name> <url> {
//		body json|form {
//			<field> <template>
//		}
//		header <name> <value>
//		timeout <duration>
//		success <expression>
//		keep_cookies [<name>...]
//		logout <url>
//		label <text>
//		trust_typed_email
//		email_domains <domain>...
//		ca <pem file>
//		map {
//			<field> <expression>
//		}
//		require <expression> [<message>]
//	}
//
// header and require may be repeated.
func (a *AppLogin) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the method
	at := directive.Here(d)
	if !d.Args(&a.AppName, &a.URL) {
		return directive.Err(d, "login app needs a name and the address of the app's login API: login app legacy http://legacy:8000/api/login")
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	err := directive.Block(d, "login app", map[string]directive.Option{
		"body":              a.parseBody,
		"header":            parseHeader(&a.Header),
		"timeout":           directive.Duration(&a.Timeout),
		"success":           a.parseSuccess,
		"keep_cookies":      a.parseKeepCookies,
		"logout":            directive.Text(&a.Logout),
		"label":             directive.Text(&a.Label),
		"trust_typed_email": directive.Flag(&a.TrustTypedEmail),
		"email_domains":     directive.Texts(&a.EmailDomains),
		"ca":                directive.File(&a.CA),
		"map":               a.parseMap("login"),
		"require":           a.parseRequire("login"),
	})
	if err != nil {
		return err
	}
	return at.Wrap(a.checkWritten())
}

// checkWritten checks what stands in the block, but for what is told by
// placeholders and files.
func (a *AppLogin) checkWritten() error {
	w := *a
	w.CA, w.URL, w.Logout = "", standIn(a.URL, "https://"+unknownHost), standIn(a.Logout, "https://"+unknownHost)
	w.Header, w.Fields = standInHeaders(a.Header), slices.Clone(a.Fields)
	for i, f := range w.Fields {
		w.Fields[i].Value = reference.ReplaceAllLiteralString(f.Value, unknownHost)
	}
	return w.makeReady(func(string) (*app.Seen, error) { return new(app.Seen), nil })
}

func (a *AppLogin) parseBody(d *caddyfile.Dispenser) error {
	if a.Body != "" {
		return directive.Err(d, "body is given twice")
	}
	if !d.Args(&a.Body) || d.NextArg() {
		return directive.Err(d, "body needs json or form, and may have a block of fields")
	}
	if err := directive.OneOf("body", a.Body, app.BodyJSON, app.BodyForm); err != nil {
		return directive.Wrap(d, err)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		f := BodyField{Name: d.Val()}
		if !d.Args(&f.Value) || d.NextArg() {
			return directive.Errf(d, "body: %s needs one value, such as {login.username}", directive.Quoted(f.Name))
		}
		a.Fields = append(a.Fields, f)
	}
	return nil
}

func (a *AppLogin) parseKeepCookies(d *caddyfile.Dispenser) error {
	if a.KeepCookies {
		return directive.Err(d, "keep_cookies is given twice: put the names on one line")
	}
	a.KeepCookies, a.CookieNames = true, d.RemainingArgs()
	return nil
}

// checkCookieNames refuses names that no cookie has.
func (a *AppLogin) checkCookieNames() error {
	if len(a.CookieNames) > profile.MaxAppCookies {
		return fmt.Errorf("keep_cookies names %d cookies: %d at most", len(a.CookieNames), profile.MaxAppCookies)
	}
	for _, name := range a.CookieNames {
		switch {
		case strings.Contains(name, "*"):
			return fmt.Errorf("keep_cookies %s: names are whole ones; without any, all cookies with HttpOnly are kept: keep_cookies", name)
		case name == "" || len(name) > maxCookieName || strings.ContainsAny(name, " \t;=,\"") || strings.ContainsFunc(name, notHeader):
			return fmt.Errorf("keep_cookies %q: that is no name of a cookie", name)
		}
	}
	if len(a.CookieNames) > 0 && !a.KeepCookies {
		return errors.New("cookie_names is for keep_cookies, which is off")
	}
	return nil
}

const maxCookieName = 255

func (a *AppLogin) parseSuccess(d *caddyfile.Dispenser) error {
	if err := directive.Text(&a.Success)(d); err != nil {
		return err
	}
	if _, err := mapping.CompileCondition(a.Success, "", []string{"login"}); err != nil {
		return directive.Wrap(d, err)
	}
	return nil
}

// Interface guards
var (
	_ LoginModule           = (*AppLogin)(nil)
	_ caddy.Provisioner     = (*AppLogin)(nil)
	_ caddy.CleanerUpper    = (*AppLogin)(nil)
	_ caddyfile.Unmarshaler = (*AppLogin)(nil)

	_ login.PasswordMethod = (*AppLogin)(nil)
	_ login.Rebuilder      = (*AppLogin)(nil)
	_ login.Recaller       = (*AppLogin)(nil)
	_ login.Leaver         = (*AppLogin)(nil)
	_ login.Named          = (*AppLogin)(nil)
)
