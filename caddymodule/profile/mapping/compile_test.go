package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

func TestCompileErrorsSayWhatIsWrongAndTheNextStep(t *testing.T) {
	for _, c := range []struct {
		name, field, expr string
		says              []string
	}{
		{"a syntax error is pointed at", "roles", "token.groups[", []string{"Syntax error", "\n | token.groups[\n | .............^"}},
		{"an unknown variable: which there are, and the nearest", "roles", "tokn.groups",
			[]string{"1:1: undeclared reference to 'tokn'", `did you mean "token"?`, "variables here: identity, token", "\n | ^"}},
		{"a variable of another place: which there are", "roles", "directory.crm.roles", []string{"undeclared reference to 'directory'", "variables here: identity, token"}},
		{"a misspelt function", "roles", "token.email.splitt(',')", []string{"undeclared reference to 'splitt'", `did you mean "split"?`}},
		{"a function without brackets", "id", "stable_id", []string{"it is a function: give it its arguments"}},
		{"a key that identity never has", "roles", "identity.rolez", []string{`identity has no "rolez" (did you mean "roles"?)`, "it has accounts, attributes,"}},
		{"a key that identity never has, asked for in brackets", "roles", "identity['rolez']", []string{`identity has no "rolez"`}},
		{"a key that identity never has, asked for carefully", "name", "identity.?nam", []string{`identity has no "nam" (did you mean "name"?)`}},
		{"orValue behind what is no optional", "roles", "token.realm.groups.orValue([])", []string{"orValue is for what may be missing", "write token.realm.?groups.orValue(...)"}},
		{"an empty expression", "roles", " \n", []string{"the expression is empty"}},
		{"an expression without end", "roles", "[" + strings.Repeat(" ", mapping.MaxExpr) + "]", []string{"has 4098 bytes: 4096 at most"}},
		{"a pattern that is none", "name", "token.sub.matches('[') ? 'a' : 'b'", []string{"1:19: invalid matches argument"}},

		{"an id of text", "id", "'a-1'", []string{"wanted int, found string", "registry", "stable_id(...)"}},
		{"an id of a float", "id", "1.5", []string{"wanted int, found double", "int(...)"}},
		{"registry inside of an expression", "id", "has(token.id) ? token.id : registry", []string{"it stands alone"}},
		{"registry for another field", "name", "registry", []string{"it stands alone, as the whole expression of id"}},
		{"stable_id of too many", "id", "stable_id('a','b','c','d','e')", []string{"no matching overload for 'stable_id'"}},
		{"stable_id of a number", "id", "stable_id(1)", []string{"no matching overload for 'stable_id' applied to '(int)'"}},
		{"an email of a number", "email", "1", []string{"wanted string, found int", "string(...)"}},
		{"a date of a bool", "created_at", "true", []string{"wanted timestamp, string or int, found bool"}},
		{"roles of numbers", "roles", "[1, 2]", []string{"wanted list of strings, found list(int)"}},
		{"permissions of an optional number", "permissions", "optional.of(1)", []string{"wanted list of strings, found optional_type(int)"}},
		{"roles that CEL takes for numbers", "roles", "token.groups.distinct().sort()", []string{"found list(int): if they are text, put dyn(...) around"}},
		{"accounts of numbers", "accounts", "[1]", []string{"wanted list of maps, found list(int)"}},
		{"accounts by number", "accounts", "[{1: 'acme'}]", []string{"wanted list of maps, found list(map(int, string))"}},
		{"attributes of numbers", "attributes", "{'a': 1}", []string{"wanted map of strings, found map(string, int)"}},
		{"a name of null", "name", "null", []string{"wanted string, found null"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapping.Compile(oneRule(c.field, c.expr), nil, []string{"token"})
			mustSay(t, err, append(c.says, "Caddyfile:12: map "+c.field+" `")...)
		})
	}
}

// Expressions are the operator's, but a generated one may be anything.
func TestHostileExpressionsEnd(t *testing.T) {
	for name, expr := range map[string]string{
		"brackets":         strings.Repeat("(", mapping.MaxExpr),
		"lists in lists":   strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
		"minus of minus":   strings.Repeat("-", mapping.MaxExpr-1) + "1",
		"not of not":       strings.Repeat("!", mapping.MaxExpr-4) + "true",
		"long sums":        "1" + strings.Repeat("+1", 2000),
		"macros in macros": strings.Repeat("[1].map(x,", 300) + "x" + strings.Repeat(")", 300),
		"conditions":       strings.Repeat("true?1:", 500) + "1",
		"long ways":        "token" + strings.Repeat(".a", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := mapping.Compile(oneRule("roles", expr), nil, everywhere)
			if err == nil {
				err = m.Apply(new(profile.Person), factsOf(t, claims))
			}
			mustSay(t, err, "Caddyfile:12: map roles `")
		})
	}
}

