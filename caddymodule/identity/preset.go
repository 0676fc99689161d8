package identity

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Names of headers that belong to no preset.
const (
	// Truncated names, comma-joined, what was left out because the headers
	// would have grown too large (see Set.Render).
	Truncated = "X-Session-Truncated"
	// Assertion carries the signed assertion, where one is configured.
	Assertion = "X-Session-Assertion"
)

// None is the preset that sends no identity headers at all; the client's are
// deleted all the same.
const None = "none"

// header is one header of a preset: the fact that it tells and how. values
// returns nil when there is nothing to tell.
type header struct {
	name   string
	field  field
	values func(*Values) []string
}

type preset struct {
	name    string
	headers []header
}

// presets are those that NewSet knows. The apps of the ecosystems do not
// decode, so their values are percent-encoded only where they must be. Where
// an ecosystem has a user name, the email address stands for it unless WithUser
// says otherwise: it is what people of the app know each other by, and it is
// always there.
var presets = []preset{
	{"native", []header{
		{"X-Session-User-Id", fieldUserID, func(v *Values) []string { return one(native.encode(v.UserID)) }},
		{"X-Session-Email", fieldEmail, func(v *Values) []string { return one(native.encode(v.Email)) }},
		{"X-Session-Account-Id", fieldAccountID, func(v *Values) []string { return one(native.encode(v.account(v.AccountID))) }},
		{"X-Session-Account-Name", fieldAccountName, func(v *Values) []string { return one(native.encode(v.account(v.AccountName))) }},
		// It goes when the account's id goes: being admin of no account in
		// particular might be read as being admin of all.
		{"X-Session-Account-Admin", fieldAccountID, func(v *Values) []string { return one(v.account(strconv.FormatBool(v.AccountAdmin))) }},
		{"X-Session-Accounts", fieldAccounts, func(v *Values) []string { return one(EncodeList(v.Accounts)) }},
		{"X-Session-Roles", fieldRoles, func(v *Values) []string { return one(EncodeList(v.Roles)) }},
		{"X-Session-Permissions", fieldPermissions, func(v *Values) []string { return one(EncodeList(v.Permissions)) }},
		{"X-Session-Id", fieldSessionID, func(v *Values) []string { return one(native.encode(v.SessionID)) }},
	}},
	// Authelia's trusted headers, which many self-hosted apps read.
	{"remote-user", []header{
		{"Remote-User", fieldEmail, plainEmail},
		{"Remote-Email", fieldEmail, plainEmail},
		{"Remote-Name", fieldName, plainName},
		{"Remote-Groups", fieldRoles, plainRoles(",")},
	}},
	// What oauth2-proxy sends upstream, and what nginx makes of its answers.
	// Its user is the opaque subject.
	{"oauth2-proxy", []header{
		{"X-Forwarded-User", fieldUserID, plainUserID},
		{"X-Forwarded-Email", fieldEmail, plainEmail},
		{"X-Forwarded-Preferred-Username", fieldEmail, plainEmail},
		{"X-Forwarded-Groups", fieldRoles, plainRoles(",")},
		{"X-Auth-Request-User", fieldUserID, plainUserID},
		{"X-Auth-Request-Email", fieldEmail, plainEmail},
		{"X-Auth-Request-Preferred-Username", fieldEmail, plainEmail},
		{"X-Auth-Request-Groups", fieldRoles, plainRoles(",")},
	}},
	{"authentik", []header{
		{"X-Authentik-Username", fieldEmail, plainEmail},
		{"X-Authentik-Email", fieldEmail, plainEmail},
		{"X-Authentik-Name", fieldName, plainName},
		{"X-Authentik-Uid", fieldUserID, plainUserID},
		{"X-Authentik-Groups", fieldRoles, plainRoles("|")},
		{"X-Authentik-Entitlements", fieldPermissions, func(v *Values) []string { return one(element.join(v.Permissions, "|")) }},
	}},
	// The names of Grafana's documentation for auth.proxy.
	{"grafana", []header{
		{"X-Webauth-User", fieldEmail, plainEmail},
		{"X-Webauth-Email", fieldEmail, plainEmail},
		{"X-Webauth-Name", fieldName, plainName},
		{"X-Webauth-Groups", fieldRoles, func(v *Values) []string { return one(grafanaElement.join(v.Roles, ",")) }},
		{"X-Webauth-Role", fieldRoles, func(v *Values) []string { return one(grafanaRole(v.Roles)) }},
	}},
	// The defaults of Jenkins' reverse-proxy-auth plugin.
	{"jenkins", []header{
		{"X-Forwarded-User", fieldEmail, plainEmail},
		{"X-Forwarded-Mail", fieldEmail, plainEmail},
		{"X-Forwarded-Displayname", fieldName, plainName},
		{"X-Forwarded-Groups", fieldRoles, plainRoles("|")},
	}},
	// What Radicale reads as http_x_remote_user. A set has one header of a name,
	// so this one leaves out what the next must not send.
	{"x-remote-user", []header{
		{"X-Remote-User", fieldEmail, func(v *Values) []string { return unreserved(v.Email) }},
	}},
	// The names that Kubernetes suggests to authenticating proxies.
	{"kubernetes", []header{
		{"X-Remote-User", fieldEmail, func(v *Values) []string { return unreserved(v.Email) }},
		{"X-Remote-Uid", fieldUserID, plainUserID},
		{"X-Remote-Group", fieldRoles, func(v *Values) []string { return unreserved(v.Roles...) }},
	}},
	// The tenant of Loki, Mimir, Tempo and Pyroscope, which read "a|b" as both
	// tenants: one that holds the separator is encoded, and refused by them.
	{"scope-orgid", []header{
		{"X-Scope-Orgid", fieldAccountID, func(v *Values) []string { return one(element.encode(v.account(v.AccountID))) }},
	}},
}

