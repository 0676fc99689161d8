package profile_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// checkInvariants says again, in other words than Build, what every session
// must be.
func checkInvariants(t *testing.T, u sessionstore.UserSession) {
	t.Helper()
	if u.ID <= 0 || float64(u.ID) >= 1<<53 {
		t.Errorf("id %d", u.ID)
	}
	checkEmail(t, u.Email)
	checkList(t, "roles", u.FlatRolesList, 1000)
	checkList(t, "permissions", u.FlatPermissionsList, 10000)
	checkAccounts(t, u)
	for _, d := range []*time.Time{u.CreatedAt, u.UpdatedAt} {
		if d != nil && (d.IsZero() || d.Location() != time.UTC) {
			t.Errorf("date %v", d)
		}
	}
	if u.Token != "" {
		t.Error("a token is there")
	}
	checkJSON(t, u)
}

// checkJSON looks at what the browser gets: no null, and nothing lost on the way.
func checkJSON(t *testing.T, u sessionstore.UserSession) {
	t.Helper()
	b, err := json.Marshal(u)
	if err != nil {
		t.Fatalf("session cannot be sent: %v", err)
	}
	if strings.Contains(string(b), ":null") {
		t.Errorf("null in %s", b)
	}
	var back sessionstore.UserSession
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(b) {
		t.Errorf("got  %s\nwant %s", again, b)
	}
}

func checkEmail(t *testing.T, email string) {
	t.Helper()
	name, domain, ok := strings.Cut(email, "@")
	switch {
	case !ok, name == "", domain == "", len(email) > 254, email != strings.ToLower(email),
		strings.ContainsAny(email, " \t\r\n\x00<>,;\""), strings.Contains(domain, "@"):
		t.Errorf("email %q", email)
	}
}

func checkList(t *testing.T, what string, list []string, most int) {
	t.Helper()
	if list == nil || len(list) > most {
		t.Errorf("%s: %d entries, nil %v", what, len(list), list == nil)
	}
	sorted := slices.Sorted(slices.Values(list))
	if len(slices.Compact(sorted)) != len(list) {
		t.Errorf("%s: duplicates in %q", what, list)
	}
	for _, name := range list {
		if name == "" || strings.ContainsAny(name, "\r\n\x00") {
			t.Errorf("%s: %q", what, name)
		}
	}
}

func checkAccounts(t *testing.T, u sessionstore.UserSession) {
	t.Helper()
	var ids []string
	var flagged []account
	for _, a := range u.Accounts {
		ids = append(ids, a.AccountID)
		if a.UsersPrimaryAccount {
			flagged = append(flagged, a)
		}
		if strings.ContainsAny(a.AccountName, "\r\n\x00") {
			t.Errorf("account name %q", a.AccountName)
		}
	}
	if len(ids) == 0 {
		if u.PrimaryAccount != nil || u.Accounts == nil {
			t.Errorf("without accounts: %+v", u)
		}
		return
	}
	checkList(t, "accounts", ids, 10000)
	if len(flagged) != 1 || u.PrimaryAccount == nil || *u.PrimaryAccount != flagged[0] {
		t.Errorf("primary %+v, flagged %+v", u.PrimaryAccount, flagged)
	}
}

// FuzzBuild builds sessions of people and role graphs of every kind. Lists are
// cut out of one text each; account flags out of the bits of a number.
func FuzzBuild(f *testing.F) {
	f.Add(int64(1), "Ada@example.com", "acme,globex", uint64(1), "acme", "admin,viewer", "read,write", int64(0))
	f.Add(int64(1<<53), "a@b", "", uint64(0), "", "", "", int64(1<<60))
	f.Add(int64(7), "a@b", "x,x", uint64(3), "y", "a,b,a", ",", int64(-62135596800))
	f.Add(int64(7), "a@b", "x,y,z", uint64(2), "", "r0,r1,r2", "p\r\n", int64(1700000000))
	f.Fuzz(func(t *testing.T, id int64, email, accounts string, flags uint64, primary, roles, permissions string, created int64) {
		p := profile.Person{
			ID: id, Email: email, PrimaryAccount: primary, CreatedAt: time.Unix(created, 0),
			Roles: split(roles), Permissions: split(permissions),
		}
		for i, id := range split(accounts) {
			p.Accounts = append(p.Accounts, account{AccountID: id, AccountName: id, UsersPrimaryAccount: flags>>(i%64)&1 == 1})
		}
		rs, err := profile.NewRoles(graph(p.Roles, p.Permissions, flags))
		if err != nil {
			return
		}
		u, err := rs.Build(p)
		if err != nil {
			if u.Email != "" || u.FlatRolesList != nil {
				t.Fatalf("refused, and yet %+v", u)
			}
			return
		}
		checkInvariants(t, u)
		checkGranted(t, u, p)
	})
}

// checkGranted: what was granted is there, and stands first.
func checkGranted(t *testing.T, u sessionstore.UserSession, p profile.Person) {
	t.Helper()
	last := -1
	for _, name := range p.Roles {
		at := slices.Index(u.FlatRolesList, name)
		if at < 0 || at >= len(p.Roles) {
			t.Errorf("granted role %q stands at %d of %q", name, at, u.FlatRolesList)
		}
		if at > last+1 {
			t.Errorf("role %q is out of order in %q", name, u.FlatRolesList)
		}
		last = max(last, at)
	}
	for _, name := range p.Permissions {
		if at := slices.Index(u.FlatPermissionsList, name); at < 0 || at >= len(p.Permissions) {
			t.Errorf("direct permission %q stands at %d of %q", name, at, u.FlatPermissionsList)
		}
	}
}

// graph declares every role once; the bits say which of the others it
// includes, so cycles are among them.
func graph(roles, permissions []string, bits uint64) []profile.Role {
	var declared []profile.Role
	for i, name := range roles {
		r := profile.Role{Name: name}
		for j, other := range append(slices.Clone(roles), "undeclared") {
			if bits>>((i*3+j)%64)&1 == 1 {
				r.Includes = append(r.Includes, other)
			}
		}
		if i < len(permissions) {
			r.Permissions = permissions[i:]
		}
		declared = append(declared, r)
	}
	return declared
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func BenchmarkBuild(b *testing.B) {
	rs, err := profile.NewRoles(ladder)
	if err != nil {
		b.Fatal(err)
	}
	p := ada()
	p.Accounts = []account{{AccountID: "acme"}, {AccountID: "globex"}}
	p.Roles, p.Permissions = []string{"admin"}, []string{"reports:run"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rs.Build(p); err != nil {
			b.Fatal(err)
		}
	}
}
