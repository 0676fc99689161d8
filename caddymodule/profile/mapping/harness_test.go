package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

type rules = []mapping.Rule

var everywhere = []string{"token", "login", "directory"}

// oneRule maps one field, as line 12 of a Caddyfile.
func oneRule(field, expr string) rules {
	return rules{{Field: field, Expr: expr, Where: "Caddyfile:12"}}
}

func mustCompile(t testing.TB, rules rules, demands ...mapping.Demand) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Compile(rules, demands, everywhere)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// factsOf reads facts as they come from a source.
func factsOf(t testing.TB, text string) profile.Facts {
	t.Helper()
	var f profile.Facts
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// claims are facts that tests of single expressions share.
const claims = `{"token":{
	"sub":"a-1","email":"ada@example.com","number":7,"float":7.5,"no":"N","yes":"Y","zero":0,"huge":9007199254740992,
	"groups":["dev","ops"],"mixed":["dev",1],"realm_access":{"roles":["admin"]},
	"orgs":{"globex":{"id":2},"acme":{"id":1},"initech":{"id":3}}
}}`

func mustSay(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}
