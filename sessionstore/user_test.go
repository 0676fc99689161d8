package sessionstore_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestAccount(t *testing.T) {
	u := &fullSession().User
	if a, ok := u.Account("globex"); !ok || a.AccountName != "Globex" {
		t.Errorf("the account is %+v, %v", a, ok)
	}
	for _, id := range []string{"", "ACME", "nobody"} {
		if a, ok := u.Account(id); ok || a != (sessionstore.Account{}) {
			t.Errorf("there is an account %q: %+v", id, a)
		}
	}
}

func TestWithPrimary(t *testing.T) {
	t.Run("another account becomes the one that is flagged", func(t *testing.T) {
		u := &fullSession().User
		got, ok := u.WithPrimary("globex")
		if !ok || got.PrimaryAccount.AccountID != "globex" || !got.PrimaryAccount.UsersPrimaryAccount {
			t.Fatalf("the primary account is %+v, %v", got.PrimaryAccount, ok)
		}
		for _, a := range got.Accounts {
			if a.UsersPrimaryAccount != (a.AccountID == "globex") {
				t.Errorf("the account %q is flagged: %v", a.AccountID, a.UsersPrimaryAccount)
			}
		}
	})
	t.Run("the person it is asked of is not changed", func(t *testing.T) {
		u := &fullSession().User
		before := fullSession().User
		got, _ := u.WithPrimary("globex")
		got.PrimaryAccount.AccountName, got.Accounts[0].AccountName = "x", "x"
		if !reflect.DeepEqual(*u, before) {
			t.Errorf("it is now %+v", *u)
		}
	})
	t.Run("the account that is primary already is answered without a copy", func(t *testing.T) {
		u := &fullSession().User
		if got, ok := u.WithPrimary("acme"); !ok || got != u {
			t.Errorf("answers %p, %v; want %p", got, ok, u)
		}
	})
	t.Run("an account that is not one's own is refused", func(t *testing.T) {
		for _, u := range []*sessionstore.UserSession{&fullSession().User, {ID: 1}} {
			for _, id := range []string{"initech", ""} {
				if got, ok := u.WithPrimary(id); ok || got != nil {
					t.Errorf("%q: answers %+v", id, got)
				}
			}
		}
	})
}

func TestUserSessionJSON(t *testing.T) {
	u := &sessionstore.UserSession{
		ID: 1, Email: "ada@example.com", Token: "t",
		Accounts: []sessionstore.Account{}, FlatRolesList: []string{}, FlatPermissionsList: []string{},
	}
	got, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":1,"email":"ada@example.com","accounts":[],"flatRolesList":[],"flatPermissionsList":[],"token":"t"}`
	if string(got) != want {
		t.Errorf("the contract with browsers is\n%s\nnot\n%s", want, got)
	}
}
