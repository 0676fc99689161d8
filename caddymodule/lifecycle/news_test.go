package lifecycle_test

import (
	"strconv"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// In an upgrade, a gateway builds most sessions for the first time when a source
// takes something away: what it took is not served by the other gateway either.
func TestWhatAFirstBuildNoLongerGivesIsServedNowhere(t *testing.T) {
	for name, c := range map[string]struct {
		says  func(k *keeper)
		holds func(s *sessionstore.Session) bool
	}{
		"a role": {says: func(k *keeper) { k.roles = []string{"reader"} }, holds: func(s *sessionstore.Session) bool {
			return len(s.User.FlatRolesList) > 1 || len(s.User.FlatPermissionsList) > 0
		}},
		"an account": {says: func(k *keeper) { k.accounts = k.accounts[1:] }, holds: func(s *sessionstore.Session) bool {
			return len(s.User.Accounts) > 1
		}},
		"that they administer one": {says: func(k *keeper) { k.accounts[0].AccountAdmin = false }, holds: func(s *sessionstore.Session) bool {
			return s.User.Accounts[0].AccountAdmin
		}},
	} {
		t.Run(name, func(t *testing.T) {
			one, two, k, ada := withDirectories(t)
			if !c.holds(one.served(t, ada)) {
				t.Fatal("it is not there from the beginning")
			}
			two.refreshes(t, k, ada, c.says)
			s := one.served(t, ada)
			if c.holds(s) || !one.Due(s, time.Now()) {
				t.Errorf("served are %q and %+v, and it is due: %v", s.User.FlatRolesList, s.User.Accounts, one.Due(s, time.Now()))
			}
			one.refreshes(t, k, ada, func(*keeper) {})
			if two.Due(two.served(t, ada), time.Now()) {
				t.Error("that is news to the other again")
			}
		})
	}
}

// One that another has told of a first withdrawal tells of a second one itself.
func TestASecondWithdrawalIsServedNowhere(t *testing.T) {
	one, two, k, ada := withDirectories(t)
	one.refreshes(t, k, ada, func(k *keeper) { k.roles = []string{"editor", "viewer"} })
	two.refreshes(t, k, ada, func(*keeper) {})
	one.refreshes(t, k, ada, func(k *keeper) { k.roles = []string{"editor"} })
	two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
	two.refreshes(t, k, ada, func(k *keeper) { k.roles = nil })
	one.wantServed(t, ada, []string{}, []string{})
}

// An address may be somebody else's by now, and an app may decide by attributes.
func TestNoFormerAddressOrAttributeIsServed(t *testing.T) {
	one, two, k, ada := withDirectories(t)
	k.set(func(k *keeper) { k.attributes = map[string]string{"clearance": "secret", "team": "a"} })
	one.refreshes(t, k, ada, func(*keeper) {})
	two.refreshes(t, k, ada, func(*keeper) {})
	two.refreshes(t, k, ada, func(k *keeper) {
		k.email, k.attributes = "ada.second@example.com", map[string]string{"clearance": "none", "team": "a"}
	})
	s := one.served(t, ada)
	if s.User.Email != "ada.second@example.com" || len(s.Attributes) != 1 || s.Attributes["team"] != "a" || !one.Due(s, time.Now()) {
		t.Errorf("served with %s and %v, and it is due: %v", s.User.Email, s.Attributes, one.Due(s, time.Now()))
	}
}

// More configurations than a session remembers would each ask for what the
// others have forgotten, at every request.
func TestMoreConfigurationsThanAreRememberedDoNotAskInTurns(t *testing.T) {
	k, store := newKeeper(), memory.New(nil)
	var gateways []*vouched
	for i := range sessionstore.MaxEarlier + 3 {
		gateways = append(gateways, newVouched(t, store, k, time.Now,
			ruled("rules "+strconv.Itoa(i), func(c *lifecycle.VouchingConfig) { c.Directories = true })))
	}
	ada := gateways[0].signsIn(t, k)
	for range 20 {
		for _, g := range gateways {
			if s := g.served(t, ada); g.Due(s, time.Now()) {
				g.refreshes(t, k, ada, func(*keeper) {})
			}
		}
	}
	if k.rebuilt > 2*len(gateways) {
		t.Errorf("asked %d times by %d gateways", k.rebuilt, len(gateways))
	}
}
