package mapping_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// FuzzCompile: whatever is written as an expression compiles or is refused
// with the field's name; what compiles ends, well or with an error that holds
// no value of the facts, and leaves those as they were.
func FuzzCompile(f *testing.F) {
	for _, expr := range []string{
		"", "registry", "token.?groups.orValue([])", "token.groups[", "((((((((", "'\x00'", "`", "a.b.c", "[[[[[1]]]]]",
		"token.map(k, token.map(l, token.map(m, k + l + m)))", "lists.range(10000).map(x, lists.range(10000))",
		"stable_id(token.sub, 'x')", "{'accountId': token.sub}", "[{'accountId': token.sub, 'x': 1}]", "'%s'.format([token])",
		"token.sub.matches(token.sub)", "optional.of(optional.none())", "type(token)", "token.transformMap(k, v, v)",
		"int(token.sub)", "timestamp(token.sub)", "identity.roles + [token.sub]", "[token].map(token, token.sub)", "json.encode(token)",
		"proto.x{}", "google.protobuf.Value{string_value: 'a'}", "google.protobuf.ListValue{}", ".token.sub", "dyn(token)", "b'\xff'", "1u", "null",
	} {
		for _, field := range mapping.Fields() {
			f.Add(field, expr)
		}
	}
	facts, untouched := factsOf(f, canaries), factsOf(f, canaries)
	f.Fuzz(func(t *testing.T, field, expr string) {
		if strings.Contains(expr, canary) || strings.Contains(field, canary) {
			return // the expression itself spells what is looked for
		}
		m, err := mapping.Compile(oneRule(field, expr), nil, everywhere)
		if err != nil {
			if m != nil || !strings.HasPrefix(err.Error(), "Caddyfile:12: map") {
				t.Fatalf("got %v, %v", m, err)
			}
			return
		}
		p := grace()
		if err := m.Apply(&p, facts); err != nil {
			mustTellNothing(t, err)
			if !reflect.DeepEqual(p, grace()) {
				t.Fatalf("the person changed after %v", err)
			}
		}
		if !reflect.DeepEqual(facts, untouched) {
			t.Fatal("the facts changed")
		}
	})
}

// battery has a mapping of each field, careful and careless.
func battery(t testing.TB) []*mapping.Mapping {
	var all []*mapping.Mapping
	for _, r := range []struct{ field, expr string }{
		{"id", "token.id"}, {"id", "int(token.id)"}, {"id", "stable_id(token.iss, token.id)"}, {"id", "token.list[token.id]"},
		{"email", "token.email"}, {"name", "token.name + token.email"}, {"name", "token[token.name]"}, {"name", "string(token.name)"},
		{"created_at", "token.created"}, {"created_at", "timestamp(token.created)"}, {"primary_account", "token.?primary"},
		{"roles", "token.?roles"}, {"roles", "token.roles.map(r, r)"}, {"roles", "token.roles.split(',')"}, {"roles", "token.roles.sort().distinct()"},
		{"permissions", "identity.permissions + token.roles"}, {"attributes", "token.attributes"}, {"attributes", "{token.name: token.email}"},
		{"accounts", "token.accounts"}, {"accounts", "token.accounts.transformList(k, v, {'accountId': k, 'accountName': v})"},
		{"accounts", "token.accounts.map(a, {'accountId': a.id, 'accountName': a.name, 'accountAdmin': a.admin})"},
		{"upstream_token", "login.body.token"}, {"name", "directory.crm.name.matches(token.name) ? 'a' : 'b'"},
	} {
		all = append(all, mustCompile(t, oneRule(r.field, r.expr), mapping.Demand{Expr: "token.?verified.orValue(true)"}))
	}
	return all
}

// FuzzApply: facts of any shape and size fill the person with what can be
// built or refused, or make an error that holds none of their values.
func FuzzApply(f *testing.F) {
	for _, name := range []string{"keycloak", "google", "legacy"} {
		f.Add(fixture(f, name+".facts.json"))
	}
	for _, seed := range []string{
		claims, canaries, `{}`, `{"token":null}`, `{"token":[]}`, `{"token":"x","login":7,"directory":false}`,
		`{"token":{"id":1e300,"roles":[[]],"accounts":{"a":{"b":1}},"attributes":{"a":["b"]}}}`,
		`{"token":{"id":-1,"email":"\u0000","name":"\u2028","created":"9999-99-99","roles":["a",1,null,{}],"verified":"Y"}}`,
		`{"token":{"accounts":[{"accountId":1,"accountId ":2}],"attributes":{"":""},"roles":"a,b","created":99999999999999}}`,
		`{"token":{"accounts":[{"id":9007199254740993,"name":"n","admin":1}],"created":-62135596801,"verified":false}}`,
	} {
		f.Add([]byte(seed))
	}
	all := battery(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var facts, untouched profile.Facts
		if json.Unmarshal(text, &facts) != nil || json.Unmarshal(text, &untouched) != nil {
			return
		}
		keys := false
		facts, _ = marked(map[string]any(facts), &keys).(map[string]any)
		untouched, _ = marked(map[string]any(untouched), &keys).(map[string]any)
		if keys {
			return // a key spells what is looked for
		}
		for i, m := range all {
			p := grace()
			if err := m.Apply(&p, facts); err != nil {
				mustTellNothing(t, err)
				if !reflect.DeepEqual(p, grace()) {
					t.Fatalf("mapping %d: the person changed after %v", i, err)
				}
			} else if _, err := new(profile.Roles).Build(p); err != nil && !errors.Is(err, profile.ErrInvalid) {
				t.Fatalf("mapping %d: what it made is neither built nor refused: %v", i, err)
			}
		}
		if !reflect.DeepEqual(facts, untouched) {
			t.Fatal("the facts changed")
		}
	})
}

// marked puts canaries into all texts and large numbers of the facts, and
// reports whether there was one among the keys.
func marked(value any, keys *bool) any {
	switch v := value.(type) {
	case string:
		return canary + v
	case int64:
		if v > 1000 || v < -1000 {
			return int64(9988770000000000) + v%1000
		}
	case map[string]any:
		for key, element := range v {
			*keys = *keys || strings.Contains(key, canary) || strings.Contains(key, "998877")
			v[key] = marked(element, keys)
		}
	case []any:
		for i := range v {
			v[i] = marked(v[i], keys)
		}
	}
	return value
}

func mustTellNothing(t *testing.T, err error) {
	t.Helper()
	if said := err.Error(); strings.Contains(said, canary) || strings.Contains(said, "998877") {
		t.Fatalf("the error holds a value: %v", err)
	}
}
