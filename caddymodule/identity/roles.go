package identity

import (
	"fmt"
	"slices"
	"strings"
)

// WithRoles is the set with headers that tell of some roles alone: of those by
// these names, or by names that begin so where an asterisk ends a pattern. An
// app that knows only those has the others nowhere in its headers, however many
// there are.
func (s *Set) WithRoles(patterns []string) (*Set, error) {
	if err := CheckRoles(patterns); err != nil {
		return nil, err
	}
	return &Set{headers: s.headers, names: s.names, roles: patterns}, nil
}

// CheckRoles is the error of what WithRoles does not take.
func CheckRoles(patterns []string) error {
	for _, p := range patterns {
		if name := strings.TrimSuffix(p, "*"); name == "" || strings.Contains(name, "*") {
			return fmt.Errorf("%q: give a whole name, or one that ends in an asterisk, such as app-*", p)
		}
	}
	return nil
}

// tells are the roles that the set tells of.
func (s *Set) tells(roles []string) []string {
	if len(s.roles) == 0 {
		return roles
	}
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !slices.ContainsFunc(s.roles, covers(role)) })
}

func covers(role string) func(pattern string) bool {
	return func(pattern string) bool {
		begin, isPrefix := strings.CutSuffix(pattern, "*")
		return role == pattern || isPrefix && strings.HasPrefix(role, begin)
	}
}
