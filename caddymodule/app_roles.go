package caddymodule

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/demand"
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
	known knownNames
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
	o.known = a.names(a.peopleNow)
	if err := o.flatten(); err != nil {
		return err
	}
	return o.checkIncludes(&o.known.roles)
}

// checkIncludes looks for slips in what roles include, and tells where they stand
// in a Caddyfile, if in any.
func (o *RoleOptions) checkIncludes(known *directive.Names) error {
	for i, r := range o.Roles {
		var at directive.Position
		if i < len(o.lines) {
			at = o.lines[i]
		}
		for _, included := range r.Includes {
			if err := known.Given(included); err != nil {
				return at.Wrap(fmt.Errorf("role %s: includes: %w", r.Name, err))
			}
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

// knownRoles is where a login that is being provisioned finds the names of roles.
type knownRoles struct{}

// roleCheck is what a users file's roles are checked by.
func roleCheck(ctx caddy.Context) users.RoleCheck {
	known, _ := ctx.Value(knownRoles{}).(knownNames)
	return known.roles.Given
}

// knownNames are the roles and permissions that people may have, as far as the
// configuration and its users files tell.
type knownNames struct {
	roles, permissions directive.Names
	// all says that there are no others: every login is a users file.
	all bool
}

// names are those of the configuration as it is written; people gives those of the
// users files, when it is asked.
func (a *App) names(people func() (all []*users.People, ok bool)) (known knownNames) {
	given := slices.Concat(a.LoginsRaw, a.DirectoriesRaw)
	known.roles = directive.Names{Called: "role", Remedy: "If both are roles, declare this one in the sidegate options, too: `role %s`"}
	known.permissions = directive.Names{Called: "permission", Remedy: "If both are permissions, let a role in the sidegate options permit this one, too: `permissions %s`"}
	for _, r := range a.Roles {
		known.roles.Included = append(known.roles.Included, r.Includes...)
		known.roles.Declared = append(known.roles.Declared, r.Name)
		known.permissions.Declared = append(known.permissions.Declared, r.Permissions...)
	}
	known.all = len(a.LoginsRaw) > 0 && !mayGive(given, "roles") && !mayGive(given, "permissions")
	if mayGive(given, "roles") {
		known.roles.Declared = nil
	}
	if mayGive(given, "permissions") {
		known.permissions.Declared = nil
	}
	known.roles.Held = heldBy(people, func(e *users.Entry) []string { return e.Person().Roles })
	known.permissions.Held = heldBy(people, func(e *users.Entry) []string { return e.Person().Permissions })
	return known
}

// heldBy is directive.Names.Held.
func heldBy(people func() ([]*users.People, bool), names func(*users.Entry) []string) func(func(string) bool) bool {
	return func(matches func(string) bool) bool {
		all, ok := people()
		for _, file := range all {
			for entry := range file.All() {
				if slices.ContainsFunc(names(entry), matches) {
					return true
				}
			}
		}
		return !ok
	}
}

// peopleNow are those of the users files of logins that have been loaded.
func (a *App) peopleNow() (all []*users.People, ok bool) {
	for _, l := range a.logins {
		if u, isFile := l.(*UsersLogin); isFile {
			all = append(all, u.file.People())
		}
	}
	return all, true
}

// peopleWritten reads the users files that a Caddyfile names. One that cannot be
// read yet, or is named by a placeholder, is looked at when it is loaded.
func (a *App) peopleWritten() (all []*users.People, ok bool) {
	for _, raw := range a.LoginsRaw {
		var guest struct{ Method, File string }
		if json.Unmarshal(raw, &guest) != nil || guest.Method != "users" {
			continue
		}
		file, err := users.OpenFile(guest.File, nil)
		if err != nil {
			return nil, false
		}
		all = append(all, file.People())
	}
	return all, true
}

// mayGive reports whether one of the guests, as they are written, gives people names
// that it alone knows: one that maps the field, or one that is not of ours.
func mayGive(written []json.RawMessage, field string) bool {
	return slices.ContainsFunc(written, func(raw json.RawMessage) bool {
		var guest struct {
			Method, Source string
			Map            []MapRule
		}
		if json.Unmarshal(raw, &guest) != nil {
			return true
		}
		switch guest.Method + guest.Source {
		case "users":
			return false // they are known
		case "oidc", "app", "adopt", "http":
			return slices.ContainsFunc(guest.Map, func(r MapRule) bool { return r.Field == field })
		}
		return true
	})
}

// writtenNames are those of the options in the same Caddyfile, which have been read
// before any site.
func writtenNames(h httpcaddyfile.Helper) (known knownNames) {
	app, ok := h.Option("sidegate").(httpcaddyfile.App)
	written := new(App)
	if !ok || json.Unmarshal(app.Value, written) != nil {
		return known
	}
	return written.names(written.peopleWritten)
}

// check finds slips in what a demand names.
func (k *knownNames) check(q *demand.Requirement) error {
	for _, role := range q.Roles {
		if err := k.roles.Demanded(role); err != nil {
			return fmt.Errorf("role: %w", err)
		}
	}
	for _, permission := range q.Permissions {
		if err := k.permissions.Demanded(permission); err != nil {
			return fmt.Errorf("permission: %w", err)
		}
	}
	return nil
}

// nobodyMeets reports whether a demand keeps everybody out: nobody has what it
// names, and nothing but a users file can give it.
func (k *knownNames) nobodyMeets(q *demand.Requirement) bool {
	return k.all && !slices.ContainsFunc(q.Roles, k.roles.Known) && !slices.ContainsFunc(q.Permissions, k.permissions.Known)
}

// warnOfDemands tells of demands that nobody meets.
func (k *knownNames) warnOfDemands(d *demand.Demands, logger *zap.Logger) {
	demands := slices.Clone(d.Require)
	for i := range d.Paths {
		demands = append(demands, d.Paths[i].Require...)
	}
	for i := range demands {
		if q := &demands[i]; k.nobodyMeets(q) {
			logger.Warn("a demand keeps everybody out: nobody of the users files has it, and no role of the options declares or includes it",
				zap.String("demand", q.String()), zap.String("remedy", "see whether the name is right, and give it to somebody in the users file"))
		}
	}
}

// checkAll checks those that somebody demands, and those that they tell apps of.
func (k *knownNames) checkAll(d *demand.Demands, o *HeaderOptions) error {
	if err := d.CheckNames(k.check); err != nil {
		return err
	}
	for _, pattern := range o.HeaderRoles {
		if err := k.roles.Pattern(pattern); err != nil {
			return o.rolesAt.Wrap(fmt.Errorf("header_roles: %w", err))
		}
	}
	return nil
}
