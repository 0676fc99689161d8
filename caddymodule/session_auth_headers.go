package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/everyroute"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/origin"
)

// Words of assertion: the site's host, and what stands beside it in the aud claim
// when none is named. Every app that a gateway with these keys fronts takes the
// latter for itself.
const (
	audienceHost     = "host"
	audienceUpstream = "upstream"
)

// assertionHeader carries the signed assertion.
const assertionHeader = "X-Session-Assertion"

// HeaderConfig is a header for the upstream beside the presets.
type HeaderConfig struct {
	// Name of the header; none that the proxy writes or deletes itself, such as
	// Host or Connection.
	Name string `json:"name"`
	// Value may hold placeholders, {http.auth.user.email} for one. What they
	// give is never looked through for placeholders again.
	Value string `json:"value"`
}

// HeaderOptions say which headers tell an app whose a request is.
type HeaderOptions struct {
	// Headers names presets of identity headers: native, remote-user,
	// oauth2-proxy, authentik, grafana, jenkins, x-remote-user, kubernetes,
	// scope-orgid, or none. Default: native.
	Headers []string `json:"headers,omitempty"`

	// HeaderRoles are the roles that headers tell of: whole names, or ones that end
	// in an asterisk. Default: all.
	HeaderRoles []string `json:"header_roles,omitempty"`

	// UserHeader is what the user of those presets is: id, email or username.
	// Default: that of the app.
	UserHeader string `json:"user_header,omitempty"`

	// Header are further headers; placeholders in their values are replaced.
	Header []HeaderConfig `json:"header,omitempty"`

	// Assertion adds X-Session-Assertion, a signed token that proves to the
	// upstream that the headers come from this gateway.
	Assertion *AssertionConfig `json:"assertion,omitempty"`

	rolesAt directive.Position // of header_roles, in a Caddyfile
}

// injector strips identity headers off a request and puts the true ones in.
type injector struct {
	explicit bool // configured here, rather than the default set
	set      *identity.Set
	custom   []customHeader
	signs    bool   // an assertion
	toHost   bool   // it is for the site's host
	audience string // it is for this one; empty for none
	sites    *origin.Sites
	overfull func(c *caller.Caller, leftOut string) // hears of headers that were too large
}

// customHeader is a HeaderConfig made ready.
type customHeader struct {
	name     string
	template string
	constant bool // the template has no placeholder
}

func newInjector(o *HeaderOptions, a *App) (in injector, err error) {
	in.explicit = len(o.Headers) > 0 || len(o.HeaderRoles) > 0 || o.UserHeader != "" || len(o.Header) > 0 || o.Assertion != nil
	if o.Assertion != nil && o.Assertion.Audience == "" {
		a.Token.warnUnnamed(a.logger)
	}
	if in.set, err = o.readSet(); err != nil {
		return in, err
	}
	if in.set, err = in.set.WithRoles(o.HeaderRoles); err != nil {
		return in, fmt.Errorf("header_roles: %w", err)
	}
	if user := cmp.Or(o.UserHeader, a.UserHeader); user != "" {
		if in.set, err = in.set.WithUser(user); err != nil {
			return in, fmt.Errorf("user_header: %w", err)
		}
		a.warnOfUsernames(user)
		a.userTold = a.userTold || o.UserHeader == "" && in.set.HasUser()
	}
	for _, h := range o.Header {
		if err := h.validate(); err != nil {
			return in, err
		}
		in.custom = append(in.custom, newCustomHeader(h))
	}
	shared := a.share()
	in.sites, in.overfull = shared.address.Sites, shared.overfull
	in.address(o.Assertion)
	return in, nil
}

// address says whom assertions are for.
func (in *injector) address(a *AssertionConfig) {
	switch {
	case a == nil:
		return
	case a.Audience == "":
		in.toHost, in.audience = true, audienceUpstream
	case a.Audience == audienceHost:
		in.toHost = true
	default:
		in.audience = a.Audience
	}
	in.signs = true
}

