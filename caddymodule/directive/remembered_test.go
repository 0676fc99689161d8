package directive_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"example.com/sidegate/caddymodule/directive"
)

func TestWhereSomethingOfACaddyfileStandsIsKnownWhenItIsLoaded(t *testing.T) {
	t.Cleanup(directive.Forget)
	d := caddyfile.NewTestDispenser("first\nsecond\nthird")
	var at []directive.Position
	for d.Next() {
		at = append(at, directive.Here(d))
	}
	why := errors.New("so")
	said := func(raw string) string { return directive.Recall(json.RawMessage(raw)).Wrap(why).Error() }
	directive.Remember(json.RawMessage(`{"name":"a","more":{"y":1,"x":2}}`), at[0])
	directive.Remember(json.RawMessage(`{"name":"b"}`), at[1])
	directive.Remember(json.RawMessage(`{"name":"b"}`), at[1]) // read once more, where a snippet is adapted for several sites
	directive.Remember(json.RawMessage(`{"name":"c"}`), directive.Position{})
	for _, c := range []struct{ name, raw, want string }{
		{"as it was adapted", `{"name":"a","more":{"y":1,"x":2}}`, "Testfile:1: so"},
		{"with its members in another order, and blanks", `{ "more": {"x": 2, "y": 1}, "name": "a" }`, "Testfile:1: so"},
		{"remembered twice", `{"name":"b"}`, "Testfile:2: so"},
		{"of no Caddyfile", `{"name":"c"}`, "so"},
		{"another", `{"name":"d"}`, "so"},
	} {
		if got := said(c.raw); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	directive.Remember(json.RawMessage(`{"name":"b"}`), at[2])
	if got := said(`{"name":"b"}`); got != "Testfile:2 or Testfile:3: so" {
		t.Errorf("of two that are alike: %q", got)
	}
	directive.Forget()
	if got := said(`{"name":"a","more":{"y":1,"x":2}}`); got != "so" {
		t.Errorf("another configuration may have other lines: %q", got)
	}
}

func TestAnErrorThatBeginsWithAnOptionHasItsLine(t *testing.T) {
	t.Cleanup(directive.Forget)
	d := caddyfile.NewTestDispenser("cookie\ntoken")
	at := make(map[string]directive.Position)
	for d.Next() {
		at[d.Val()] = directive.Here(d)
	}
	directive.RememberWords(json.RawMessage(`{"name":"a"}`), at)
	for _, c := range []struct{ block, says, want string }{
		{`{"name":"a"}`, "cookie: so", "Testfile:1: cookie: so"},
		{`{"name":"a"}`, "token is so", "Testfile:2: token is so"},
		{`{"name":"a"}`, "token", "Testfile:2: token"},
		{`{"name":"a"}`, "tokens: so", "tokens: so"},
		{`{"name":"b"}`, "cookie: so", "cookie: so"},
		{`{"name":"a"}`, "", ""},
	} {
		err := errors.New(c.says)
		if got := directive.RecallWord(json.RawMessage(c.block), err).Wrap(err).Error(); got != c.want {
			t.Errorf("%s in %s: %q", c.says, c.block, got)
		}
	}
}
