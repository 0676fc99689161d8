package demand

import (
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestPermits(t *testing.T) {
	role := func(names ...string) Requirement { return Requirement{Roles: names} }
	permission := func(names ...string) Requirement { return Requirement{Permissions: names} }
	editor := &sessionstore.UserSession{
		FlatRolesList: []string{"editor"}, FlatPermissionsList: []string{"orders:read"},
		PrimaryAccount: &sessionstore.Account{AccountID: "acme"},
	}
	boss := &sessionstore.UserSession{PrimaryAccount: &sessionstore.Account{AccountID: "acme", AccountAdmin: true}}
	elsewhere := &sessionstore.UserSession{
		PrimaryAccount: &sessionstore.Account{AccountID: "globex"},
		Accounts:       []sessionstore.Account{{AccountID: "globex"}, {AccountID: "acme", AccountAdmin: true}},
	}
	for _, c := range []struct {
		name    string
		user    *sessionstore.UserSession
		require []Requirement
		admin   bool
		want    bool
	}{
		{"no demand lets everybody pass", editor, nil, false, true},
		{"the role lets pass", editor, []Requirement{role("editor")}, false, true},
		{"any of the roles on a line lets pass", editor, []Requirement{role("admin", "editor")}, false, true},
		{"another role does not", editor, []Requirement{role("admin")}, false, false},
		{"a role in another case does not", editor, []Requirement{role("Editor")}, false, false},
		{"a part of a role does not", editor, []Requirement{role("edit")}, false, false},
		{"a permission of a role's name does not", editor, []Requirement{permission("editor")}, false, false},
		{"a role of a permission's name does not", editor, []Requirement{role("orders:read")}, false, false},
		{"any of the permissions lets pass", editor, []Requirement{permission("orders:write", "orders:read")}, false, true},
		{"a role or a permission of one demand lets pass", editor, []Requirement{{Roles: []string{"admin"}, Permissions: []string{"orders:read"}}}, false, true},
		{"all demands that hold let pass", editor, []Requirement{role("editor"), permission("orders:read")}, false, true},
		{"one demand that does not hold is enough to refuse", editor, []Requirement{role("editor"), permission("orders:write")}, false, false},
		{"a demand that names nothing holds for nobody", editor, []Requirement{{}}, false, false},
		{"somebody without roles has none", &sessionstore.UserSession{}, []Requirement{role("editor")}, false, false},
		{"the administrator of the account is one", boss, nil, true, true},
		{"a member of the account is none", editor, nil, true, false},
		{"the administrator of another account than the one they act for is none", elsewhere, nil, true, false},
		{"somebody without accounts administers none", &sessionstore.UserSession{}, nil, true, false},
		{"an administrator without the role is refused", boss, []Requirement{role("editor")}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Permits(c.user, c.require, c.admin); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
