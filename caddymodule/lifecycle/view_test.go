package lifecycle_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// served is the session as the gateway serves it.
func (v *vouched) served(t testing.TB, p *person) *sessionstore.Session {
	t.Helper()
	v.near.Drop(p.key)
	e, err := v.near.Lookup(t.Context(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	return e.Session
}

// wantServed demands roles and permissions of what is served.
func (v *vouched) wantServed(t testing.TB, p *person, roles, permissions []string) {
	t.Helper()
	if u := v.served(t, p).User; !slices.Equal(u.FlatRolesList, roles) || !slices.Equal(u.FlatPermissionsList, permissions) {
		t.Errorf("served with roles %q and permissions %q; want %q and %q", u.FlatRolesList, u.FlatPermissionsList, roles, permissions)
	}
}

// twoConfigurations are two gateways on one store that say different things of
// editors, and ada, who signed in at the first.
func twoConfigurations(t *testing.T, edits ...func(*lifecycle.VouchingConfig)) (one, two *vouched, k *keeper, ada *person) {
	t.Helper()
	k = newKeeper()
	store := memory.New(nil)
	one, two = newVouched(t, store, k, time.Now, ruled("a", edits...)), newVouched(t, store, k, time.Now, ruled("b", edits...))
	return one, two, k, one.signsIn(t, k)
}

// Else gateways that are configured in two ways would rebuild each other's
// sessions in turns, for as long as an upgrade takes.
func TestEachGatewayServesByItsOwnConfigurationAndWritesNothing(t *testing.T) {
	one, two, _, ada := twoConfigurations(t)
	before := ada.now(one.gateway)
	for range 50 {
		one.wantServed(t, ada, []string{"editor", "reader"}, []string{"a"})
		two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
	}
	if after := ada.now(one.gateway); after.Version != before.Version {
		t.Errorf("the record is at version %d, and was at %d", after.Version, before.Version)
	}
	if s := two.served(t, ada); s.View == nil || s.View.Due || two.Due(s, time.Now()) {
		t.Errorf("what is all at hand is to be asked of a source: %+v", s.View)
	}
}

// Beyond what is at hand a source is asked: once for each configuration, though
// two of them differ.
func TestWhatIsNotAtHandIsAskedOncePerSessionAndConfiguration(t *testing.T) {
	one, two, k, ada := twoConfigurations(t)
	k.set(func(k *keeper) { k.partial = true })
	for range 50 {
		for _, g := range []*vouched{one, two} {
			if s := g.served(t, ada); g.Due(s, time.Now()) {
				if _, err := g.Refresh(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if k.rebuilt != 1 {
		t.Errorf("the source was asked %d times; want once, for the second configuration", k.rebuilt)
	}
	one.wantServed(t, ada, []string{"editor", "reader"}, []string{"a"})
	two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
}

func TestWhatIsServedByAViewIsNotWritten(t *testing.T) {
	_, two, _, ada := twoConfigurations(t)
	chosen, err := two.ChooseAccount(t.Context(), two.served(t, ada), "globex")
	if err != nil {
		t.Fatal(err)
	}
	if chosen.View == nil || !slices.Equal(chosen.User.FlatPermissionsList, []string{"b"}) || chosen.User.PrimaryAccount.AccountID != "globex" {
		t.Errorf("answered with %+v", chosen)
	}
	if record := ada.now(two.gateway); !slices.Equal(record.User.FlatPermissionsList, []string{"a"}) || record.ChosenAccount != "globex" {
		t.Errorf("written is %+v", record)
	}
}

func TestAPersonWhoChangedWhileNothingRanIsServedAsTheyAre(t *testing.T) {
	one, _, k, ada := twoConfigurations(t)
	k.set(func(k *keeper) { k.roles, k.entry = []string{"viewer"}, "2" })
	one.wantServed(t, ada, []string{"viewer"}, nil)
}

func TestWhomTheConfigurationHereDoesNotAdmit(t *testing.T) {
	_, two, k, ada := twoConfigurations(t)
	k.set(func(k *keeper) { k.recall = &profile.Refused{Why: "require"} })
	for range 3 {
		two.near.Drop(ada.key)
		if _, err := two.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
			t.Errorf("answered with %v", err)
		}
	}
	two.WorkOff(t.Context())
	if ada.now(two.gateway) == nil {
		t.Error("their session has ended, and another gateway may admit them")
	}
	if got := two.ear.kinds(); !slices.Equal(got, []lifecycle.Kind{lifecycle.RefusedHere}) {
		t.Errorf("told of %q", got)
	}
}

func TestWhoseDomainIsAdmittedNoMoreIsNotServed(t *testing.T) {
	_, two, _, ada := twoConfigurations(t)
	admitted, err := profile.ParseDomains([]string{"example.org"})
	if err != nil {
		t.Fatal(err)
	}
	other := newVouched(t, two.store, newKeeper(), time.Now, ruled("c", func(c *lifecycle.VouchingConfig) {
		c.Domains = map[string]profile.Domains{"keeper": admitted}
	}))
	if _, err := other.visit(t.Context(), ada.key); !errors.Is(err, sessionstore.ErrNotHere) {
		t.Errorf("answered with %v", err)
	}
	two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
}

func TestWhatTheMappingHereCannotSayIsNotServed(t *testing.T) {
	for name, err := range map[string]error{
		"for what is kept cannot be mapped": &profile.Unmapped{Err: errTrouble},
		"for it makes no session":           profile.ErrInvalid,
	} {
		t.Run(name, func(t *testing.T) {
			_, two, k, ada := twoConfigurations(t)
			k.set(func(k *keeper) { k.recall = err })
			two.wantServed(t, ada, []string{}, []string{})
			if !two.served(t, ada).Unmapped {
				t.Error("nobody is told why")
			}
		})
	}
	t.Run("but trouble says nothing of the person", func(t *testing.T) {
		_, two, k, ada := twoConfigurations(t)
		k.set(func(k *keeper) { k.recall = errTrouble })
		two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
	})
}

// What directories have said is not at hand: the roles stay as they were
// granted, and bring with them what they do here.
func TestWhereThereAreDirectoriesRolesStayAsGranted(t *testing.T) {
	directories := func(c *lifecycle.VouchingConfig) { c.Directories = true }
	_, two, k, ada := twoConfigurations(t, directories)
	k.set(func(k *keeper) { k.roles = []string{"viewer"} })
	two.wantServed(t, ada, []string{"editor", "reader"}, []string{"b"})
	if s := two.served(t, ada); !two.Due(s, time.Now()) {
		t.Error("the directories are not asked")
	}
}

// The roles of before an answer that could not be mapped are gone.
func TestAViewGivesNoRolesBack(t *testing.T) {
	_, two, k, ada := twoConfigurations(t)
	s := *ada.now(two.gateway)
	s.Unmapped, s.User.FlatRolesList, s.User.FlatPermissionsList = true, []string{}, []string{}
	s.Grounds = &sessionstore.Grounds{Rules: "others", Password: s.Grounds.Password}
	if _, err := two.store.Update(t.Context(), &s); err != nil {
		t.Fatal(err)
	}
	two.wantServed(t, ada, []string{}, []string{})
	if k.rebuilt != 0 {
		t.Error("the source was asked")
	}
}

// Roles that a configuration granted which was taken back, or that another
// gateway is tried with, are not those of this one.
func TestWhatAnotherConfigurationHasMadeOfAPersonIsNotServedHere(t *testing.T) {
	one, two, k, ada := withDirectories(t)
	serve := func(g *vouched, granted ...string) {
		t.Helper()
		s := g.served(t, ada)
		if g.Due(s, time.Now()) {
			k.set(func(k *keeper) { k.roles = granted })
			if _, err := g.Refresh(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		serve(two, "editor", "admin")
		two.wantServed(t, ada, []string{"editor", "admin", "reader"}, []string{"b"})
		serve(one, "nobody should ask")
		one.wantServed(t, ada, []string{"editor", "reader"}, []string{"a"})
	}
	if k.rebuilt != 1 {
		t.Errorf("the source was asked %d times", k.rebuilt)
	}
}

// Nor is the slip of another configuration's mapping this one's.
func TestRolesThatAnotherConfigurationCannotMapAreServedHere(t *testing.T) {
	one, two, k, ada := twoConfigurations(t)
	k.set(func(k *keeper) { k.partial = true; k.rebuild = &profile.Unmapped{Err: errTrouble} })
	if _, err := two.Refresh(t.Context(), two.served(t, ada)); !errors.Is(err, lifecycle.ErrUnmapped) {
		t.Fatalf("answered with %v", err)
	}
	two.wantServed(t, ada, []string{}, []string{})
	one.wantServed(t, ada, []string{"editor", "reader"}, []string{"a"})
	k.set(func(k *keeper) { k.rebuild = nil })
	three := newVouched(t, one.store, k, time.Now, ruled("c"))
	if s := three.served(t, ada); !three.Due(s, time.Now()) {
		t.Error("a mapping that was mended is not asked for")
	}
	two.wantServed(t, ada, []string{}, []string{})
}

func TestAnAccountThatTheRecordHasYetToHearOfCanBeChosen(t *testing.T) {
	_, two, k, ada := twoConfigurations(t)
	k.set(func(k *keeper) { k.accounts = append(k.accounts, sessionstore.Account{AccountID: "hooli"}) })
	chosen, err := two.ChooseAccount(t.Context(), two.served(t, ada), "hooli")
	if err != nil || chosen.User.PrimaryAccount.AccountID != "hooli" {
		t.Errorf("answered with %+v, %v", chosen, err)
	}
	if u := two.served(t, ada).User; u.PrimaryAccount.AccountID != "hooli" {
		t.Errorf("then %+v is served", u.PrimaryAccount)
	}
}

// Else each change of a users file would make the records of its people longer.
func TestNothingIsRememberedOfWhatEveryConfigurationCanWorkOut(t *testing.T) {
	one, _, k, ada := twoConfigurations(t)
	for entry := range 5 {
		k.set(func(k *keeper) { k.entry = string(rune('2' + entry)) })
		one.RebuildPerson(k.Name(), 1)
		one.WorkOff(t.Context())
	}
	if g := ada.now(one.gateway).Grounds; len(g.Earlier) > 0 || k.rebuilt != 5 {
		t.Errorf("after %d rebuilds it remembers %+v", k.rebuilt, g.Earlier)
	}
}

// withDirectories are two gateways whose directories know more than is at hand.
func withDirectories(t *testing.T) (one, two *vouched, k *keeper, ada *person) {
	t.Helper()
	return twoConfigurations(t, func(c *lifecycle.VouchingConfig) { c.Directories = true })
}

// refreshes builds the session anew at that gateway, from what is said now.
func (v *vouched) refreshes(t *testing.T, k *keeper, ada *person, say func(k *keeper)) {
	t.Helper()
	k.set(say)
	if _, err := v.Refresh(t.Context(), v.served(t, ada)); err != nil && !errors.Is(err, lifecycle.ErrUnmapped) {
		t.Fatal(err)
	}
}

// What was made of a person under other rules is no evidence against what the
// sources have said since: a configuration that is taken back gives nobody back
// what was taken from them meanwhile.
func TestAConfigurationThatIsTakenBackGivesNoRoleBack(t *testing.T) {
	for name, says := range map[string]func(k *keeper){
		"that a source has taken away":       func(k *keeper) { k.roles = nil },
		"of which it says what no rule maps": func(k *keeper) { k.rebuild = &profile.Unmapped{Err: errTrouble} },
	} {
		t.Run(name, func(t *testing.T) {
			one, two, k, ada := withDirectories(t)
			two.refreshes(t, k, ada, func(*keeper) {})
			one.wantServed(t, ada, []string{"editor", "reader"}, []string{"a"}) // which is its own
			two.refreshes(t, k, ada, says)
			one.wantServed(t, ada, []string{}, []string{})
			if s := one.served(t, ada); !one.Due(s, time.Now()) {
				t.Error("nobody is asked what holds here")
			}
		})
	}
	t.Run("and is asked for, when it was built before this one came into force", func(t *testing.T) {
		_, two, k, ada := withDirectories(t)
		two.refreshes(t, k, ada, func(k *keeper) { k.roles = []string{"viewer"} })
		later := func() time.Time { return time.Now().Add(time.Minute) }
		back := newVouched(t, two.store, k, later, ruled("a", func(c *lifecycle.VouchingConfig) { c.Directories = true }))
		if s := back.served(t, ada); !back.Due(s, time.Now()) {
			t.Errorf("served are %q, and nobody is asked", s.User.FlatRolesList)
		}
	})
}

// A source that has said something new, or nothing that can be mapped, is asked
// by each of two gateways, and not again by what the other has made of it.
func TestTwoConfigurationsAskOnceEachAboutWhatIsNew(t *testing.T) {
	for name, says := range map[string]func(k *keeper){
		"another role":              func(k *keeper) { k.roles = []string{"viewer"} },
		"what neither of them maps": func(k *keeper) { k.rebuild = &profile.Unmapped{Err: errTrouble} },
	} {
		t.Run(name, func(t *testing.T) {
			one, two, k, ada := withDirectories(t)
			two.refreshes(t, k, ada, func(*keeper) {})
			two.refreshes(t, k, ada, says)
			before := k.rebuilt
			for range 20 {
				for _, g := range []*vouched{one, two} {
					if s := g.served(t, ada); g.Due(s, time.Now()) {
						g.refreshes(t, k, ada, func(*keeper) {})
					}
				}
			}
			if asked := k.rebuilt - before; asked != 1 {
				t.Errorf("asked %d times more; want once, by the other", asked)
			}
		})
	}
}

// What remains of a person where two builds of them differ has one primary
// account, of those that both give.
func TestNoMoreIsServedThanBothBuildsGive(t *testing.T) {
	one, two, k, ada := withDirectories(t)
	two.refreshes(t, k, ada, func(*keeper) {})
	two.refreshes(t, k, ada, func(k *keeper) {
		k.roles, k.accounts = []string{"reader", "admin"}, []sessionstore.Account{{AccountID: "globex"}, {AccountID: "hooli"}}
	})
	one.wantServed(t, ada, []string{"reader"}, []string{})
	if u := one.served(t, ada).User; len(u.Accounts) != 1 || u.PrimaryAccount == nil || *u.PrimaryAccount != u.Accounts[0] ||
		u.Accounts[0].AccountID != "globex" || !u.Accounts[0].UsersPrimaryAccount {
		t.Errorf("served with %+v, primary %+v", u.Accounts, u.PrimaryAccount)
	}
}
