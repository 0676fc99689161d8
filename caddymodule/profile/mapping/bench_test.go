package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// BenchmarkApply maps a token with 50 roles and 20 accounts.
func BenchmarkApply(b *testing.B) {
	m := mustCompile(b, keycloak[0].rules, keycloak[0].demands...)
	facts := bigToken(b)
	b.ReportAllocs()
	for b.Loop() {
		var p profile.Person
		if err := m.Apply(&p, facts); err != nil || len(p.Roles) != 50 || len(p.Accounts) != 20 {
			b.Fatal(len(p.Roles), len(p.Accounts), err)
		}
	}
}

// BenchmarkCompile compiles the mapping of Keycloak, as at the start.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mapping.Compile(keycloak[0].rules, keycloak[0].demands, everywhere); err != nil {
			b.Fatal(err)
		}
	}
}

func bigToken(t testing.TB) profile.Facts {
	var roles, organizations []string
	for i := range 50 {
		roles = append(roles, fmt.Sprintf(`"role-%02d"`, i))
	}
	for i := range 20 {
		organizations = append(organizations, fmt.Sprintf(`"org-%02d":{"id":"9b1e6c1e-%d","groups":["/staff","/admins"]}`, i, i))
	}
	return factsOf(t, `{"token":{"email":"ada@example.com","email_verified":true,"name":"Ada",
		"realm_access":{"roles":[`+strings.Join(roles, ",")+`]},"organization":{`+strings.Join(organizations, ",")+`}}}`)
}
