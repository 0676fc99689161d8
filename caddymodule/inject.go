package caddymodule

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/identity"
)

// defaultAudience is the aud claim of assertions when none is configured.
const defaultAudience = "upstream"

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

// injector strips identity headers off a request and puts the true ones in.
type injector struct {
	explicit bool // configured here, rather than the default set
	set      *identity.Set
	stripper *identity.Stripper
	custom   []customHeader
	audience string // of the assertion; empty for none
}

// customHeader is a HeaderConfig made ready.
type customHeader struct {
	name     string
	template string
	constant []string // set when the template has no placeholder
}

func newInjector(s *SessionAuth) (in injector, err error) {
	in.explicit = len(s.Headers) > 0 || len(s.Header) > 0 || s.Assertion != nil
	if in.set, err = identity.NewSet(s.Headers...); err != nil {
		return in, fmt.Errorf("headers: %w", err)
	}
	names := []string{accountHeader}
	for _, h := range s.Header {
		if err := h.validate(); err != nil {
			return in, err
		}
		in.custom = append(in.custom, newCustomHeader(h))
		names = append(names, h.Name)
	}
	in.stripper = identity.NewStripper(names...)
	if s.Assertion != nil {
		in.audience = s.Assertion.Audience
		if in.audience == "" {
			in.audience = defaultAudience
		}
	}
	return in, nil
}

// notOurs are headers that the proxy behind us writes itself, or that end at
// it: they would never arrive.
var notOurs = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
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
	_, rest, found := strings.Cut(h.Value, userPlaceholder)
	for ; found; _, rest, found = strings.Cut(rest, userPlaceholder) {
		field, _, _ := strings.Cut(rest, "}")
		if !slices.Contains(userFields, field) && !strings.HasPrefix(field, userAttribute) {
			return fmt.Errorf("header %s: there is no %s%s}: use one of %s, %s<name>", h.Name, userPlaceholder, field,
				strings.Join(userFields, ", "), userAttribute)
		}
	}
	return nil
}

func newCustomHeader(h HeaderConfig) customHeader {
	c := customHeader{name: http.CanonicalHeaderKey(h.Name), template: h.Value}
	if !strings.Contains(h.Value, "{") {
		c.constant = []string{h.Value}
	}
	return c
}

// stripRequest takes away every header that names an identity, the tricks by
// which one could come back, and the credentials that are ours alone.
func stripRequest(r *http.Request, v *visit, app *App, stripper *identity.Stripper) {
	stripper.Strip(r.Header)
	// The proxy behind us deletes what Connection names (CVE-2024-45410) and
	// sends trailers past every header filter (CVE-2026-88004).
	identity.ReduceConnection(r.Header)
	identity.DropTrailers(r)
	identity.RemoveCookie(r.Header, app.Cookie.Name, app.Cookie.attemptPrefix())
	if presented := v.bearer(); presented.count > 0 && app.issued(v, presented) {
		r.Header.Del("Authorization")
	}
}

// issued reports whether a Bearer token is one of ours, good or not, and so
// not the upstream's business. When that cannot be told it is taken away.
func (a *App) issued(v *visit, presented bearer) bool {
	g, err := a.gateway()
	if err != nil || presented.count > 1 {
		return true
	}
	return v.caller != nil && v.caller.token != "" || g.ring.LooksOurs(presented.token)
}

// inject puts the caller's identity into the request. room is for the values:
// it is the request's own, and nothing else is in it.
func (in *injector) inject(g *gateway, r *http.Request, c *caller, room []string) error {
	in.rendered(c).InjectInto(r.Header, room)
	for i := range in.custom {
		in.custom[i].set(r)
	}
	if in.audience == "" {
		return nil
	}
	assertion, err := g.assertions.of(c, in.audience)
	if err != nil {
		return fmt.Errorf("signing the assertion: %w", err)
	}
	r.Header[assertionHeader] = []string{assertion}
	return nil
}

// rendered returns the caller's headers in this injector's set.
func (in *injector) rendered(c *caller) *identity.Rendered {
	return c.derive(in.set, func() any {
		rendered := in.set.Render(c.values())
		return &rendered
	}).(*identity.Rendered)
}

// set assigns the header. A value that would break the header block is left
// out: CR, LF and NUL never reach a header.
func (h *customHeader) set(r *http.Request) {
	if h.constant != nil {
		r.Header[h.name] = h.constant[:1:1]
		return
	}
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	value := repl.ReplaceKnown(h.template, "")
	if value != "" && httpguts.ValidHeaderFieldValue(value) {
		r.Header[h.name] = []string{value}
	}
}

// values are what identity headers are made of.
func (c *caller) values() identity.Values {
	v := identity.Values{
		UserID:      strconv.FormatInt(c.user.ID, 10),
		Email:       c.user.Email,
		Roles:       c.user.FlatRolesList,
		Permissions: c.user.FlatPermissionsList,
		SessionID:   c.session.Key.ID(),
		Accounts:    accountIDs(c),
		Name:        c.session.Name,
	}
	if p := c.user.PrimaryAccount; p != nil {
		v.HasAccount, v.AccountID, v.AccountName, v.AccountAdmin = true, p.AccountID, p.AccountName, p.AccountAdmin
	}
	return v
}

func accountIDs(c *caller) []string {
	ids := make([]string, len(c.user.Accounts))
	for i, a := range c.user.Accounts {
		ids[i] = a.AccountID
	}
	return ids
}

// userPlaceholder begins the placeholders of the person, and userFields are
// how they may end.
const userPlaceholder = "{http.auth.user."

var userFields = []string{"id", "email", "account_id", "roles", "permissions", "name"}

// userAttribute begins the placeholders of what a `map` put into attributes.
const userAttribute = "attributes."

// placeholder answers {http.auth.user.<field>}.
func (c *caller) placeholder(field string) (any, bool) {
	switch field {
	case "id":
		return strconv.FormatInt(c.user.ID, 10), true
	case "email":
		return c.user.Email, true
	case "account_id":
		if c.user.PrimaryAccount == nil {
			return "", true
		}
		return c.user.PrimaryAccount.AccountID, true
	case "roles":
		return identity.EncodeList(c.user.FlatRolesList), true
	case "permissions":
		return identity.EncodeList(c.user.FlatPermissionsList), true
	case "name":
		return c.session.Name, true
	default:
		name, ok := strings.CutPrefix(field, userAttribute)
		return c.session.Attributes[name], ok
	}
}
