package users_test

import (
	"reflect"
	"testing"

	"example.com/sidegate/caddymodule/login/users"
)

func TestDiff(t *testing.T) {
	const and = "}\n- {" // two people
	const other = "id: 9, email: other@example.com, disabled: true"
	ada := person(1, "ada@example.com", "roles: [admin], accounts: [{accountId: acme}]")
	disabled := person(1, "ada@example.com", "disabled: true")
	for name, test := range map[string]struct {
		before, after string
		want          users.Change
	}{
		"nothing changes":                         {ada, ada, users.Change{}},
		"an email is spelled otherwise":           {ada, person(1, "ADA@example.com", "roles: [admin], accounts: [{accountId: acme}]"), users.Change{}},
		"a person comes":                          {other, other + and + ada, users.Change{Added: []int64{1}}},
		"a disabled person comes":                 {other, other + and + disabled, users.Change{}},
		"a person goes":                           {other + and + ada, other, users.Change{Removed: []int64{1}}},
		"a person is disabled":                    {ada, disabled, users.Change{Disabled: []int64{1}}},
		"a person is enabled":                     {disabled, ada, users.Change{Added: []int64{1}}},
		"a disabled person stays so":              {disabled, person(1, "ada@example.com", "disabled: true, roles: [admin]"), users.Change{}},
		"an id is given to somebody else":         {ada, person(1, "grace@example.com"), users.Change{Removed: []int64{1}, Added: []int64{1}}},
		"an id is given to somebody disabled":     {ada, person(1, "grace@example.com", "disabled: true"), users.Change{Removed: []int64{1}}},
		"roles change":                            {ada, person(1, "ada@example.com", "accounts: [{accountId: acme}]"), users.Change{Changed: []int64{1}}},
		"an account is named":                     {ada, person(1, "ada@example.com", "roles: [admin], accounts: [{accountId: acme, accountName: Acme}]"), users.Change{Changed: []int64{1}}},
		"a permission is granted":                 {ada, ada + ", permissions: [a]", users.Change{Changed: []int64{1}}},
		"the primary account changes":             {ada, ada + ", primaryAccount: acme", users.Change{Changed: []int64{1}}},
		"who created it changes":                  {ada, ada + ", createdBy: ops", users.Change{Changed: []int64{1}}},
		"who updated it changes":                  {ada, ada + ", updatedBy: ops", users.Change{Changed: []int64{1}}},
		"when it was created changes":             {ada, ada + ", createdAt: 2026-05-01T12:00:00Z", users.Change{Changed: []int64{1}}},
		"when it was updated changes":             {ada, ada + ", updatedAt: 2026-05-01T12:00:00Z", users.Change{Changed: []int64{1}}},
		"a date is written in another zone":       {ada + ", updatedAt: 2026-05-01T12:00:00Z", ada + ", updatedAt: 2026-05-01T14:00:00+02:00", users.Change{}},
		"the password changes":                    {"id: 1, email: a@example.com, password: '" + adaArgon + "'", "id: 1, email: a@example.com, password: '" + graceArgon + "'", users.Change{NewPassword: []int64{1}}},
		"the password and the roles change":       {"id: 1, email: a@example.com, password: '" + adaArgon + "'", "id: 1, email: a@example.com, roles: [a], password: '" + graceArgon + "'", users.Change{NewPassword: []int64{1}}},
		"who had no password is given one":        {"id: 1, email: a@example.com, password: none", "id: 1, email: a@example.com, password: '" + adaArgon + "'", users.Change{}},
		"and a role":                              {"id: 1, email: a@example.com, password: none", "id: 1, email: a@example.com, roles: [a], password: '" + adaArgon + "'", users.Change{Changed: []int64{1}}},
		"the password is taken away":              {"id: 1, email: a@example.com, password: '" + adaArgon + "'", "id: 1, email: a@example.com, password: none", users.Change{NewPassword: []int64{1}}},
		"who has no password is disabled":         {"id: 1, email: a@example.com, password: none", "id: 1, email: a@example.com, disabled: true", users.Change{Disabled: []int64{1}}},
		"a person is disabled without a password": {ada, "id: 1, email: ada@example.com, disabled: true", users.Change{Disabled: []int64{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := users.Diff(parse(t, list(test.before)), parse(t, list(test.after)))
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got.Any() != !reflect.DeepEqual(got, users.Change{}) {
				t.Errorf("Any is %v of %+v", got.Any(), got)
			}
		})
	}
	t.Run("people are listed in the file's order", func(t *testing.T) {
		before := parse(t, list(person(7, "g@example.com"), person(2, "b@example.com"), person(5, "e@example.com")))
		got := users.Diff(before, parse(t, list(person(8, "h@example.com"), person(2, "b@example.com"), person(3, "c@example.com"))))
		if want := (users.Change{Removed: []int64{7, 5}, Added: []int64{8, 3}}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
