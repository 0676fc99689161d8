package caddymodule

import (
	"errors"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/sessionstore"
)

// Requirement holds when the person has any of its roles or any of its
// permissions. Several requirements must all hold.
type Requirement struct {
	// Roles: any of these.
	Roles []string `json:"roles,omitempty"`
	// Permissions: any of these.
	Permissions []string `json:"permissions,omitempty"`
}

func (q *Requirement) validate() error {
	if len(q.Roles)+len(q.Permissions) == 0 {
		return errors.New("a requirement names no role and no permission: name at least one")
	}
	if slices.Contains(q.Roles, "") || slices.Contains(q.Permissions, "") {
		return errors.New("a requirement names an empty role or permission: give it a name, or leave it out")
	}
	return nil
}

// checkOptional refuses a demand beside `optional`: it would let in who is not
// signed in, and keep out who is and does not meet it, so that they need only
// sign out.
func (s *SessionAuth) checkOptional() error {
	if !s.Optional || len(s.Require) == 0 && !s.AccountAdmin {
		return nil
	}
	return errors.New("optional lets in who is not signed in, so role, permission and account_admin beside it keep out nobody " +
		"but the signed-in: leave `optional` out and open paths by `public`, or give the demand a session_auth with a matcher of its own")
}

// permits reports whether the person meets all that is demanded.
func permits(u *sessionstore.UserSession, require []Requirement, accountAdmin bool) bool {
	for i := range require {
		if !require[i].holds(u) {
			return false
		}
	}
	return !accountAdmin || u.PrimaryAccount != nil && u.PrimaryAccount.AccountAdmin
}

func (q *Requirement) holds(u *sessionstore.UserSession) bool {
	return anyOf(q.Roles, u.FlatRolesList) || anyOf(q.Permissions, u.FlatPermissionsList)
}

func anyOf(wanted, held []string) bool {
	for _, w := range wanted {
		if slices.Contains(held, w) {
			return true
		}
	}
	return false
}

func requireRole(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		var q Requirement
		if err := directive.Texts(&q.Roles)(d); err != nil {
			return err
		}
		*target = append(*target, q)
		return nil
	}
}

func requirePermission(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		var q Requirement
		err := directive.Texts(&q.Permissions)(d)
		*target = append(*target, q)
		return err
	}
}
