package profile_test

import (
	"errors"
	"fmt"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Roles include others and give permissions: a UserSession has all of them in
// two flat lists, so that nobody after it need know the roles.
func Example() {
	roles, err := profile.NewRoles([]profile.Role{
		{Name: "reader", Permissions: []string{"articles:read"}},
		{Name: "editor", Includes: []string{"reader"}, Permissions: []string{"articles:write"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	user, err := roles.Build(profile.Person{
		ID: 7, Email: " Ada@Example.com ",
		Roles:       []string{"editor", "auditor"}, // one that is not declared gives itself alone
		Permissions: []string{"reports:run"},
		Accounts:    []sessionstore.Account{{AccountID: "acme"}, {AccountID: "globex"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Email)
	fmt.Println(user.FlatRolesList)
	fmt.Println(user.FlatPermissionsList)
	fmt.Println(user.PrimaryAccount.AccountID)
	// Output:
	// ada@example.com
	// [editor auditor reader]
	// [reports:run articles:write articles:read]
	// acme
}

// A person of whom no good session can be made gets none. The error names the
// field and the rule, and never the value.
func ExampleRoles_Build_refused() {
	roles, err := profile.NewRoles(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = roles.Build(profile.Person{ID: 7, Email: "Ada <ada@example.com>"})
	fmt.Println(errors.Is(err, profile.ErrInvalid), err)
	// Output: true profile is not valid: email holds a space
}

// Sources write one number in several ways; expressions see it in one.
func ExampleDecodeFact() {
	fact, err := profile.DecodeFact([]byte(`{"id": 7.0, "score": 1.5, "manager": null}`))
	fmt.Println(fact, err)
	// Output: map[id:7 score:1.5] <nil>
}