func TestUnknownFields(t *testing.T) {
	_, err := mapping.Compile(oneRule("rolez", "['a']"), nil, nil)
	mustSay(t, err, "Caddyfile:12: map", "`['a']`", `there is no field "rolez" to map (did you mean "roles"?)`, strings.Join(mapping.Fields(), ", "))
	_, err = mapping.Compile(oneRule("shoe_size", "44"), nil, nil)
	mustSay(t, err, `there is no field "shoe_size" to map: there are id, email`)
}

func TestAFieldIsMappedOnce(t *testing.T) {
	_, err := mapping.Compile(rules{{"name", "'a'", "Caddyfile:3"}, {"name", "'b'", "Caddyfile:4"}}, nil, nil)
	mustSay(t, err, "Caddyfile:4: map name `'b'`", "a second time")
}

func TestUpstreamTokensComeFromAnAppsLoginOnly(t *testing.T) {
	rule := oneRule("upstream_token", "identity.subject")
	for _, variables := range [][]string{nil, {"token"}, {"token", "directory"}} {
		_, err := mapping.Compile(rule, nil, variables)
		mustSay(t, err, "Caddyfile:12: map upstream_token", "only where the variable login is there; here there are:")
	}
	if _, err := mapping.Compile(rule, nil, []string{"login"}); err != nil {
		t.Error(err)
	}
}

func TestDemandsAreCompiledToo(t *testing.T) {
	for _, c := range []struct {
		name   string
		demand mapping.Demand
		says   []string
	}{
		{"a demand that is no bool", mapping.Demand{Expr: "'Y'", Where: "Caddyfile:9"}, []string{"Caddyfile:9: require `'Y'`", "wanted bool, found string", "== 'Y'"}},
		{"a demand that may have no answer", mapping.Demand{Expr: "optional.of(true)"}, []string{"require", "wanted bool, found optional_type(bool)"}},
		{"a demand on a key that identity never has", mapping.Demand{Expr: "'admin' in identity.role"}, []string{`identity has no "role" (did you mean "roles"?)`}},
		{"a demand on nothing", mapping.Demand{}, []string{"require ``: the expression is empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapping.Compile(nil, []mapping.Demand{c.demand}, nil)
			mustSay(t, err, c.says...)
		})
	}
	t.Run("more demands than anybody writes", func(t *testing.T) {
		_, err := mapping.Compile(nil, slices.Repeat([]mapping.Demand{{Expr: "true"}}, mapping.MaxDemands+1), nil)
		mustSay(t, err, "there are 33 demands: 32 at most")
	})
}

func TestVariablesThatThereNeverAre(t *testing.T) {
	_, err := mapping.Compile(nil, nil, []string{"cookie"})
	mustSay(t, err, `there is no variable "cookie": there are access_token, directory, identity, login, token`)
	if _, err := mapping.Compile(nil, nil, []string{"identity", "token", "token"}); err != nil {
		t.Errorf("one that is there already is refused: %v", err)
	}
}

func TestLongExpressionsAreCutInErrors(t *testing.T) {
	_, err := mapping.Compile(oneRule("name", "\n'"+strings.Repeat("x", 500)+"'\n + 1"), nil, nil)
	mustSay(t, err, "map name `'xxx", "xxx ...`: ")
}

// A name that hides a variable of ours inside of a comprehension is another's.
func TestHiddenVariablesAreNotOurs(t *testing.T) {
	m := mustCompile(t, oneRule("roles", "[{'x': 'a'}].map(identity, identity.x)"))
	p := apply(t, m, claims)
	if !slices.Equal(p.Roles, []string{"a"}) {
		t.Errorf("roles are %q", p.Roles)
	}
}

func TestFieldsAreThoseOfTheConfiguration(t *testing.T) {
	want := "id email created_by created_at updated_by updated_at accounts primary_account roles permissions username name attributes upstream_token"
	if got := strings.Join(mapping.Fields(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
