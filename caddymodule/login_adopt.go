package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

func init() {
	caddy.RegisterModule(new(AdoptLogin))
}

// AdoptLogin takes over people whom another gateway has signed in: whoever comes
// without a session and with that gateway's cookie is asked about there, once, and
// is signed in here as it says.
type AdoptLogin struct {
	// AdoptName is the login's name. Required.
	AdoptName string `json:"name,omitempty"`
	// URL is the other gateway's endpoint that says who somebody is, by https or at a
	// loopback address. Placeholders {env.*} and {file.*} are resolved. Required.
	URL string `json:"url,omitempty"`
	// Cookies are the names of that gateway's cookies: it alone is sent them, and no
	// app. Required.
	Cookies []string `json:"cookies,omitempty"`
	// Headers are names of further headers of a request that it is sent.
	Headers []string `json:"headers,omitempty"`
	// Until is the day (2027-03-31, to its end, UTC) or moment (RFC 3339) until which
	// people are adopted. Required.
	Until string `json:"until,omitempty"`
	// As names the login whose people they are. Default: they are this one's, and
	// their sessions end with Until.
	As string `json:"as,omitempty"`
	// Timeout bounds the answer, 10s at most. Default: 3s.
	Timeout caddy.Duration `json:"timeout,omitempty"`
	// CA is a PEM file with the authorities that vouch for the gateway. Default:
	// those of the system.
	CA string `json:"ca,omitempty"`
	// Subject is a CEL expression for what the person is known by at the login. Default:
	// the email address.
	Subject string `json:"subject,omitempty"`

	EmailConfig
	MapConfig

	*adopt.Login `json:"-"`

	asked  string // the place of the gateway, resolved
	at     directive.Position
	logger *zap.Logger
}

// fieldSubject is what map says beside the fields of a person.
const fieldSubject = "subject"

// CaddyModule returns the Caddy module information.
func (*AdoptLogin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidegate.logins.adopt",
		New: func() caddy.Module { return new(AdoptLogin) },
	}
}

// Provision checks the configuration. It touches no network.
func (a *AdoptLogin) Provision(ctx caddy.Context) error {
	a.logger = ctx.Logger()
	a.at = directive.Recall(caddyconfig.JSONModuleObject(a, "method", "adopt", nil))
	if err := a.makeReady(); err != nil {
		return err
	}
	if a.EndsSoon() {
		a.warnOfEnd()
	}
	return nil
}

func (a *AdoptLogin) makeReady() error {
	if err := checkName("login adopt", a.AdoptName); err != nil {
		return err
	}
	config, err := a.config()
	if err != nil {
		return fmt.Errorf("login adopt %s: %w", a.AdoptName, err)
	}
	a.Login, err = adopt.New(config)
	return err
}

func (a *AdoptLogin) config() (c adopt.Config, err error) {
	c = adopt.Config{Name: a.AdoptName, Cookies: a.Cookies, Headers: a.Headers, Timeout: time.Duration(a.Timeout)}
	if a.URL == "" {
		return c, errors.New("give the address where the other gateway says who somebody is: login adopt old http://127.0.0.1:4180/oauth2/auth")
	}
	if a.Timeout < 0 {
		return c, errors.New("timeout must not be negative")
	}
	if err := tooShort("timeout", a.Timeout, leastTimeout); err != nil {
		return c, err
	}
	if c.Domains, err = profile.ParseDomains(a.EmailDomains); err != nil {
		return c, fmt.Errorf("email_domains: %w", err)
	}
	if a.Until != "" {
		if c.Until, err = adopt.ParseUntil(a.Until); err != nil {
			return c, err
		}
	}
	if c.URL, err = resolve(a.URL); err != nil {
		return c, fmt.Errorf("address: %w", err)
	}
	a.asked = placeOf(c.URL)
	if c.RootCAs, err = readAuthorities(a.CA); err != nil {
		return c, err
	}
	if a.Subject != "" {
		if c.Subject, err = compileSubject(a.Subject); err != nil {
			return c, err
		}
	}
	mapper, err := a.compile("login")
	if mapper != nil {
		c.Mapper = mapper
	}
	return c, err
}

// compileSubject has the expression fill the name of an empty person, which is a text
// of the length that a subject may have.
func compileSubject(expr string) (*mapping.Mapping, error) {
	m, err := mapping.Compile([]mapping.Rule{{Field: "name", Expr: expr}}, nil, []string{"login"})
	if err != nil {
		return nil, errors.New(strings.Replace(err.Error(), "map name", "map subject", 1))
	}
	return m, nil
}

// Cleanup gives idle connections back.
func (a *AdoptLogin) Cleanup() error {
	if a.Login != nil {
		a.Close()
	}
	return nil
}

// watch tells when nobody is adopted any more, and before: the next start refuses a date
// that has passed.
func (a *AdoptLogin) watch(ctx context.Context, _ *lifecycle.Sessions) {
	a.Watch(ctx, a.warnOfEnd, func() {
		a.tellUntil("nobody is adopted from the other gateway any more: until has passed",
			"take the login out of the configuration, which is refused with this date when it is next loaded; or give another date")
	})
}

func (a *AdoptLogin) warnOfEnd() {
	a.tellUntil("people are adopted from the other gateway for a few days more, and then a gateway with this configuration does not start",
		"take the login out of the configuration before, or give a later date; see login adopt in the reference")
}

func (a *AdoptLogin) tellUntil(message, remedy string) {
	a.logger.Warn(message, zap.String("login", a.AdoptName), zap.String("until", a.Login.Until().Format(time.RFC3339)), atLine(a.at), zap.String("remedy", remedy))
}

