package profile_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

type account = sessionstore.Account

func ada() profile.Person { return profile.Person{ID: 1, Email: "ada@example.com"} }

func mustBuild(t *testing.T, roles []profile.Role, p profile.Person) sessionstore.UserSession {
	t.Helper()
	rs, err := profile.NewRoles(roles)
	if err != nil {
		t.Fatal(err)
	}
	u, err := rs.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, u)
	return u
}

func TestTheLeastThatIsKnownMakesASession(t *testing.T) {
	u := mustBuild(t, nil, profile.Person{ID: 1<<53 - 1, Email: " Ada@Example.com"})
	got, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":9007199254740991,"email":"ada@example.com","accounts":[],"flatRolesList":[],"flatPermissionsList":[],"token":""}`
	if string(got) != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestPrimaryAccount(t *testing.T) {
	acme, globex := account{AccountID: "acme", AccountName: "Acme Ltd", AccountAdmin: true}, account{AccountID: "globex"}
	flagged := func(a account) account { a.UsersPrimaryAccount = true; return a }
	for _, c := range []struct {
		name     string
		accounts []account
		chosen   string
		want     string // the primary account, or the rule after "!"
	}{
		{"the first is primary when nothing is said", []account{acme, globex}, "", "acme"},
		{"the flagged one is primary", []account{acme, flagged(globex)}, "", "globex"},
		{"a choice outdoes the flag", []account{flagged(acme), globex}, "globex", "globex"},
		{"a choice settles two flags", []account{flagged(acme), flagged(globex)}, "globex", "globex"},
		{"two flags without a choice are refused", []account{flagged(acme), flagged(globex)}, "", "!accounts has two that are flagged"},
		{"a choice that is not one's own is refused", []account{acme}, "initech", "!primaryAccount is not among the accounts"},
		{"a choice without accounts is refused", nil, "acme", "!primaryAccount is not among the accounts"},
		{"no accounts, no primary one", nil, "", ""},
		{"an account given twice is refused, for only one can be right", []account{acme, globex, {AccountID: "acme"}}, "", "!accounts[2].accountId is the id of an earlier"},
		{"an account without an id is refused", []account{acme, {AccountName: "Nameless"}}, "", "!accounts[1].accountId is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ada()
			p.Accounts, p.PrimaryAccount = c.accounts, c.chosen
			if rule, bad := strings.CutPrefix(c.want, "!"); bad {
				mustRefuse(t, p, rule)
				return
			}
			u := mustBuild(t, nil, p)
			if len(u.Accounts) != len(c.accounts) {
				t.Fatalf("%d accounts became %d", len(c.accounts), len(u.Accounts))
			}
			if got := u.PrimaryAccount; (got == nil) != (c.want == "") || got != nil && got.AccountID != c.want {
				t.Fatalf("primary account is %v, want %q", got, c.want)
			}
		})
	}
}

func TestBuildSharesNothingWithThePerson(t *testing.T) {
	p := ada()
	p.Accounts = []account{{AccountID: "acme"}, {AccountID: "globex"}}
	p.Roles, p.Permissions = []string{"viewer"}, []string{"read"}
	u := mustBuild(t, nil, p)
	if p.Accounts[0].UsersPrimaryAccount {
		t.Fatal("the person's own account was flagged")
	}
	p.Accounts[0].AccountID, p.Roles[0], p.Permissions[0] = "evil", "admin", "write"
	if u.Accounts[0].AccountID != "acme" || u.FlatRolesList[0] != "viewer" || u.FlatPermissionsList[0] != "read" {
		t.Fatalf("the session changed with the person: %+v", u)
	}
	u.PrimaryAccount.AccountName = "changed"
	if u.Accounts[0].AccountName != "" {
		t.Fatal("the primary account and its entry in the list are one value")
	}
}

