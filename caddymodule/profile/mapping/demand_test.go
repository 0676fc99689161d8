package mapping_test

import (
	"errors"
	"testing"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

func TestDemands(t *testing.T) {
	const verified = "token.email_verified == true"
	for _, c := range []struct {
		name, expr, facts string
		refused           bool
		fails             string // what an error other than a refusal says
	}{
		{"one that holds lets the person in", verified, `{"token":{"email_verified":true}}`, false, ""},
		{"one that does not hold refuses", verified, `{"token":{"email_verified":false}}`, true, ""},
		{"text that reads true is not true", verified, `{"token":{"email_verified":"true"}}`, true, ""},
		{"a claim that is not there is trouble, and lets nobody in", verified, `{"token":{"sub":"a-1"}}`, false, `no such key "email_verified" (at 1:6); token has: sub`},
		{"text is no answer", "token.ok", `{"token":{"ok":"Y"}}`, false, "wanted bool, found string: compare it, as in == 'Y'"},
		{"no value is no answer", "token.?ok", `{"token":{}}`, false, "wanted bool, found optional_type(dyn)"},
		{"an optional that hides its type is no answer", "dyn(token.?ok)", `{"token":{}}`, false, "wanted bool, found an optional without a value"},
		{"one that looks at what was mapped", "'ada@' + 'example.com' == identity.email", `{}`, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := mapping.Compile(oneRule("email", "'ada@example.com'"), []mapping.Demand{{Expr: c.expr, Message: "Ask the desk.", Where: "Caddyfile:20"}}, everywhere)
			p := grace()
			if err == nil {
				err = m.Apply(&p, factsOf(t, c.facts))
			}
			var refused *profile.Refused
			switch {
			case errors.As(err, &refused) != c.refused:
				t.Fatalf("refused: %v, want %v: %v", refused != nil, c.refused, err)
			case c.refused && (refused.Message != "Ask the desk." || refused.Why != "Caddyfile:20: require `"+c.expr+"`: does not hold"):
				t.Errorf("got %q, %q", refused.Message, refused.Why)
			case c.fails != "":
				mustSay(t, err, "Caddyfile:20: require `"+c.expr+"`: ", c.fails)
			case !c.refused && err != nil:
				t.Error(err)
			}
			if let := err == nil; (p.Email == "ada@example.com") != let {
				t.Errorf("let in: %v, email %q", let, p.Email)
			}
		})
	}
}

// A stranger may have none of the claims that the rules want: they are to be
// told "no", and not that the gateway is broken.
func TestDemandsOfTheFactsComeBeforeTheRules(t *testing.T) {
	m := mustCompile(t, oneRule("roles", "token.groups"), mapping.Demand{Expr: "'staff' in token.?groups.orValue([])"})
	var refused *profile.Refused
	if err := m.Apply(new(profile.Person), factsOf(t, `{"token":{"sub":"x"}}`)); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstDemandThatDoesNotHoldSaysWhy(t *testing.T) {
	m := mustCompile(t, nil, mapping.Demand{Expr: "true", Message: "a"}, mapping.Demand{Expr: "false", Message: "b"}, mapping.Demand{Expr: "false", Message: "c"})
	var refused *profile.Refused
	if err := m.Apply(new(profile.Person), nil); !errors.As(err, &refused) || refused.Message != "b" {
		t.Errorf("got %+v", refused)
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name, expr, facts string
		holds             bool
		fails             string
	}{
		{"true of the answer", "login.status == 200 && login.body.success == 'Y'", `{"login":{"status":200,"body":{"success":"Y"}}}`, true, ""},
		{"not true of the answer", "login.body.success == 'Y'", `{"login":{"status":200,"body":{"success":"N"}}}`, false, ""},
		{"an answer that says nothing of it is no yes", "login.body.success == 'Y'", `{"login":{"status":200,"body":{"error":"x"}}}`, false, `no such key "success" (at 1:11); login has: body, status; login.body has: error`},
		{"an answer that is no object is no yes", "login.body.success", `{"login":{"status":200,"body":[]}}`, false, "asked for an element by what is not its number"},
		{"text is no yes", "login.body.success", `{"login":{"body":{"success":"Y"}}}`, false, "wanted bool, found string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			condition, err := mapping.CompileCondition(c.expr, "Caddyfile:7", []string{"login"})
			if err != nil {
				t.Fatal(err)
			}
			holds, err := condition.Holds(factsOf(t, c.facts))
			if c.fails != "" {
				mustSay(t, err, "Caddyfile:7: condition `"+c.expr+"`: ", c.fails)
			} else if err != nil {
				t.Error(err)
			}
			if holds != c.holds {
				t.Errorf("holds: %v", holds)
			}
		})
	}
}

func TestConditionsThatDoNotCompile(t *testing.T) {
	for expr, says := range map[string]string{
		"login.stats == 200": `login has no "stats" (did you mean "status"?): it has body, header, location, status`,
		"token.ok":           "undeclared reference to 'token'",
		"login.status + 1":   "wanted bool, found int: compare it",
	} {
		_, err := mapping.CompileCondition(expr, "Caddyfile:7", []string{"login"})
		mustSay(t, err, "Caddyfile:7: condition `"+expr+"`: ", says)
	}
	_, err := mapping.CompileCondition("true", "", []string{"answer"})
	mustSay(t, err, `there is no variable "answer"`)
}
