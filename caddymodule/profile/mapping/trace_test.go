package mapping_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/sessionstore"
)

func TestTraceTellsEachStep(t *testing.T) {
	m := mustCompile(t, rules{
		{Field: "id", Expr: "registry"},
		{Field: "roles", Expr: "token.groups"},
		{Field: "accounts", Expr: "[{'accountId': 'acme'}]"},
		{Field: "name", Expr: "token.?none"},
	}, mapping.Demand{Expr: "'dev' in identity.roles"}, mapping.Demand{Expr: "token.sub != ''"})
	p := grace()
	steps, err := m.Trace(&p, factsOf(t, claims))
	want := []mapping.Step{
		{Field: "require", Expr: "token.sub != ''", Result: true},
		{Field: "id", Expr: "registry", Result: "registry"},
		{Field: "roles", Expr: "token.groups", Result: []string{"dev", "ops"}},
		{Field: "accounts", Expr: "[{'accountId': 'acme'}]", Result: []sessionstore.Account{{AccountID: "acme"}}},
		{Field: "name", Expr: "token.?none"},
		{Field: "require", Expr: "'dev' in identity.roles", Result: true},
	}
	if err != nil || !reflect.DeepEqual(steps, want) {
		t.Errorf("got  %+v, %v\nwant %+v", steps, err, want)
	}
	if p.ID != 0 || len(p.Roles) != 2 {
		t.Errorf("the person was not filled: %+v", p)
	}
}

func TestTraceGoesOnBehindAnError(t *testing.T) {
	m := mustCompile(t, rules{{Field: "roles", Expr: "token.grps"}, {Field: "email", Expr: "token.email"}}, mapping.Demand{Expr: "false"})
	p := grace()
	steps, err := m.Trace(&p, factsOf(t, claims))
	if len(steps) != 3 || steps[0].Err == nil || steps[1].Err == nil || steps[2].Err != nil {
		t.Fatalf("got %+v", steps)
	}
	if err == nil || err != steps[0].Err {
		t.Errorf("the error is %v, want that of the first step that failed", err)
	}
	if steps[2].Result != "ada@example.com" || p.Email != "grace@example.com" {
		t.Errorf("the step is %+v, the person's email %q", steps[2], p.Email)
	}
}

func TestTraceShowsNoCredential(t *testing.T) {
	const secret = "c4n4ry-token"
	m := mustCompile(t, oneRule("upstream_token", "login.body.jwt"))
	var p profile.Person
	steps, err := m.Trace(&p, profile.Facts{"login": map[string]any{"body": map[string]any{"jwt": secret}}})
	if err != nil || p.Kept.UpstreamToken != secret {
		t.Fatalf("the token was not kept: %v", err)
	}
	if shown := fmt.Sprintf("%+v", steps); strings.Contains(shown, secret) {
		t.Error(shown)
	}
}

// What a trace hands out is the person's own: writing to it is writing to them,
// and never to the facts.
func TestResultsShareNothingWithTheFacts(t *testing.T) {
	m := mustCompile(t, rules{{Field: "roles", Expr: "token.groups"}, {Field: "attributes", Expr: "token.texts"}})
	facts := factsOf(t, `{"token":{"groups":["dev"],"texts":{"a":"b"}}}`)
	var p profile.Person
	if err := m.Apply(&p, facts); err != nil {
		t.Fatal(err)
	}
	p.Roles[0], p.Attributes["a"] = "changed", "changed"
	if want := factsOf(t, `{"token":{"groups":["dev"],"texts":{"a":"b"}}}`); !reflect.DeepEqual(facts, want) {
		t.Errorf("the facts are %v", facts)
	}
}