// joinServer has the names that are sent here deleted on every route of the
// server: another route may lead to the same app.
func (s *SessionAuth) joinServer(ctx caddy.Context, app *App) error {
	f, err := app.joinServer(ctx)
	if err != nil {
		return err
	}
	if s.ByMethod() {
		f.DependOnMethod()
	}
	f.Tell(s.identity.set.Names()...)
	var own []string
	for _, h := range s.identity.custom {
		own = append(own, h.name)
		if !ownRouteOnly(h.name) {
			f.Tell(h.name)
		}
	}
	s.foreign, err = everyroute.NewForeign(f, s.KeepHeader, own...)
	return err
}

// ordinary are headers that clients send for other reasons than to say who they
// are, and how the names of more begin: deleted on every route, they would be
// missing at other apps.
var ordinary = []string{
	"Accept", "Accept-", "Authorization", "Cache-Control", "Content-", "Cookie", "Expect", "Forwarded", "If-", "Origin", "Pragma",
	"Priority", "Proxy-", "Range", "Referer", "Sec-", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"X-Requested-With",
}

// ownRouteOnly reports whether a further header of that name is deleted on the
// routes of its session_auth alone.
func ownRouteOnly(name string) bool {
	return slices.ContainsFunc(ordinary, func(o string) bool {
		return name == o || strings.HasSuffix(o, "-") && strings.HasPrefix(name, o)
	})
}

