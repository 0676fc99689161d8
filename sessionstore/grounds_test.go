package sessionstore_test

import (
	"fmt"
	"reflect"
	"testing"

	"example.com/sidegate/sessionstore"
)

func TestWhatASessionRemembersOfOtherRules(t *testing.T) {
	s := fullSession()
	s.Grounds = nil
	if s.Grounds.BuiltUnder() != "" || len(s.Before("a")) > 0 {
		t.Error("a session of before they were written down was built under some")
	}
	if _, ok := s.Under(""); ok {
		t.Error("it knows what was built under none")
	}
	build := func(rules, role string) {
		s.Grounds = &sessionstore.Grounds{Rules: rules, Earlier: s.Before(rules)}
		s.User.FlatRolesList = []string{role}
	}
	build("a", "of a")
	build("b", "of b")
	if e, ok := s.Under("a"); !ok || e.User.FlatRolesList[0] != "of a" || s.Grounds.BuiltUnder() != "b" {
		t.Errorf("under a it was %+v", e)
	}
	build("b", "of b again")
	if len(s.Grounds.Earlier) != 1 {
		t.Errorf("built under b again it remembers %d", len(s.Grounds.Earlier))
	}
	build("a", "of a again")
	if e, ok := s.Under("b"); !ok || e.User.FlatRolesList[0] != "of b again" || len(s.Grounds.Earlier) != 1 {
		t.Errorf("under b it was %+v", e)
	}
	for i := range 2 * sessionstore.MaxEarlier {
		build(fmt.Sprint(i), "of one")
	}
	if n := len(s.Grounds.Earlier); n != sessionstore.MaxEarlier || s.Grounds.Earlier[0].Rules != fmt.Sprint(2*sessionstore.MaxEarlier-2) {
		t.Errorf("it remembers %d", n)
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
