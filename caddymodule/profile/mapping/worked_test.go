package mapping_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// handedOut is the number that the store gives who has none of their own.
const handedOut = 1001

// stage is one `map` with the variables of its place.
type stage struct {
	variables []string
	rules     rules
	demands   []mapping.Demand
}

// keycloak has realm roles, of which some are Keycloak's own, and the accounts
// are organisations: an object of alias to what is known of it.
var keycloak = []stage{{
	variables: []string{"token"},
	rules: rules{
		{Field: "id", Expr: `registry`},
		{Field: "email", Expr: `token.email`},
		{Field: "name", Expr: `token.?name`},
		{Field: "roles", Expr: `token.?realm_access.?roles.orValue([]).filter(r,
			!r.startsWith('default-roles-') && !(r in ['offline_access', 'uma_authorization']))`},
		{Field: "accounts", Expr: `token.?organization.orValue({}).transformList(alias, org, {
			'accountId': org.id,
			'accountName': alias,
			'accountAdmin': '/admins' in org.?groups.orValue([])
		})`},
	},
	demands: []mapping.Demand{{Expr: `token.?email_verified.orValue(false) == true`, Message: "Confirm your email address first."}},
}}

// google says who it is; what they may do is in a directory.
var google = []stage{
	{
		variables: []string{"token"},
		rules: rules{
			{Field: "email", Expr: `token.email`},
			{Field: "name", Expr: `token.name`},
			{Field: "roles", Expr: `['employee']`},
		},
		demands: []mapping.Demand{{Expr: `token.?hd.orValue('') == 'example.com'`, Message: "Sign in with your account at work."}},
	},
	{
		variables: []string{"token", "directory"},
		rules: rules{
			{Field: "id", Expr: `directory.crm.id`},
			{Field: "created_at", Expr: `directory.crm.?createdAt`},
			{Field: "created_by", Expr: `directory.crm.?createdBy`},
			{Field: "roles", Expr: `identity.roles + directory.crm.?roles.orValue([])`},
			{Field: "permissions", Expr: `directory.crm.?permissions`},
			{Field: "accounts", Expr: `directory.crm.accounts.map(a, {
				'accountId': a.number, 'accountName': a.title,
				'accountAdmin': a.owner, 'usersPrimaryAccount': a.main
			})`},
		},
	},
}

// legacy is an app with ids of text, flags of 'Y' and 'N', dates of SQL, and
// roles in one text.
var legacy = []stage{{
	variables: []string{"login"},
	rules: rules{
		{Field: "id", Expr: `stable_id('legacy', login.body.user.user_id)`},
		{Field: "email", Expr: `login.body.user.email`},
		{Field: "name", Expr: `login.body.user.first_name + ' ' + login.body.user.last_name`},
		{Field: "created_by", Expr: `'legacy'`},
		{Field: "created_at", Expr: `login.body.user.created`},
		{Field: "updated_by", Expr: `login.body.user.?changed_by`},
		{Field: "updated_at", Expr: `login.body.user.?changed`},
		{Field: "roles", Expr: `login.body.user.roles.split(',').map(r, r.trim()).filter(r, r != '') +
			(login.body.user.is_superuser == 'Y' ? ['admin'] : [])`},
		{Field: "accounts", Expr: `login.body.user.companies.map(c, {
			'accountId': c.company_id, 'accountName': c.company_name,
			'accountAdmin': c.admin_flag == 'Y', 'usersPrimaryAccount': c.default_flag == 'Y'
		})`},
		{Field: "attributes", Expr: `{'legacy_id': login.body.user.user_id}`},
		{Field: "upstream_token", Expr: `login.body.jwt`},
	},
	demands: []mapping.Demand{{Expr: `login.body.user.active == 'Y'`, Message: "Your account is closed."}},
}}

func TestWorkedMappingsMakeExactlyTheirSessions(t *testing.T) {
	for _, c := range []struct {
		name   string
		stages []stage
		check  func(*testing.T, profile.Person)
	}{
		{"keycloak", keycloak, func(t *testing.T, p profile.Person) {
			if p.Name != "Ada Lovelace" {
				t.Errorf("name is %q", p.Name)
			}
		}},
		{"google", google, func(t *testing.T, p profile.Person) {
			if p.Name != "Grace Hopper" {
				t.Errorf("name is %q", p.Name)
			}
		}},
		{"legacy", legacy, func(t *testing.T, p profile.Person) {
			if p.Name != "Linus Torvalds" || p.Attributes["legacy_id"] != "L-0042" || p.Kept.UpstreamToken != "eyJhbGciOiJIUzI1NiJ9.e30.example" {
				t.Errorf("name is %q, attributes %q, upstream token %q", p.Name, p.Attributes, p.Kept.UpstreamToken)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts := factsOf(t, string(fixture(t, c.name+".facts.json")))
			want := fixture(t, c.name+".session.json")
			for range 20 { // of Go's orders of a map, each is another one
				var p profile.Person
				for _, s := range c.stages {
					s.apply(t, &p, facts)
				}
				c.check(t, p)
				if got := session(t, p); !bytes.Equal(got, want) {
					t.Fatalf("got %s\nwant %s", got, want)
				}
			}
			if again := factsOf(t, string(fixture(t, c.name+".facts.json"))); !reflect.DeepEqual(facts, again) {
				t.Error("the facts were changed")
			}
		})
	}
}

func (s stage) apply(t *testing.T, p *profile.Person, facts profile.Facts) {
	t.Helper()
	m, err := mapping.Compile(s.rules, s.demands, s.variables)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(p, facts); err != nil {
		t.Fatal(err)
	}
}

// session is the person's UserSession, written as the fixtures are.
func session(t *testing.T, p profile.Person) []byte {
	t.Helper()
	roles, err := profile.NewRoles([]profile.Role{
		{Name: "admin", Includes: []string{"editor"}, Permissions: []string{"users:write"}},
		{Name: "editor", Permissions: []string{"orders:write"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.ID == 0 {
		p.ID = handedOut
	}
	u, err := roles.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// fixture reads a file of JSON, without its spaces.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	return compact.Bytes()
}