// notOurs are headers that the proxy behind us writes itself, or that end at
// it: they would never arrive.
var notOurs = []string{
	"Alt-Svc", "Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// words are what is read in the block of who tells an app.
func (o *HeaderOptions) words() map[string]directive.Option {
	return map[string]directive.Option{
		"headers":      directive.Checked(directive.Choices(&o.Headers, identity.Presets()...), o.checkHeaders),
		"header_roles": directive.Placed(directive.Checked(directive.Texts(&o.HeaderRoles), o.checkHeaderRoles), &o.rolesAt),
		"user_header":  userHeader(&o.UserHeader),
		"header":       o.parseHeader,
		"assertion":    o.parseAssertion,
	}
}

// checkWritten refuses what can be told to be a mistake when the block was read.
func (o *HeaderOptions) checkWritten() error {
	_, err := o.readSet()
	return err
}

func (o *HeaderOptions) parseHeader(d *caddyfile.Dispenser) error {
	var h HeaderConfig
	if !d.Args(&h.Name, &h.Value) || d.NextArg() {
		return directive.Err(d, "wrong argument count or unexpected line ending after 'header': it takes a name and a value, in quotes where it has blanks")
	}
	for _, other := range o.Header {
		if strings.EqualFold(other.Name, h.Name) {
			return directive.Errf(d, "header %s is given twice", h.Name)
		}
	}
	o.Header = append(o.Header, h)
	return directive.Wrap(d, h.validate())
}

func (o *HeaderOptions) checkHeaders() error {
	if _, err := identity.NewSet(o.Headers...); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	return nil
}

func (o *HeaderOptions) checkHeaderRoles() error {
	if err := identity.CheckRoles(o.HeaderRoles); err != nil {
		return fmt.Errorf("header_roles %w", err)
	}
	return nil
}

// keepHeader reads keep_header.
func keepHeader(target *[]string) directive.Option {
	return directive.Checked(directive.Texts(target), func() error { return everyroute.CheckKept(*target) })
}

// readSet makes the presets ready.
func (o *HeaderOptions) readSet() (*identity.Set, error) {
	if err := o.checkHeaders(); err != nil {
		return nil, err
	}
	set, _ := identity.NewSet(o.Headers...)
	if o.UserHeader != "" && !set.HasUser() {
		return nil, errors.New("user_header: no header of these presets says who the user is: name one that does, such as `headers remote-user`")
	}
	return set, nil
}

func (o *HeaderOptions) parseAssertion(d *caddyfile.Dispenser) error {
	if o.Assertion != nil {
		return directive.Err(d, "assertion is given twice")
	}
	o.Assertion = new(AssertionConfig)
	return directive.OptionalText(d, &o.Assertion.Audience)
}

// userHeader reads user_header; a slip is found where it stands.
func userHeader(target *string) directive.Option {
	return directive.Choice(target, identity.UserID, identity.UserEmail, identity.UserUsername)
}

func (h *HeaderConfig) validate() error {
	switch {
	case !httpguts.ValidHeaderFieldName(h.Name):
		return fmt.Errorf("header %q: use a name of letters, digits and -", h.Name)
	case slices.Contains(notOurs, http.CanonicalHeaderKey(h.Name)):
		return fmt.Errorf("header %s: the proxy decides on it; use another name, or header_up of reverse_proxy", h.Name)
	case h.Value == "":
		return fmt.Errorf("header %s has no value: give one, or leave the line out", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return fmt.Errorf("header %s: its value holds a line break or another control character", h.Name)
	}
	return h.validatePlaceholders()
}

// validatePlaceholders finds misspelt ones of ours, which would reach the app
// as they stand.
func (h *HeaderConfig) validatePlaceholders() error {
	_, rest, found := strings.Cut(h.Value, caller.Placeholder)
	for ; found; _, rest, found = strings.Cut(rest, caller.Placeholder) {
		field, _, _ := strings.Cut(rest, "}")
		if !slices.Contains(caller.Fields, field) && !strings.HasPrefix(field, caller.Attribute) {
			return fmt.Errorf("header %s: there is no %s%s}: use one of %s, %s<name>", h.Name, caller.Placeholder, field,
				strings.Join(caller.Fields, ", "), caller.Attribute)
		}
	}
	return nil
}

func newCustomHeader(h HeaderConfig) customHeader {
	return customHeader{name: http.CanonicalHeaderKey(h.Name), template: h.Value, constant: !strings.Contains(h.Value, "{")}
}

// inject puts the caller's identity into those headers of the request, or of what
// answers it. room is for the values: it is the request's own, and nothing else is
// in it.
func (in *injector) inject(h http.Header, signed *assertions, r *http.Request, c *caller.Caller, room []string) error {
	in.rendered(c).InjectInto(h, room)
	for i := range in.custom {
		in.custom[i].set(h, r)
	}
	if !in.signs {
		return nil
	}
	to := audience{name: in.audience}
	if in.toHost {
		to.host = in.sites.Of(r).Hostname()
	}
	assertion, err := signed.of(c, to)
	if err != nil {
		return fmt.Errorf("signing the assertion: %w", err)
	}
	h[assertionHeader] = []string{assertion}
	return nil
}

// names are those of all headers that inject may write.
func (in *injector) names() []string {
	names := in.set.Names()
	for i := range in.custom {
		names = append(names, in.custom[i].name)
	}
	if len(names) > 0 && !slices.Contains(names, identity.Truncated) {
		names = append(names, identity.Truncated)
	}
	if in.signs {
		names = append(names, assertionHeader)
	}
	return names
}

// rendered returns the caller's headers in this injector's set.
func (in *injector) rendered(c *caller.Caller) *identity.Rendered {
	return c.Derive(in.set, func() any {
		rendered := in.set.Render(c.Values())
		if leftOut := rendered.LeftOut(); leftOut != "" {
			in.overfull(c, leftOut)
		}
		return &rendered
	}).(*identity.Rendered)
}

// set assigns the header. A value that would break the header block is left
// out: CR, LF and NUL never reach a header.
func (c *customHeader) set(h http.Header, r *http.Request) {
	if c.constant {
		h[c.name] = []string{c.template} // a later handler may write into it in place
		return
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	value := repl.ReplaceKnown(c.template, "")
	if value != "" && httpguts.ValidHeaderFieldValue(value) {
		h[c.name] = []string{value}
	}
}