func TestDates(t *testing.T) {
	p := ada()
	p.CreatedAt = time.Date(2024, 2, 29, 1, 30, 0, 0, time.FixedZone("", 2*3600))
	u := mustBuild(t, nil, p)
	if got := u.CreatedAt.Format(time.RFC3339); got != "2024-02-28T23:30:00Z" {
		t.Errorf("createdAt is %s", got)
	}
	if u.UpdatedAt != nil {
		t.Errorf("an unknown date is there: %v", u.UpdatedAt)
	}
	p.CreatedAt, p.UpdatedAt = time.Time{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	mustRefuse(t, p, "updatedAt is not in the years 1 to 9999")
}

func TestBuildRefuses(t *testing.T) {
	long := strings.Repeat("x", profile.MaxText+1)
	many := func(n int) []string { return make([]string, n+1) }
	for _, c := range []struct {
		name   string
		change func(*profile.Person)
		rule   string
	}{
		{"id zero", func(p *profile.Person) { p.ID = 0 }, "id is not 1 to 2^53-1"},
		{"a negative id", func(p *profile.Person) { p.ID = -1 }, "id is not 1 to 2^53-1"},
		{"an id that JavaScript would round", func(p *profile.Person) { p.ID = 1 << 53 }, "id is not 1 to 2^53-1"},
		{"no email", func(p *profile.Person) { p.Email = "" }, "email is empty"},
		{"a long subject", func(p *profile.Person) { p.Subject = long }, "subject is longer than 512"},
		{"CR in createdBy", func(p *profile.Person) { p.CreatedBy = "ops\rX" }, "createdBy holds a control"},
		{"NUL in updatedBy", func(p *profile.Person) { p.UpdatedBy = "ops\x00X" }, "updatedBy holds a control"},
		{"a line break in the name", func(p *profile.Person) { p.Name = "Ada\r\nX-Role: admin" }, "name holds a control"},
		{"a line break in an attribute", func(p *profile.Person) { p.Attributes = map[string]string{"a": "x\ny"} }, "an attribute holds a control"},
		{"an attribute without a name", func(p *profile.Person) { p.Attributes = map[string]string{"": "x"} }, "the name of an attribute is empty"},
		{"too many attributes", func(p *profile.Person) {
			p.Attributes = make(map[string]string)
			for i := range profile.MaxAttributes + 1 {
				p.Attributes[strconv.Itoa(i)] = "x"
			}
		}, "attributes has more than 100"},
		{"a line separator", func(p *profile.Person) { p.UpdatedBy = "ops\u2028X" }, "updatedBy holds a control character or line break"},
		{"a date out of range", func(p *profile.Person) { p.CreatedAt = time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC) }, "createdAt is not in the years"},
		{"an empty role", func(p *profile.Person) { p.Roles = []string{"a", ""} }, "roles[1] is empty"},
		{"LF in a role", func(p *profile.Person) { p.Roles = []string{"a\nX"} }, "roles[0] holds a control"},
		{"a long role", func(p *profile.Person) { p.Roles = []string{long} }, "roles[0] is longer than 256"},
		{"a role that is not UTF-8", func(p *profile.Person) { p.Roles = []string{"a\xff"} }, "roles[0] is not UTF-8"},
		{"too many roles", func(p *profile.Person) { p.Roles = many(profile.MaxRoles) }, "roles has more than 1000"},
		{"an empty permission", func(p *profile.Person) { p.Permissions = []string{""} }, "permissions[0] is empty"},
		{"too many permissions", func(p *profile.Person) { p.Permissions = many(profile.MaxPermissions) }, "permissions has more than 10000"},
		{"too many accounts", func(p *profile.Person) { p.Accounts = make([]account, profile.MaxAccounts+1) }, "accounts has more than 10000"},
		{"CR LF in an account name", func(p *profile.Person) {
			p.Accounts = []account{{AccountID: "acme", AccountName: "Acme\r\nX-Admin: 1"}}
		}, "accounts[0].accountName holds a control"},
		{"a long account id", func(p *profile.Person) { p.Accounts = []account{{AccountID: long}} }, "accounts[0].accountId is longer than 256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ada()
			c.change(&p)
			mustRefuse(t, p, c.rule)
		})
	}
}

// Errors of a sign-in go to a log, which is no place for personal data.
func TestErrorsNeverHoldTheValue(t *testing.T) {
	const private = "grace-hopper-private"
	for _, p := range []profile.Person{
		{ID: 1, Email: private},
		{ID: 1, Email: private + "\n@example.com"},
		{ID: 1, Email: "a@example.com", Subject: private + "\n"},
		{ID: 1, Email: "a@example.com", CreatedBy: private + "\n"},
		{ID: 1, Email: "a@example.com", Roles: []string{private + "\n"}},
		{ID: 1, Email: "a@example.com", Permissions: []string{private + "\xff"}},
		{ID: 1, Email: "a@example.com", PrimaryAccount: private},
		{ID: 1, Email: "a@example.com", Accounts: []account{{AccountID: private}, {AccountID: private}}},
		{ID: 1, Email: "a@example.com", Accounts: []account{{AccountID: "a", AccountName: private + "\n"}}},
	} {
		_, err := new(profile.Roles).Build(p)
		if !errors.Is(err, profile.ErrInvalid) || strings.Contains(err.Error(), private) {
			t.Errorf("got %v", err)
		}
	}
}

func mustRefuse(t *testing.T, p profile.Person, rule string) {
	t.Helper()
	u, err := new(profile.Roles).Build(p)
	if !errors.Is(err, profile.ErrInvalid) || !strings.Contains(err.Error(), rule) {
		t.Fatalf("got %v, want ErrInvalid that says %q", err, rule)
	}
	if u.ID != 0 || u.Email != "" || u.Accounts != nil {
		t.Fatalf("a refused profile is handed out: %+v", u)
	}
}
