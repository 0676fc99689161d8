package demand_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/refusal"
)

func TestARequestIsDecidedByTheRulesThatAreNamed(t *testing.T) {
	editors := []demand.Requirement{{Roles: []string{"editor"}}, {Permissions: []string{"write"}}}
	rules := demand.Demands{Require: admins, Public: []string{"/assets/*"}, Paths: []demand.PathRule{
		{Patterns: []string{"/orders/*"}, Require: editors},
		{Patterns: []string{"/orders/open/*"}, Public: true},
		{Patterns: []string{"/orders/open/boss"}, AccountAdmin: true},
		{Patterns: []string{"/help/*"}, Optional: true},
		{Patterns: []string{"/new/*"}, Require: []demand.Requirement{{Roles: []string{"nobody"}}}, ReportOnly: true},
		{Patterns: []string{"/mine"}},
	}}
	open := demand.Demands{Optional: true, Paths: []demand.PathRule{{Patterns: []string{"/in/*"}}}}
	for _, c := range []struct {
		name    string
		demands demand.Demands
		path    string
		who     *caller.Caller
		want    string
	}{
		{"nobody, by a session that the whole demands", demand.Demands{}, "/x", anonymous, "a session"},
		{"somebody, by the same", demand.Demands{}, "/x", signedIn(), "a session"},
		{"somebody, by a role of the whole", demand.Demands{Require: admins}, "/x", signedIn("admin"), "role admin"},
		{"somebody without it", demand.Demands{Require: admins}, "/x", signedIn(), "role admin"},
		{"the first that is not met", demand.Demands{Require: append(admins, editors...)}, "/x", signedIn("admin"), "role editor"},
		{"an administrator of no account", demand.Demands{AccountAdmin: true}, "/x", signedIn(), "account_admin"},
		{"what is public", demand.Demands{Public: []string{"/a", "/b/*"}}, "/b/c", anonymous, "public /a /b/*"},
		{"what is optional", demand.Demands{Optional: true}, "/x", anonymous, "optional"},
		{"a bad token where a session is optional", demand.Demands{Optional: true}, "/x", badToken, "optional"},
		{"nobody, by the first rule", rules, "/orders/7", anonymous, "a session"},
		{"somebody, by the whole before a rule", rules, "/orders/7", signedIn("editor"), "role admin"},
		{"somebody, by a rule", rules, "/orders/7", signedIn("admin", "editor"), "path /orders/*: permission write"},
		{"a rule that opens", rules, "/orders/open/x", anonymous, "path /orders/open/*: public"},
		{"the option public among rules", rules, "/assets/x", anonymous, "public /assets/*"},
		{"a narrower demand within what is open", rules, "/orders/open/boss", signedIn("admin"), "path /orders/open/boss: account_admin"},
		{"nobody at that demand", rules, "/orders/open/boss", anonymous, "path /orders/open/boss: a session"},
		{"another reading", rules, "/orders/open/..;/7", signedIn("admin"), "path /orders/*: role editor"},
		{"what a rule leaves to choice", rules, "/help/me", anonymous, "path /help/*: optional"},
		{"somebody there", rules, "/help/me", signedIn(), "path /help/*: optional"},
		{"what is only reported", rules, "/new/x", signedIn("admin"), "path /new/*: role nobody"},
		{"all that is met, in order", rules, "/mine", signedIn("admin"), "role admin"},
		{"a rule that demands a session alone", open, "/in/x", signedIn(), "path /in/*: a session"},
		{"nobody at that rule", open, "/in/x", anonymous, "path /in/*: a session"},
		{"beside that rule", open, "/x", anonymous, "optional"},
		{"what passes unasked, whoever asks", demand.Demands{Require: admins, Preflight: "pass"}, "/x", signedIn(), "preflight pass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := prepared(t, c.demands)
			var heard []string
			d.Explain(func(of *demand.Demands, made demand.Decision, r demand.Request, by *caller.Caller) {
				for _, ruling := range of.Rulings(made, r, by) {
					heard = append(heard, ruling.Rule)
				}
			})
			asked := get(t, c.path)
			asked.Preflight = c.demands.Preflight != ""
			made := d.Decide(asked, c.who)
			if got := strings.Join(heard, ", "); got != c.want {
				t.Errorf("%+v by %q", made, got)
			}
			if made.Why != refusal.Role && made.Would != refusal.Role {
				return
			}
			if told := d.Unmet(&made, get(t, c.path), c.who.User); told != heard[0] {
				t.Errorf("the log says %q, and heard was %q", told, heard)
			}
		})
	}
}
