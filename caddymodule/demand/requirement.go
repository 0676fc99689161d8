package demand

import (
	"errors"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// Requirement holds when the person has any of its roles or any of its
// permissions. Several requirements must all hold.
type Requirement struct {
	// Roles: any of these.
	Roles []string `json:"roles,omitempty"`
	// Permissions: any of these.
	Permissions []string `json:"permissions,omitempty"`

	// At is where it stands in a Caddyfile, while positions are kept.
	At directive.Position `json:"at,omitzero"`
}

// Check refuses a requirement that nobody could meet, or that names nothing.
func (q *Requirement) Check() error {
	if len(q.Roles)+len(q.Permissions) == 0 {
		return errors.New("a requirement names no role and no permission: name at least one")
	}
	if slices.Contains(q.Roles, "") || slices.Contains(q.Permissions, "") {
		return errors.New("a requirement names an empty role or permission: give it a name, or leave it out")
	}
	return nil
}

// String is the requirement as it stands in a Caddyfile.
func (q *Requirement) String() string {
	var words []string
	if len(q.Roles) > 0 {
		words = append(words, "role "+strings.Join(q.Roles, " "))
	}
	if len(q.Permissions) > 0 {
		words = append(words, "permission "+strings.Join(q.Permissions, " "))
	}
	return strings.Join(words, " or ")
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

// Permits reports whether the person meets all that is demanded.
func Permits(u *sessionstore.UserSession, require []Requirement, accountAdmin bool) bool {
	for i := range require {
		if !require[i].holds(u) {
			return false
		}
	}
	return !accountAdmin || u.PrimaryAccount != nil && u.PrimaryAccount.AccountAdmin
}

// Lines are where what is no Requirement stands in a Caddyfile, while positions are kept.
type Lines struct {
	Public       directive.Position `json:"public,omitzero"`
	Optional     directive.Position `json:"optional,omitzero"`
	AccountAdmin directive.Position `json:"account_admin,omitzero"`
}

// IsZero reports whether none is known.
func (l Lines) IsZero() bool {
	return l.Public.IsZero() && l.Optional.IsZero() && l.AccountAdmin.IsZero()
}

// firstUnmet is the first demand that the person does not meet, as it is written.
func firstUnmet(u *sessionstore.UserSession, require []Requirement, accountAdmin bool) string {
	for i := range require {
		if q := &require[i]; !q.holds(u) {
			return q.String()
		}
	}
	if accountAdmin {
		return wordAccountAdmin
	}
	return ""
}

// refuseRights tells who lost their roles by a source's slip that they did, and who
// lacks nothing but an account that they administer, which another of theirs may be.
func refuseRights(c *caller.Caller, require []Requirement) *refusal.Refusal {
	switch {
	case c.Session.Unmapped:
		return refusal.Unmapped
	case Permits(c.User, require, false):
		return refusal.AccountAdmin
	}
	return refusal.Role
}
