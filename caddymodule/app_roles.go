package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/profile"
)

// RoleOptions declare roles.
type RoleOptions struct {
	// Roles declares what roles include and permit.
	Roles []RoleConfig `json:"roles,omitempty"`

	roles *profile.Roles
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

func (o *RoleOptions) words() map[string]option {
	return map[string]option{"role": o.parseRole}
}

func (o *RoleOptions) provision(caddy.Context, *App) (err error) {
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
		return d.ArgErr()
	}
	err := parseBlock(d, "role", map[string]option{
		"includes":    texts(&role.Includes),
		"permissions": texts(&role.Permissions),
	})
	o.Roles = append(o.Roles, role)
	return err
}
