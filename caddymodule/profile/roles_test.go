package profile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

// ladder is admin over editor over viewer, with a branch.
var ladder = []profile.Role{
	{Name: "admin", Includes: []string{"editor", "auditor"}, Permissions: []string{"users:write", "reports:run"}},
	{Name: "editor", Includes: []string{"viewer"}, Permissions: []string{"pages:write"}},
	{Name: "auditor", Includes: []string{"viewer", "staff"}, Permissions: []string{"logs:read"}},
	{Name: "viewer", Permissions: []string{"pages:read", "reports:run"}},
}

func TestFlatLists(t *testing.T) {
	for _, c := range []struct {
		name               string
		roles, permissions []string
		wantRoles          string
		wantPermissions    string
	}{
		{
			"a role brings those it includes, depth first in declared order",
			[]string{"admin"}, nil,
			"admin editor viewer auditor staff",
			"users:write reports:run pages:write pages:read logs:read",
		},
		{
			"granted roles stand first in their order, included ones after",
			[]string{"editor", "guest", "auditor"}, nil,
			"editor guest auditor viewer staff",
			"pages:write logs:read pages:read reports:run",
		},
		{
			"direct permissions stand first",
			[]string{"viewer"}, []string{"zz:last", "reports:run"},
			"viewer", "zz:last reports:run pages:read",
		},
		{
			"a name that comes twice stays where it came first",
			[]string{"viewer", "editor", "viewer"}, []string{"a", "b", "a"},
			"viewer editor", "a b pages:read reports:run pages:write",
		},
		{
			"a role that is included by being declared nowhere is a role without permissions",
			[]string{"staff"}, nil, "staff", "",
		},
		{"somebody without roles has none", nil, nil, "", ""},
		{"names that differ by case are different", []string{"Admin"}, nil, "Admin", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ada()
			p.Roles, p.Permissions = c.roles, c.permissions
			u := mustBuild(t, ladder, p)
			if got := strings.Join(u.FlatRolesList, " "); got != c.wantRoles {
				t.Errorf("roles are %q, want %q", got, c.wantRoles)
			}
			if got := strings.Join(u.FlatPermissionsList, " "); got != c.wantPermissions {
				t.Errorf("permissions are %q, want %q", got, c.wantPermissions)
			}
		})
	}
}

func TestNewRolesRefuses(t *testing.T) {
	role := func(name string, includes ...string) profile.Role {
		return profile.Role{Name: name, Includes: includes}
	}
	for _, c := range []struct {
		name     string
		declared []profile.Role
		want     string
	}{
		{
			"a cycle, written out",
			[]profile.Role{role("admin", "viewer", "editor"), role("editor", "admin"), role("viewer")},
			"role admin includes itself: admin -> editor -> admin",
		},
		{"a role that names itself", []profile.Role{role("a", "a")}, "role a includes itself: a -> a"},
		{
			"a cycle that the first role only leads to, without that role",
			[]profile.Role{role("a", "b"), role("b", "c"), role("c", "b")},
			"role b includes itself: b -> c -> b",
		},
		{"a role declared twice", []profile.Role{role("a"), role("b"), role("a")}, "role a is declared twice"},
		{"a role without a name", []profile.Role{role("")}, "name is empty"},
		{"a name with a line break", []profile.Role{role("a\nb")}, "control character"},
		{"a name of 129 bytes", []profile.Role{role(strings.Repeat("a", 129))}, "longer than 128 bytes"},
		{"an included name that is empty", []profile.Role{role("a", "b", "")}, "role a: includes[1] is empty"},
		{"a permission that is empty", []profile.Role{{Name: "a", Permissions: []string{""}}}, "role a: permissions[0] is empty"},
		{"too many roles", make([]profile.Role, profile.MaxRoles+1), "1000 at most"},
		{"too many permissions", []profile.Role{{Name: "a", Permissions: make([]string, profile.MaxPermissions+1)}}, "more than 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := profile.NewRoles(c.declared)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error that says %q", err, c.want)
			}
			if errors.Is(err, profile.ErrInvalid) {
				t.Fatalf("a wrong configuration is blamed on a person: %v", err)
			}
		})
	}
}

func TestARoleThatIsIncludedTwoWaysIsNoCycle(t *testing.T) {
	p := ada()
	p.Roles = []string{"top"}
	u := mustBuild(t, []profile.Role{
		{Name: "top", Includes: []string{"left", "right"}},
		{Name: "left", Includes: []string{"bottom"}},
		{Name: "right", Includes: []string{"bottom"}},
	}, p)
	if want := []string{"top", "left", "bottom", "right"}; !slices.Equal(u.FlatRolesList, want) {
		t.Fatalf("roles are %v, want %v", u.FlatRolesList, want)
	}
}

func TestRolesDoNotChangeWithTheirDeclaration(t *testing.T) {
	declared := []profile.Role{{Name: "a", Includes: []string{"b"}, Permissions: []string{"read"}}}
	rs, err := profile.NewRoles(declared)
	if err != nil {
		t.Fatal(err)
	}
	declared[0].Includes[0], declared[0].Permissions[0] = "root", "write"
	p := ada()
	p.Roles = []string{"a"}
	u, err := rs.Build(p)
	if err != nil || !slices.Equal(u.FlatRolesList, []string{"a", "b"}) || !slices.Equal(u.FlatPermissionsList, []string{"read"}) {
		t.Fatalf("got %v %v, %v", u.FlatRolesList, u.FlatPermissionsList, err)
	}
}

func TestFlatListsAreBounded(t *testing.T) {
	wide := make([]profile.Role, 11)
	for i := range wide {
		wide[i].Name = fmt.Sprintf("wide%d", i)
		for j := range 1000 {
			wide[i].Permissions = append(wide[i].Permissions, fmt.Sprintf("p%d:%d", i, j))
		}
	}
	wide = append(wide, profile.Role{Name: "deep"})
	for i := range profile.MaxRoles {
		wide[11].Includes = append(wide[11].Includes, fmt.Sprintf("leaf%d", i))
	}
	rs, err := profile.NewRoles(wide)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		roles []string
		want  string // empty: it is built
	}{
		{"ten thousand permissions are fine", names("wide", 10), ""},
		{"more, from roles, are refused", names("wide", 11), "flatPermissionsList has more than 10000"},
		{"more roles, by inclusion, are refused", []string{"deep"}, "flatRolesList has more than 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ada()
			p.Roles = c.roles
			_, err := rs.Build(p)
			if c.want == "" && err != nil {
				t.Fatal(err)
			}
			if c.want != "" && (!errors.Is(err, profile.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func names(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return list
}