func plainUserID(v *Values) []string { return one(text.encode(v.UserID)) }
func plainEmail(v *Values) []string  { return one(text.encode(v.Email)) }
func plainName(v *Values) []string   { return one(text.encode(v.Name)) }

func plainRoles(separator string) func(*Values) []string {
	return func(v *Values) []string { return one(element.join(v.Roles, separator)) }
}

// unreserved drops names that begin "system:": Kubernetes gives them to its
// own parts, and system:masters passes by every authorisation. A role of that
// name, from a directory say, must not become one.
func unreserved(names ...string) []string {
	var values []string
	for _, n := range names {
		if n != "" && !strings.HasPrefix(n, "system:") {
			values = append(values, text.encode(n))
		}
	}
	return values
}

// grafanaRole is the highest of Grafana's organisation roles among the roles,
// in any case; empty when there is none. It never makes a server admin.
func grafanaRole(roles []string) string {
	for _, known := range []string{"Admin", "Editor", "Viewer"} {
		if slices.ContainsFunc(roles, func(r string) bool { return strings.EqualFold(r, known) }) {
			return known
		}
	}
	return ""
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// Set is the identity headers that a route sends.
type Set struct {
	headers []header
	names   []string // of the headers, in order
	roles   []string // patterns of those that are told; all without
}

// NewSet combines presets; none named means "native". Where two of them send
// a header of the same name, the preset named first decides. An unknown name
// is an error, and so is None beside others.
func NewSet(names ...string) (*Set, error) {
	if len(names) == 0 {
		names = []string{"native"}
	}
	s := new(Set)
	for _, n := range names {
		if n == None && len(names) > 1 {
			return nil, fmt.Errorf("identity headers %q cannot be combined with others: name it alone, or leave it out", None)
		}
		if err := s.add(n); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Presets lists what NewSet knows.
func Presets() []string {
	names := make([]string, 0, len(presets)+1)
	for _, p := range presets {
		names = append(names, p.name)
	}
	return append(names, None)
}

// Names are those of the headers that the set may send.
func (s *Set) Names() []string { return slices.Clone(s.names) }

func (s *Set) add(name string) error {
	if name == None {
		return nil
	}
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("unknown identity header preset %q: use one of %s", name, strings.Join(Presets(), ", "))
	}
	for _, h := range presets[i].headers {
		h.name = http.CanonicalHeaderKey(h.name)
		if !slices.ContainsFunc(s.headers, func(had header) bool { return had.name == h.name }) {
			s.headers, s.names = append(s.headers, h), append(s.names, h.name)
		}
	}
	return nil
}

// What WithUser knows a user by.
const (
	UserID       = "id"
	UserEmail    = "email"
	UserUsername = "username"
)

// userFields are the facts that a user may be, by those names.
var userFields = map[string]struct {
	field field
	of    func(*Values) string
}{
	UserID:       {fieldUserID, func(v *Values) string { return v.UserID }},
	UserEmail:    {fieldEmail, func(v *Values) string { return v.Email }},
	UserUsername: {fieldUsername, func(v *Values) string { return v.Username }},
}

// userHeaders are those by which the apps of a preset tell who somebody is.
var userHeaders = []string{
	"Remote-User", "X-Forwarded-User", "X-Auth-Request-User", "X-Authentik-Username", "X-Webauth-User", "X-Remote-User",
}

// CheckUser is the error of what WithUser does not know.
func CheckUser(what string) error {
	if _, known := userFields[what]; !known {
		return fmt.Errorf("unknown user %q: use %s, %s or %s", what, UserID, UserEmail, UserUsername)
	}
	return nil
}

// HasUser reports whether a header of the set tells who the user is.
func (s *Set) HasUser() bool { return slices.ContainsFunc(s.headers, isUser) }

func isUser(h header) bool { return slices.Contains(userHeaders, h.name) }

// WithUser is the set with the user known by that in every preset. Whoever has no
// username has no such header then: another name of theirs could be somebody
// else's username.
func (s *Set) WithUser(what string) (*Set, error) {
	if err := CheckUser(what); err != nil {
		return nil, err
	}
	user := userFields[what]
	with := &Set{headers: slices.Clone(s.headers), names: s.names, roles: s.roles}
	for i, h := range with.headers {
		switch {
		case h.name == "X-Remote-User":
			with.headers[i] = header{h.name, user.field, func(v *Values) []string { return unreserved(user.of(v)) }}
		case isUser(h):
			with.headers[i] = header{h.name, user.field, func(v *Values) []string { return one(text.encode(user.of(v))) }}
		}
	}
	return with, nil
}
