package mapping_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/sessionstore"
)

// apply maps the facts onto somebody who has something in every field.
func apply(t *testing.T, m *mapping.Mapping, facts string) profile.Person {
	t.Helper()
	p := grace()
	if err := m.Apply(&p, factsOf(t, facts)); err != nil {
		t.Fatal(err)
	}
	return p
}

func grace() profile.Person {
	return profile.Person{
		ID: 5, Email: "grace@example.com", Subject: "g-5", Issuer: "https://sso.example.com", Name: "Grace",
		CreatedBy: "ops", CreatedAt: time.Unix(1, 0).UTC(), UpdatedBy: "ops", UpdatedAt: time.Unix(2, 0).UTC(),
		Roles: []string{"old"}, Permissions: []string{"read"}, Attributes: map[string]string{"team": "navy"},
		Accounts: []sessionstore.Account{{AccountID: "1", AccountName: "One"}}, PrimaryAccount: "1",
		Kept: &profile.Kept{RefreshToken: "kept", UpstreamToken: "former"},
	}
}

func TestFieldsAreFilled(t *testing.T) {
	type person = profile.Person
	day := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	second := day.Add(13*time.Hour + 45*time.Minute + 6*time.Second)
	for _, c := range []struct {
		name, field, expr string
		want              func(*person)
	}{
		{"id, a number of the source", "id", "token.number", func(p *person) { p.ID = 7 }},
		{"id, text made a number", "id", "int('42')", func(p *person) { p.ID = 42 }},
		{"id, left to the store", "id", " registry\n", func(p *person) { p.ID = 0 }},
		{"id, of text", "id", "stable_id('acme', token.sub)", func(p *person) { p.ID = 7875643572519018 }},
		{"email", "email", "token.email", func(p *person) { p.Email = "ada@example.com" }},
		{"created_by", "created_by", "'import'", func(p *person) { p.CreatedBy = "import" }},
		{"updated_by", "updated_by", "'import'", func(p *person) { p.UpdatedBy = "import" }},
		{"name, of parts", "name", "token.sub + ' ' + string(token.number)", func(p *person) { p.Name = "a-1 7" }},
		{"primary_account", "primary_account", "string(token.orgs.acme.id)", func(p *person) { p.PrimaryAccount = "1" }},

		{"a date of SQL", "created_at", "'2024-02-29'", func(p *person) { p.CreatedAt = day }},
		{"a date and time of SQL, as UTC", "created_at", "'2024-02-29 13:45:06'", func(p *person) { p.CreatedAt = second }},
		{"a date and time of SQL with a fraction", "created_at", "'2024-02-29 13:45:06.250'", func(p *person) { p.CreatedAt = second.Add(250 * time.Millisecond) }},
		{"a date of RFC 3339, put in UTC", "updated_at", "'2024-02-29T15:45:06+02:00'", func(p *person) { p.UpdatedAt = second }},
		{"a date of RFC 3339 with a fraction", "updated_at", "'2024-02-29T13:45:06.5Z'", func(p *person) { p.UpdatedAt = second.Add(500 * time.Millisecond) }},
		{"a date in unix seconds", "updated_at", fmt.Sprint(second.Unix()), func(p *person) { p.UpdatedAt = second }},
		{"a timestamp", "updated_at", "timestamp('2024-02-29T13:45:06Z')", func(p *person) { p.UpdatedAt = second }},
		{"the last second of all", "created_at", "253402300799", func(p *person) { p.CreatedAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }},
		{"the day before 1970", "created_at", "-86400", func(p *person) { p.CreatedAt = time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC) }},

		{"roles, a list of the source", "roles", "token.groups", func(p *person) { p.Roles = []string{"dev", "ops"} }},
		{"roles, added to those there are", "roles", "identity.roles + token.realm_access.roles", func(p *person) { p.Roles = []string{"old", "admin"} }},
		{"roles, of no text at all", "roles", "''.split(',')", func(p *person) { p.Roles = []string{} }},
		{"roles, and empty ones, which are none", "roles", "['', 'a', '']", func(p *person) { p.Roles = []string{"a"} }},
		{"roles, of text with commas", "roles", "'a, b,c'.split(',').map(r, r.trim())", func(p *person) { p.Roles = []string{"a", "b", "c"} }},
		{"roles, of two functions in a row", "roles", "dyn((token.groups + token.groups).distinct()).sort()", func(p *person) { p.Roles = []string{"dev", "ops"} }},
		{"roles, none", "roles", "[]", func(p *person) { p.Roles = []string{} }},
		{"roles, a lone text", "roles", "token.sub", func(p *person) { p.Roles = []string{"a-1"} }},
		{"roles, a lone name of a directory", "roles", "'CN=Staff,DC=example'", func(p *person) { p.Roles = []string{"CN=Staff,DC=example"} }},
		{"roles, an empty text", "roles", "''", func(p *person) { p.Roles = []string{} }},
		{"roles, null", "roles", "dyn(null)", func(p *person) { p.Roles = []string{} }},
		{"roles, an optional lone text", "roles", "token.?sub", func(p *person) { p.Roles = []string{"a-1"} }},
		{"roles, a lone text added to those there are", "roles", "identity.roles + list_of(token.sub)", func(p *person) { p.Roles = []string{"old", "a-1"} }},
		{"roles, no text added to those there are", "roles", "identity.roles + list_of(token.?none) + list_of(dyn(null)) + list_of('')", func(p *person) { p.Roles = []string{"old"} }},
		{"roles, a list added to those there are", "roles", "identity.roles + list_of(token.?groups)", func(p *person) { p.Roles = []string{"old", "dev", "ops"} }},
		{"permissions, a lone text", "permissions", "token.sub", func(p *person) { p.Permissions = []string{"a-1"} }},
		{"accounts, a lone text", "accounts", "token.sub", func(p *person) { p.Accounts = []sessionstore.Account{{AccountID: "a-1"}} }},
		{"accounts, a list of texts", "accounts", "token.groups", func(p *person) { p.Accounts = []sessionstore.Account{{AccountID: "dev"}, {AccountID: "ops"}} }},
		{"accounts, a lone one", "accounts", "{'accountId': 'acme'}", func(p *person) { p.Accounts = []sessionstore.Account{{AccountID: "acme"}} }},
		{"accounts, null", "accounts", "dyn(null)", func(p *person) { p.Accounts = []sessionstore.Account{} }},
		{"permissions", "permissions", "['write'] + identity.permissions", func(p *person) { p.Permissions = []string{"write", "read"} }},
		{"attributes", "attributes", "{'mail': token.email, ?'none': token.?none}", func(p *person) { p.Attributes = map[string]string{"mail": "ada@example.com"} }},
		{"attributes, with those there are", "attributes", "identity.attributes", func(*person) {}},

		{"accounts, with a number for an id", "accounts", "[{'accountId': 9, 'accountName': 'Nine', 'accountAdmin': token.yes == 'Y', 'usersPrimaryAccount': token.no == 'Y'}]",
			func(p *person) {
				p.Accounts = []sessionstore.Account{{AccountID: "9", AccountName: "Nine", AccountAdmin: true}}
			}},
		{"accounts, with the id only", "accounts", "[{'accountId': 'acme'}]", func(p *person) { p.Accounts = []sessionstore.Account{{AccountID: "acme"}} }},
		{"accounts, added to those there are", "accounts", "identity.accounts + [{'accountId': 'acme', 'usersPrimaryAccount': true}]",
			func(p *person) {
				p.Accounts = append(p.Accounts, sessionstore.Account{AccountID: "acme", UsersPrimaryAccount: true})
			}},
		{"accounts, of an object in the order of its keys", "accounts", "token.orgs.map(alias, {'accountId': alias})",
			func(p *person) {
				p.Accounts = []sessionstore.Account{{AccountID: "acme"}, {AccountID: "globex"}, {AccountID: "initech"}}
			}},
		{"an object of the facts that is not empty", "name", "optional.ofNonZeroValue(token.orgs).hasValue() ? 'some' : 'none'", func(p *person) { p.Name = "some" }},
		{"an object of the facts that is empty", "name", "optional.ofNonZeroValue(directory).hasValue() ? 'some' : 'none'", func(p *person) { p.Name = "none" }},
		{"upstream_token, beside what else is kept", "upstream_token", "'secret'",
			func(p *person) { p.Kept = &profile.Kept{RefreshToken: "kept", UpstreamToken: "secret"} }},

		{"nothing, when an optional has no value", "roles", "token.?none", func(*person) {}},
		{"an optional that has one", "roles", "token.?groups", func(p *person) { p.Roles = []string{"dev", "ops"} }},
		{"no id, when an optional has no value", "id", "token.?none", func(*person) {}},
		{"no upstream token, when an optional has no value", "upstream_token", "token.?none", func(*person) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := grace()
			c.want(&want)
			if got := apply(t, mustCompile(t, oneRule(c.field, c.expr)), claims); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestEvaluationErrorsSayWhatWasThere(t *testing.T) {
	const has = "token has: email, float, groups, huge, mixed, no, number, orgs, realm_access, sub, yes, zero"
	for _, c := range []struct {
		name, field, expr string
		says              []string
	}{
		{"a claim that is not there", "roles", "token.grps", []string{`no such key "grps" (at 1:6)`, has}},
		{"a claim further down that is not there", "roles", "token.realm_access.rolez", []string{`no such key "rolez"`, has, "token.realm_access has: roles"}},
		{"a key that the facts spell", "roles", "token.orgs[token.sub]", []string{"no such key (at 1:11)", has}},
		{"a directory that has not answered", "roles", "directory.crm.roles", []string{`no such key "crm"`, "directory has: nothing"}},
		{"what is not known of the person", "name", "identity.updated_by + identity.name", []string{`no such key "name"`, "identity has: "}},
		{"an id of text", "id", "token.sub", []string{"wanted int, found string", "registry", "stable_id(...)", has}},
		{"an id of a float", "id", "token.float", []string{"wanted int, found double"}},
		{"an id of zero, which means none", "id", "token.zero", []string{"the number is not 1 to 2^53-1"}},
		{"an id that JavaScript would round", "id", "token.huge", []string{"the number is not 1 to 2^53-1"}},
		{"a stable_id of nothing", "id", "stable_id('acme', token.?none.orValue(''))", []string{"stable_id has an empty argument"}},
		{"a stable_id of a number", "id", "stable_id(token.number)", []string{"types that it does not take (int)"}},
		{"an email of a list", "email", "token.groups", []string{"wanted string, found list"}},
		{"a null", "name", "dyn(null)", []string{"wanted string, found null"}},
		{"an optional in a list", "roles", "[dyn(optional.of('a'))]", []string{"element 0: wanted string, found an optional"}},
		{"roles of text with commas", "roles", "'admin,staff'", []string{"wanted list of strings, found a string with commas", ".split(',')"}},
		{"an account of text with commas", "accounts", "'acme,globex'", []string{"found a string with commas"}},
		{"roles of an object", "roles", "token.orgs", []string{"wanted list of strings, found map"}},
		{"roles with a number among them", "roles", "token.mixed", []string{"element 1: wanted string, found int"}},
		{"a flag that is no bool", "accounts", "[{'accountId': 'a', 'accountAdmin': token.yes}]", []string{"element 0: accountAdmin: wanted bool, found string: compare it, as in == 'Y'"}},
		{"an account without an id", "accounts", "[{'accountName': 'a'}]", []string{"element 0: an account without accountId"}},
		{"an account with an empty id", "accounts", "[{'accountId': ''}]", []string{"element 0: an account without accountId"}},
		{"an account with a float for an id", "accounts", "[{'accountId': token.float}]", []string{"accountId: wanted string or int, found double"}},
		{"an account with a misspelt key", "accounts", "[{'accountId': 'a', 'acountAdmin': true}]",
			[]string{`element 0: unknown key "acountAdmin": an account has accountId, accountName, accountAdmin, usersPrimaryAccount`}},
		{"an account with a number for a key", "accounts", "[dyn({'accountId': 'a', 1: true})]", []string{"element 0: a key of an account is not a string"}},
		{"an account that is a number", "accounts", "[dyn(1)]", []string{"element 0: wanted map, found int"}},
		{"an account that is empty text", "accounts", "['']", []string{"element 0: an account without accountId"}},
		{"a list of lists", "roles", "[dyn(['a'])]", []string{"element 0: wanted string, found list"}},
		{"an attribute that is a number", "attributes", "{'a': token.number}", []string{`the value of "a": wanted string, found int`}},
		{"an attribute whose name is a number", "attributes", "dyn({1: 'a'})", []string{"a key: wanted string, found int"}},
		{"attributes of a list", "attributes", "dyn(['a'])", []string{"wanted map of strings, found list"}},
		{"a date that is none", "created_at", "token.sub", []string{"the text is no date", "RFC 3339"}},
		{"the zero date of MySQL", "created_at", "'0000-00-00 00:00:00'", []string{"the text is no date"}},
		{"a date in milliseconds", "created_at", "1709214306000 * 1000", []string{"not in the years 1 to 9999", "seconds since 1970"}},
		{"a date of the largest number", "created_at", "9223372036854775807", []string{"not in the years 1 to 9999"}},
		{"a date of the smallest number", "created_at", "-9223372036854775807 - 1", []string{"not in the years 1 to 9999"}},
		{"the second behind the last", "created_at", "253402300800", []string{"not in the years 1 to 9999"}},
		{"a date before the year 1, by its zone", "created_at", "'0001-01-01T00:00:00+02:00'", []string{"not in the years 1 to 9999"}},
		{"a date of a list", "created_at", "token.groups", []string{"wanted timestamp, string or int, found list"}},
		{"a number that is none", "id", "int(token.sub)", []string{"cannot be converted", "(at 1:4)"}},
		{"an operator on two types", "name", "token.number + token.sub", []string{"types that it does not take"}},
		{"a text that is gone through as a list", "roles", "token.sub.filter(g, g != 'x')", []string{"token.sub is a text: where a list is wanted, list_of(token.sub) makes one of it"}},
		{"an element that is not there", "name", "token.groups[2]", []string{"the list is shorter than that"}},
		{"an element by a name", "name", "token.groups[token.sub]", []string{"asked for an element by what is not its number"}},
		{"an optional without a value", "name", "token.?none.value()", []string{"orValue(...)"}},
		{"a division by zero", "id", "token.number / token.zero", []string{"division by zero"}},
		{"a remainder by zero", "id", "token.number % token.zero", []string{"division by zero"}},
		{"a range without end", "name", "string(lists.range(100000).size())", []string{"is not what the function there takes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := grace()
			p.Name = ""
			before := p
			err := mustCompile(t, oneRule(c.field, c.expr)).Apply(&p, factsOf(t, claims))
			mustSay(t, err, append(c.says, "Caddyfile:12: map "+c.field+" `"+c.expr+"`: ")...)
			if !reflect.DeepEqual(p, before) {
				t.Errorf("the person changed: %+v", p)
			}
		})
	}
}

func TestLimitsOfWhatIsMapped(t *testing.T) {
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") + "]" }
	long := strings.Repeat("x", profile.MaxText+1)
	object := make([]string, profile.MaxAttributes+1)
	for i := range object {
		object[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for _, c := range []struct{ field, claim, says string }{
		{"roles", list(profile.MaxRoles + 1), "the list has 1001 elements: 1000 at most"},
		{"permissions", list(profile.MaxPermissions + 1), "the list has 10001 elements: 10000 at most"},
		{"accounts", list(profile.MaxAccounts + 1), "the list has 10001 elements: 10000 at most"},
		{"attributes", "{" + strings.Join(object, ",") + "}", "the map has 101 entries: 100 at most"},
		{"attributes", `{"a":"` + long + `"}`, "the string has 513 bytes: 512 at most"},
		{"attributes", `{"` + long + `":"a"}`, "the string has 513 bytes: 256 at most"},
		{"name", `"` + long + `"`, "the string has 513 bytes: 512 at most"},
		{"roles", `["` + long + `"]`, "element 0: the string has 513 bytes"},
		{"upstream_token", `"` + strings.Repeat("x", 16<<10+1) + `"`, "the string has 16385 bytes: 16384 at most"},
	} {
		t.Run(c.field+": "+c.says, func(t *testing.T) {
			p := grace()
			err := mustCompile(t, oneRule(c.field, "token.claim")).Apply(&p, factsOf(t, `{"token":{"claim":`+c.claim+`}}`))
			mustSay(t, err, c.says)
		})
	}
}

// Facts come from elsewhere: however many there are, an evaluation ends.
func TestTheStepsOfAnEvaluationAreBounded(t *testing.T) {
	facts := profile.Facts{"token": map[string]any{"text": strings.Repeat("a", 1<<20), "pattern": strings.Repeat("a?", 100)}}
	for _, expr := range []string{"token.text.matches(token.pattern)", "lists.range(9999).all(i, token.text.contains('b') || true)", "token.text.replace('a', 'aaaaaaaaaaaaaaa') != ''"} {
		t.Run(expr, func(t *testing.T) {
			err := mustCompile(t, nil, mapping.Demand{Expr: expr}).Apply(new(profile.Person), facts)
			mustSay(t, err, "it takes too many steps")
			if errors.As(err, new(*profile.Refused)) {
				t.Error("what cannot be told became a no")
			}
		})
	}
}

func TestTheMostAccountsThereMayBeAreMapped(t *testing.T) {
	var list []string
	for i := range profile.MaxAccounts {
		list = append(list, fmt.Sprintf(`{"id":%d,"name":"Account %d","admin":"Y"}`, i+1, i))
	}
	m := mustCompile(t, oneRule("accounts", "token.accounts.map(a, {'accountId': a.id, 'accountName': a.name, 'accountAdmin': a.admin == 'Y'})"))
	if p := apply(t, m, `{"token":{"accounts":[`+strings.Join(list, ",")+`]}}`); len(p.Accounts) != profile.MaxAccounts {
		t.Errorf("%d accounts", len(p.Accounts))
	}
}

func TestRulesAreAppliedInTheirOrder(t *testing.T) {
	m := mustCompile(t, rules{
		{Field: "email", Expr: "'first@example.com'"},
		{Field: "name", Expr: "identity.email"},
		{Field: "id", Expr: "registry"},
		{Field: "created_by", Expr: "has(identity.id) ? 'numbered' : 'not numbered'"},
	})
	p := apply(t, m, `{}`)
	if p.Name != "first@example.com" || p.CreatedBy != "not numbered" {
		t.Errorf("name is %q, created_by %q", p.Name, p.CreatedBy)
	}
}

func TestIdentityIsThePersonSoFar(t *testing.T) {
	for _, c := range []struct {
		name, expr string
		person     profile.Person
		want       string
	}{
		{"all that is known is there", "'%d %s %s %s %s %s %s'.format([identity.id, identity.email, identity.subject, identity.issuer, identity.name, identity.primary_account, identity.created_by])",
			grace(), "5 grace@example.com g-5 https://sso.example.com Grace 1 ops"},
		{"dates are timestamps", "string(identity.created_at < identity.updated_at)", grace(), "true"},
		{"accounts have their names", "identity.accounts.map(a, a.accountName).join()", grace(), "One"},
		{"what is not known is not there", "['id','email','name','created_at','created_by','subject','issuer'].filter(k, k in identity).join()", profile.Person{}, ""},
		{"lists are there when they are empty", "string(size(identity.roles + identity.permissions + identity.accounts) + size(identity.attributes))", profile.Person{}, "0"},
		{"what the login keeps is not there", "identity.map(k, k).filter(k, k.contains('kept') || k.contains('token')).join()", grace(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.person
			if err := mustCompile(t, oneRule("updated_by", c.expr)).Apply(&p, nil); err != nil || p.UpdatedBy != c.want {
				t.Errorf("got %q, %v, want %q", p.UpdatedBy, err, c.want)
			}
		})
	}
}

func TestVariablesThatAreNotDeclaredAreNotSeen(t *testing.T) {
	m, err := mapping.Compile(oneRule("name", "string(size(token))"), nil, []string{"token"})
	if err != nil {
		t.Fatal(err)
	}
	p := new(profile.Person)
	if err := m.Apply(p, profile.Facts{"login": map[string]any{"status": int64(200)}}); err != nil || p.Name != "0" {
		t.Errorf("got %q, %v", p.Name, err)
	}
}

func TestFactsInFactsAreReadLikeOthers(t *testing.T) {
	facts := profile.Facts{}.With("directory", profile.Facts{"crm": map[string]any{"name": "Ada"}})
	p := new(profile.Person)
	if err := mustCompile(t, oneRule("name", "directory.map(d, d).join() + ' ' + directory.crm.name")).Apply(p, facts); err != nil || p.Name != "crm Ada" {
		t.Errorf("got %q, %v", p.Name, err)
	}
	err := mustCompile(t, oneRule("name", "directory.hr.name")).Apply(p, facts)
	mustSay(t, err, `no such key "hr"`, "directory has: crm")
}

func TestANilMappingMapsNothing(t *testing.T) {
	p, want := grace(), grace()
	var m *mapping.Mapping
	if err := m.Apply(&p, factsOf(t, claims)); err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v, %v", p, err)
	}
	if steps, err := m.Trace(&p, nil); err != nil || steps != nil {
		t.Errorf("it took steps: %v, %v", steps, err)
	}
}

func TestKeptIsCopiedBeforeItIsChanged(t *testing.T) {
	p := grace()
	shared := p.Kept
	if err := mustCompile(t, oneRule("upstream_token", "'new'")).Apply(&p, nil); err != nil {
		t.Fatal(err)
	}
	if shared.UpstreamToken != "former" || p.Kept.UpstreamToken != "new" || p.Kept.RefreshToken != "kept" {
		t.Errorf("shared: %q, now: %q %q", shared.UpstreamToken, p.Kept.UpstreamToken, p.Kept.RefreshToken)
	}
	fresh := new(profile.Person)
	if err := mustCompile(t, oneRule("upstream_token", "'new'")).Apply(fresh, nil); err != nil || fresh.Kept == nil || fresh.Kept.UpstreamToken != "new" {
		t.Errorf("a person with nothing kept: %v, %v", fresh.Kept != nil, err)
	}
}
