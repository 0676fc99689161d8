package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/login/users"
	"example.com/sidegate/caddymodule/profile"
)

// RoleOptions declare roles.
type RoleOptions struct {
	// Roles declares what roles include and permit. Where no login or directory maps
	// roles, one that is named elsewhere and is nearly one of these is taken for a
	// slip.
	Roles []RoleConfig `json:"roles,omitempty"`

	roles *profile.Roles
	lines []directive.Position // of each, in a Caddyfile
	known roleNames
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

func (o *RoleOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"role": o.parseRole}
}

// provision comes before the logins and directories are loaded: it looks at what
// is written of them.
func (o *RoleOptions) provision(_ caddy.Context, a *App) error {
	o.known = a.roleNames()
	if err := o.flatten(); err != nil {
		return err
	}
	return o.checkIncludes(o.known)
}

// checkIncludes looks for slips in what roles include, and tells where they stand
// in a Caddyfile, if in any.
func (o *RoleOptions) checkIncludes(known roleNames) error {
	for i, r := range o.Roles {
		var at directive.Position
		if i < len(o.lines) {
			at = o.lines[i]
		}
		if err := known.check("role "+r.Name+": includes", r.Includes...); err != nil {
			return at.Wrap(err)
		}
	}
	return nil
}

func (o *RoleOptions) flatten() (err error) {
	declared := make([]profile.Role, len(o.Roles))
	for i, r := range o.Roles {
		declared[i] = profile.Role(r)
	}
	o.roles, err = profile.NewRoles(declared)
	return err
}

func (o *RoleOptions) parseRole(d *caddyfile.Dispenser) error {
	var role RoleConfig
	if !d.Args(&role.Name) || d.NextArg() {
		return directive.ArgErr(d)
	}
	at := directive.Here(d)
	err := directive.Block(d, "role", map[string]directive.Option{
		"includes":    directive.Texts(&role.Includes),
		"permissions": directive.Texts(&role.Permissions),
	})
	if err != nil {
		return err
	}
	o.Roles, o.lines = append(o.Roles, role), append(o.lines, at)
	return at.Wrap(o.flatten())
}

// roleNames are the roles that somebody may have; nil where anything may be one.
type roleNames []string

// roleNames are those that the configuration declares, unless a login or a
// directory gives others: those are known to it alone.
func (a *App) roleNames() (names roleNames) {
	if slices.ContainsFunc(slices.Concat(a.LoginsRaw, a.DirectoriesRaw), mayGiveRoles) {
		return nil
	}
	for _, r := range a.Roles {
		names = append(names, r.Name)
	}
	return names
}

// mayGiveRoles reports whether a guest, as it is written, gives people roles that
// it alone knows: one that maps them, or one that is not of ours.
func mayGiveRoles(written json.RawMessage) bool {
	var guest struct {
		Method, Source string
		Map            []MapRule
	}
	if json.Unmarshal(written, &guest) != nil {
		return true
	}
	switch guest.Method + guest.Source {
	case "users":
		return false // they are checked with the file
	case "oidc", "app", "adopt", "http":
		return slices.ContainsFunc(guest.Map, func(r MapRule) bool { return r.Field == "roles" })
	}
	return true
}

// check finds slips in what an option names.
func (n roleNames) check(option string, roles ...string) error {
	for _, role := range roles {
		if err := n.checkOne(role); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	return nil
}

// checkOne refuses a name that is nearly a declared one. Any other that is
// declared nowhere is a role all the same, without permissions.
func (n roleNames) checkOne(role string) error {
	meant, ok := directive.Slip(role, n)
	if !ok || slices.Contains(n, role) {
		return nil
	}
	return fmt.Errorf("there is no role %s: did you mean `%s`? If both are roles, declare this one in the sidegate options, too: `role %s`", role, meant, role)
}

// knownRoles is where a login that is being provisioned finds the roleNames.
type knownRoles struct{}

// roleCheck is what a users file's roles are checked by.
func roleCheck(ctx caddy.Context) users.RoleCheck {
	known, _ := ctx.Value(knownRoles{}).(roleNames)
	return known.checkOne
}

// writtenRoleNames are those of the options in the same Caddyfile, which have
// been read before any site.
func writtenRoleNames(h httpcaddyfile.Helper) roleNames {
	app, ok := h.Option("sidegate").(httpcaddyfile.App)
	if !ok {
		return nil
	}
	var written App
	if json.Unmarshal(app.Value, &written) != nil {
		return nil
	}
	return written.roleNames()
}
