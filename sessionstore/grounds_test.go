package sessionstore_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestRulesThatASessionWasBuiltUnder(t *testing.T) {
	var unknown *sessionstore.Grounds
	if unknown.Latest() != "" || unknown.BuiltUnder("a") || unknown.BuiltUnder("") {
		t.Error("a session of before they were written down was built under some")
	}
	g := &sessionstore.Grounds{Rules: unknown.Rebuilt("a")}
	g.Rules = g.Rebuilt("b")
	if g.Latest() != "b" || !g.BuiltUnder("a") || !g.BuiltUnder("b") || g.BuiltUnder("c") {
		t.Errorf("after a and b they are %q", g.Rules)
	}
	if again := g.Rebuilt("a"); !slices.Equal(again, []string{"a", "b"}) || g.Latest() != "b" {
		t.Errorf("after a again they are %q, and were %q", again, g.Rules)
	}
	for i := range 2 * sessionstore.MaxRules {
		g.Rules = g.Rebuilt(fmt.Sprint(i))
	}
	if len(g.Rules) != sessionstore.MaxRules || g.Latest() != fmt.Sprint(2*sessionstore.MaxRules-1) {
		t.Errorf("a session that was built under many remembers %q", g.Rules)
	}
}

// What is served here must not be written for others: they may be configured
// otherwise.
func TestAViewIsNotARecord(t *testing.T) {
	record := fullSession()
	view := *record
	view.View = &sessionstore.View{Of: record, Due: true}
	if view.Record() != record || record.Record() != record {
		t.Error("the record is not what the store has")
	}
	if c := view.Clone(); c.View != nil || !reflect.DeepEqual(c, record.Clone()) {
		t.Errorf("a store would give back %+v", c)
	}
}
