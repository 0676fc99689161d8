package mapping_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

const canary = "c4n4ry"

// canaries are facts whose every value would show in an error.
const canaries = `{"token":{"sub":"c4n4ry","email":"c4n4ry@example.com","number":99887766,"float":99887766.5,
	"list":["c4n4ry","c4n4ry2"],"object":{"c4n4ry key":"c4n4ry","c4n4ry@example.com":1,"a\nc4n4ry":2}}}`

// Many of CEL's own errors quote the value that they are about. None of ours
// does: they go to a log.
func TestErrorsNeverHoldAValue(t *testing.T) {
	for _, c := range []struct{ field, expr string }{
		{"id", "int(token.sub)"},
		{"id", "int(double(token.sub))"},
		{"id", "token.sub"},
		{"id", "token.number * 9999999999999"},
		{"id", "token.list[token.number]"},
		{"id", "stable_id(token.number)"},
		{"name", "string(bool(token.sub))"},
		{"name", "string(timestamp(token.sub))"},
		{"name", "string(duration(token.sub))"},
		{"name", "string(uint(token.sub))"},
		{"name", "string(base64.decode(token.email))"},
		{"name", "token[token.sub]"},
		{"name", "{'a': 'b'}[token.sub]"},
		{"name", "token.object[token.list[0] + 'x']"},
		{"name", "token.sub.substring(token.number)"},
		{"name", "(token.sub + '%d').format([token.sub])"},
		{"name", "('%' + token.sub).format([1])"},
		{"name", "token.sub.charAt(token.number)"},
		{"name", "token.email.matches('[' + token.sub) ? 'a' : 'b'"},
		{"name", "token.sub < token.number ? 'a' : 'b'"},
		{"name", "token.sub + token.list"},
		{"name", "token.sub.nothing.there"},
		{"name", "token.object.nothing"},
		{"name", "token.number"},
		{"name", "timestamp('2024-01-01T00:00:00Z').getHours(token.sub) == 1 ? 'a' : 'b'"},
		{"name", "token.list.first().value().zzz"},
		{"name", "dyn(token.object).map(k, k + token.number)[0]"},
		{"name", "dyn({token.sub: 1})[token.list[1]]"},
		{"created_at", "token.sub"},
		{"created_at", "token.email"},
		{"created_at", "timestamp(token.number * 1000000)"},
		{"roles", "token.email + ',' + token.sub"},
		{"roles", "[token.number]"},
		{"roles", "lists.range(token.number).map(i, string(i))"},
		{"attributes", "{token.sub: token.number}"},
		{"attributes", "{token.email: token.number}"},
		{"attributes", "token.object"},
		{"accounts", "[token.object]"},
		{"accounts", "[{'accountId': token.float}]"},
		{"accounts", "[{'accountId': token.sub, 'accountAdmin': token.email}]"},
		{"accounts", "[{'accountId': token.sub, 'accountName': token.list}]"},
		{"accounts", "[{'accountId': token.sub, token.sub: true}]"},
		{"upstream_token", "token.list"},
	} {
		t.Run(c.expr, func(t *testing.T) {
			m := mustCompile(t, oneRule(c.field, c.expr))
			p := grace()
			err := m.Apply(&p, factsOf(t, canaries))
			mustSay(t, err, "Caddyfile:12: map "+c.field)
			// The expression itself is the operator's.
			said := strings.Replace(err.Error(), c.expr, "", 1)
			if strings.Contains(said, "998877") || strings.Contains(said, canary) {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

func TestARefusalHoldsNoValue(t *testing.T) {
	m := mustCompile(t, nil, mapping.Demand{Expr: "token.sub == 'x'"})
	err := m.Apply(new(profile.Person), factsOf(t, canaries))
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

// Keys are the structure of a source, but for those that are data: addresses,
// and what could pretend to be another line of a log.
func TestKeysThatMayBeDataAreNotShown(t *testing.T) {
	err := mustCompile(t, oneRule("name", "token.object.x")).Apply(new(profile.Person),
		factsOf(t, `{"token":{"object":{"plain":1,"https://example.com/claims/roles":2,"ada@example.com":3,"a b":4,"a\nb":5,"":6,"`+strings.Repeat("k", 65)+`":7}}}`))
	mustSay(t, err, "token.object has: https://example.com/claims/roles, plain, and 5 more")
	many := strings.Repeat(`"k?":1,`, 40)
	for i := range 40 {
		many = strings.Replace(many, "?", string(rune('A'+i%26))+string(rune('a'+i/26)), 1)
	}
	err = mustCompile(t, oneRule("name", "token.x")).Apply(new(profile.Person), factsOf(t, `{"token":{`+strings.TrimSuffix(many, ",")+`}}`))
	mustSay(t, err, "kAa, ", "and 20 more")
}

// Run with -race: evaluations share what is compiled, the facts, and CEL's errors.
func TestAMappingIsSafeForConcurrentUse(t *testing.T) {
	good := mustCompile(t, rules{{Field: "roles", Expr: "token.groups.map(g, g + '!')"}, {Field: "accounts", Expr: "token.orgs.map(o, {'accountId': o})"}},
		mapping.Demand{Expr: "identity.roles.size() == 2"})
	bad := []*mapping.Mapping{
		mustCompile(t, oneRule("name", "token.number < token.sub ? 'a' : 'b'")),
		mustCompile(t, oneRule("name", "timestamp(token.huge * 1000) == timestamp(0) ? 'a' : 'b'")),
		mustCompile(t, oneRule("name", "token.number + token.sub")),
		mustCompile(t, oneRule("name", "timestamp(0) + token.sub == timestamp(0) ? 'a' : 'b'")),
	}
	facts := factsOf(t, claims)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				var p profile.Person
				if err := good.Apply(&p, facts); err != nil || strings.Join(p.Roles, " ") != "dev! ops!" || p.Accounts[0].AccountID != "acme" {
					t.Errorf("got %+v, %v", p, err)
				}
				for i, m := range bad {
					if err := m.Apply(&p, facts); err == nil || errors.As(err, new(*profile.Refused)) {
						t.Errorf("mapping %d: got %v", i, err)
					}
				}
			}
		})
	}
	group.Wait()
}
