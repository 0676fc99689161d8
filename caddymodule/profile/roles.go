package profile

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of the configuration, far above what people write by hand.
const (
	// MaxRoleName is the most bytes in the name of a declared role.
	MaxRoleName = 128
	// MaxRoles is the most declared roles, and the most roles of one person.
	MaxRoles = 1_000
	// MaxPermissions is the most permissions of one role, and of one person.
	MaxPermissions = 10_000
)

// Role is a role of the configuration.
type Role struct {
	// Name is what logins grant it by. Required.
	Name string
	// Includes are the names of roles that come with it. A name that is not
	// declared is a role without permissions of its own.
	Includes []string
	// Permissions are what it grants by itself.
	Permissions []string
}

// Roles are the declared roles, flattened. They do not change, and are safe
// for concurrent use.
type Roles struct {
	flat map[string]flatRole
}

// flatRole is a role with all that it includes, itself left out.
type flatRole struct {
	includes    []string
	permissions []string // its own only
}

// NewRoles flattens the declared roles: depth first, in declared order, each
// name once. Its errors name the role: they are for who wrote the configuration.
func NewRoles(declared []Role) (*Roles, error) {
	if len(declared) > MaxRoles {
		return nil, fmt.Errorf("there are %d roles declared: %d at most", len(declared), MaxRoles)
	}
	byName := make(map[string]Role, len(declared))
	for _, r := range declared {
		if err := r.check(); err != nil {
			return nil, err
		}
		if _, again := byName[r.Name]; again {
			return nil, fmt.Errorf("role %s is declared twice: put both into one", r.Name)
		}
		byName[r.Name] = r
	}
	if err := refuseCycles(declared, byName); err != nil {
		return nil, err
	}
	rs := &Roles{flat: make(map[string]flatRole, len(declared))}
	for _, r := range declared {
		included := newSet(nil)
		included.seen[r.Name] = true
		r.include(byName, &included)
		rs.flat[r.Name] = flatRole{includes: included.list, permissions: newSet(r.Permissions).list}
	}
	return rs, nil
}

// include adds what the role includes, and what that includes in turn.
func (r Role) include(byName map[string]Role, into *set) {
	for _, name := range r.Includes {
		if into.add(name) {
			byName[name].include(byName, into)
		}
	}
}

func (r Role) check() error {
	if err := checkName("name", r.Name, MaxRoleName); err != nil {
		return fmt.Errorf("a declared role is not valid: %w", err)
	}
	if err := checkNames("includes", r.Includes, MaxRoles, MaxRoleName); err != nil {
		return fmt.Errorf("role %s: %w", r.Name, err)
	}
	if err := checkNames("permissions", r.Permissions, MaxPermissions, MaxName); err != nil {
		return fmt.Errorf("role %s: %w", r.Name, err)
	}
	return nil
}

// refuseCycles finds a role that includes itself, and says by which way. Every
// role is walked once.
func refuseCycles(declared []Role, byName map[string]Role) error {
	done := make(map[string]bool, len(declared))
	var path []string
	var walk func(name string) error
	walk = func(name string) error {
		if done[name] {
			return nil
		}
		if i := slices.Index(path, name); i >= 0 {
			way := strings.Join(append(path[i:], name), " -> ")
			return fmt.Errorf("role %s includes itself: %s", name, way)
		}
		path = append(path, name)
		for _, included := range byName[name].Includes {
			if err := walk(included); err != nil {
				return err
			}
		}
		path, done[name] = path[:len(path)-1], true
		return nil
	}
	for _, r := range declared {
		if err := walk(r.Name); err != nil {
			return err
		}
	}
	return nil
}

// Flatten returns the flat lists of somebody with those roles and permissions,
// as Build does. The error wraps ErrInvalid.
func (rs *Roles) Flatten(granted, direct []string) (roles, permissions []string, err error) {
	if roles, permissions, err = rs.flatten(granted, direct); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return roles, permissions, nil
}

// flatten returns the person's flat lists: granted roles first, in order, then
// those that they include; direct permissions first, then those of each role.
// No list is nil, and no name is in one twice. Includes can make many of few,
// so the result is bounded too.
func (rs *Roles) flatten(granted, direct []string) (roles, permissions []string, err error) {
	r := newSet(granted)
	for _, name := range r.list { // ranges over the granted ones only
		for _, included := range rs.flat[name].includes {
			r.add(included)
		}
	}
	p := newSet(direct)
	for _, name := range r.list {
		for _, permission := range rs.flat[name].permissions {
			p.add(permission)
		}
	}
	if len(r.list) > MaxRoles {
		return nil, nil, tooMany("flatRolesList", MaxRoles)
	}
	if len(p.list) > MaxPermissions {
		return nil, nil, tooMany("flatPermissionsList", MaxPermissions)
	}
	return r.list, p.list, nil
}

// set is a list without duplicates, in order of first occurrence.
type set struct {
	list []string
	seen map[string]bool
}

func newSet(names []string) set {
	s := set{list: make([]string, 0, len(names)), seen: make(map[string]bool, len(names))}
	for _, name := range names {
		s.add(name)
	}
	return s
}

// add reports whether the name is new.
func (s *set) add(name string) bool {
	if s.seen[name] {
		return false
	}
	s.seen[name] = true
	s.list = append(s.list, name)
	return true
}
