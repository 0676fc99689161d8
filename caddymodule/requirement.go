package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
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

	line directive.Position // in a Caddyfile
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

// refuseRole tells who lost their roles by a source's slip that they did.
func refuseRole(c *caller.Caller) *refusal.Refusal {
	if c.Session.Unmapped {
		return refusal.Unmapped
	}
	return refusal.Role
}

// tellForbidden tells of somebody who may not do what they ask for, and by which
// rule.
func (g *gateway) tellForbidden(why *refusal.Refusal, r *http.Request, c *caller.Caller, s *SessionAuth) {
	if why != refusal.Role && why != refusal.Unmapped {
		return
	}
	g.events.Happened(lifecycle.Event{
		Kind: forbidden, Login: c.Session.Method, UserID: c.User.ID, Session: c.Session.Key, Client: caller.Address(r), Result: s.unmet(r, c.User),
		Err: holding{c.User},
	})
}

// holding says what somebody has, where it was not enough.
type holding struct{ user *sessionstore.UserSession }

// mostTold bounds how many names a line of the log repeats.
const mostTold = 20

// Error is a list for the log: of many, the first.
func (h holding) Error() string {
	return "roles " + some(h.user.FlatRolesList) + ", permissions " + some(h.user.FlatPermissionsList)
}

func some(names []string) string {
	if more := len(names) - mostTold; more > 0 {
		return fmt.Sprintf("%q and %d more", names[:mostTold], more)
	}
	return fmt.Sprintf("%q", names)
}

// unmet is the first demand that somebody refused does not meet, as it is written.
func (s *SessionAuth) unmet(r *http.Request, u *sessionstore.UserSession) string {
	rule := ownDemand
	if s.rules != nil {
		v := s.verdict(r)
		rule, _ = s.meets(&v, u)
	}
	if rule == ownDemand {
		return firstUnmet(u, s.Require, s.AccountAdmin)
	}
	p := &s.Paths[rule]
	return "path " + strings.Join(p.Patterns, " ") + ": " + firstUnmet(u, p.Require, p.AccountAdmin)
}

func firstUnmet(u *sessionstore.UserSession, require []Requirement, accountAdmin bool) string {
	for i := range require {
		if q := &require[i]; !q.holds(u) {
			return q.String()
		}
	}
	if accountAdmin {
		return "account_admin"
	}
	return ""
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

func requireRole(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		q := Requirement{line: directive.Here(d)}
		err := directive.Texts(&q.Roles)(d)
		*target = append(*target, q)
		return err
	}
}

func requirePermission(target *[]Requirement) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		q := Requirement{line: directive.Here(d)}
		err := directive.Texts(&q.Permissions)(d)
		*target = append(*target, q)
		return err
	}
}