// UnmarshalCaddyfile reads the login. Syntax:
//
//	login adopt <name> <verify url> {
//		cookie <name>...
//		header <name>...
//		map {
//			<field> <expression>
//		}
//		require <expression> [<message>]
//		until <date>
//		as <login>
//		timeout <duration>
//		email_domains <domain>...
//		ca <pem file>
//	}
//
// cookie, header and require may be repeated.
func (a *AdoptLogin) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the method
	at := directive.Here(d)
	if !d.Args(&a.AdoptName, &a.URL) {
		return directive.Err(d, "login adopt needs a name and the address where the other gateway says who somebody is: "+
			"login adopt old http://127.0.0.1:4180/oauth2/auth")
	}
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	err := directive.Block(d, "login adopt", map[string]directive.Option{
		"cookie":        more(&a.Cookies),
		"header":        more(&a.Headers),
		"until":         directive.Checked(directive.Text(&a.Until), a.checkUntil),
		"as":            directive.Text(&a.As),
		"timeout":       directive.Duration(&a.Timeout),
		"email_domains": directive.Texts(&a.EmailDomains),
		"ca":            directive.File(&a.CA),
		"map":           a.parseAdoptMap,
		"require":       a.parseRequire("login"),
	})
	if err != nil {
		return err
	}
	return at.Wrap(a.checkWritten())
}

// more reads `<word> <name>...`, which may be repeated.
func more(target *[]string) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		names := d.RemainingArgs()
		if len(names) == 0 {
			return directive.ArgErr(d)
		}
		*target = append(*target, names...)
		return nil
	}
}

// checkUntil refuses what is no date, and one that has passed, where it stands.
func (a *AdoptLogin) checkUntil() error {
	until, err := adopt.ParseUntil(a.Until)
	if err == nil && !time.Now().Before(until) {
		err = fmt.Errorf("until %s has passed: take the login away, or give another date", a.Until)
	}
	return err
}

// parseAdoptMap is parseMap for a map that may have `subject` too.
func (a *AdoptLogin) parseAdoptMap(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return directive.ArgErr(d)
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != fieldSubject {
			at := directive.Here(d)
			if err := a.parseRule(d, []string{"login"}, append(mapping.Fields(), fieldSubject)); err != nil {
				return err
			}
			directive.Remember(mapLine{a.AdoptName, a.Map[len(a.Map)-1]}, at)
			continue
		}
		if err := directive.Text(&a.Subject)(d); err != nil {
			return err
		}
		if _, err := compileSubject(a.Subject); err != nil {
			return directive.Wrap(d, err)
		}
	}
	return nil
}

// checkWritten checks what stands in the block, but for what is told by placeholders
// and files.
func (a *AdoptLogin) checkWritten() error {
	w := *a
	w.CA, w.URL = "", standIn(a.URL, "https://"+unknownHost)
	return w.makeReady()
}

// becomes says how the people become those of the login.
func (a *AdoptLogin) becomes(l LoginModule) (adopt.As, error) {
	switch l := l.(type) {
	case *UsersLogin:
		a.warnOfAimless(l, "the users file says that of them")
		return adopt.AsKnown(l), nil
	case *OIDCLogin:
		a.warnOfAimless(l, "say it in the map of that login, where this is `token.name`, `token.preferred_username`, and `token.groups` for roles")
		if a.Subject == "" {
			a.logger.Warn("people are adopted as those of an OpenID provider, and known by their email address: who signs in there later is somebody else here",
				zap.String("login", a.AdoptName), zap.String("as", a.As), atLine(a.at),
				zap.String("remedy", "map what the provider calls them (its sub), such as subject `login.header[\"x-auth-request-user\"]`"))
		}
		return adopt.AsClaimed(l, l.asked), nil
	case *AppLogin:
		a.warnOfAimless(l, "say it in the map of that login, which reads this answer in the place of the app's")
		return adopt.AsTyped(l), nil
	}
	return nil, fmt.Errorf("login adopt %s: as %s: nobody becomes one of that login's people: name a login users, oidc or app", a.AdoptName, a.As)
}

// checkOldCookies refuses cookies that are somebody else's: none of another gateway
// ever reaches an app.
func checkOldCookies(a *AdoptLogin, ours *endpoint.Cookie) error {
	for _, name := range a.Cookies {
		folded := identity.FoldCookie(name)
		isApps := slices.ContainsFunc(ours.Apps, func(of string) bool { return identity.FoldCookie(of) == folded })
		switch {
		case folded == identity.FoldCookie(ours.Name) || identity.SetsCookie(name+"=", ours.Name, ours.AttemptPrefix()):
			return fmt.Errorf("login adopt %s: cookie %s: that is this gateway's own cookie: give it another name (`name` in the block `cookie`)", a.AdoptName, name)
		case isApps:
			return fmt.Errorf("login adopt %s: cookie %s: that is an app's own cookie (keep_cookies), which no other gateway is sent: leave it out", a.AdoptName, name)
		}
	}
	return nil
}

// Interface guards
var (
	_ LoginModule           = (*AdoptLogin)(nil)
	_ caddy.Provisioner     = (*AdoptLogin)(nil)
	_ caddy.CleanerUpper    = (*AdoptLogin)(nil)
	_ caddyfile.Unmarshaler = (*AdoptLogin)(nil)

	_ login.Rebuilder = (*AdoptLogin)(nil)
	_ login.Recaller  = (*AdoptLogin)(nil)
)
