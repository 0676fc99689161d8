package providertest

import (
	"net/http"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/provider"
)

func TestARoleThatChangedShowsWithoutANewSignIn(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	before := w.record(adaNumber)
	etags := make(map[string]string)
	for _, g := range w.gateways {
		_, etags[g.URL], _ = b.session(g)
	}
	w.grant("second")
	b.awaitRole("second", w.gateways...)
	after := w.record(adaNumber)
	if after.Version <= before.Version || !after.BuiltAt.After(before.BuiltAt) {
		t.Errorf("version %d built at %v, after %d at %v", after.Version, after.BuiltAt, before.Version, before.BuiltAt)
	}
	if after.Key != before.Key || !after.ExpiresAt.Equal(before.ExpiresAt) {
		t.Error("it is another session, or lives longer than it did")
	}
	for _, g := range w.gateways {
		status, h, _ := b.must(http.MethodGet, g.URL+"/auth/session", "", "If-None-Match", etags[g.URL])
		if status != http.StatusOK || h.Get("ETag") == etags[g.URL] {
			t.Errorf("%d, and the ETag is %s after %s", status, h.Get("ETag"), etags[g.URL])
		}
	}
	if asked := len(w.provider.Asked()); asked != 1 {
		t.Errorf("%d authorization requests; want that of the sign-in", asked)
	}
}

// Whatever the provider says that is a definite "no" ends the session, at
// every gateway.
func TestADefiniteNoEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond, mapping("id", "token.uid", "roles", "token.groups"), "require `!('left' in token.groups)` \"You have left.\"")
	for _, c := range []struct {
		name string
		end  func()
	}{
		{"the person is gone (invalid_grant)", func() { w.provider.RemovePerson(adaSubject) }},
		{"the provider's session was ended", func() { w.provider.SignOutEverywhere(t.Context(), adaSubject) }},
		{"a demand of the configuration no longer holds", func() { w.grant("left") }},
		{"the person's id would be another", func() { w.grant("first", "uid", 2002) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.grant("first")
			b := w.signIn()
			for _, g := range w.gateways {
				if status, _ := b.page(g); status != http.StatusOK {
					t.Fatalf("before: %d", status)
				}
			}
			c.end()
			b.awaitEnd(w.gateways...)
			if left := len(recordsOf(t, w.redis, adaNumber)) + len(recordsOf(t, w.redis, 2002)); left != 0 {
				t.Errorf("%d sessions are left", left)
			}
		})
	}
	w.wantNoReuse()
}

func TestTheAccountThatWasChosenOutlivesRefreshes(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond, mapping("id", "token.uid", "roles", "token.groups",
		"accounts", `token.organization.map(name, {"accountId": name, "accountName": name})`))
	b := w.signIn()
	one, other := w.gateways[0], w.gateways[1]
	if _, _, s := b.session(one); s.PrimaryAccount == nil || s.PrimaryAccount.AccountID != "acme" {
		t.Fatalf("it begins with %+v", s.PrimaryAccount)
	}
	status, _, body := b.must(http.MethodPut, one.URL+"/auth/session/primary-account", `{"accountId":"globex"}`, "Content-Type", "application/json")
	if status != http.StatusOK {
		t.Fatalf("choosing: %d %s", status, body)
	}
	acme, globex, initech := map[string]any{"id": "a"}, map[string]any{"id": "g"}, map[string]any{"id": "i"}
	for _, c := range []struct {
		role, name    string
		organizations map[string]any
		want          string
	}{
		{"second", "as long as it is theirs", map[string]any{"acme": acme, "globex": globex, "initech": initech}, "globex"},
		{"third", "and not when it is no longer", map[string]any{"acme": acme, "initech": initech}, "acme"},
		{"fourth", "nor again when it is theirs anew", map[string]any{"acme": acme, "globex": globex}, "acme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.grant(c.role, "organization", c.organizations)
			b.awaitRole(c.role, one, other)
			_, _, s := b.session(other)
			if s.PrimaryAccount == nil || s.PrimaryAccount.AccountID != c.want || len(s.Accounts) != len(c.organizations) {
				t.Errorf("the primary account is %+v of %+v; want %s", s.PrimaryAccount, s.Accounts, c.want)
			}
		})
	}
}

// Without a refresh token the provider cannot be asked; the session lives on
// with what it said at the sign-in.
func TestASessionWithoutARefreshTokenIsBuiltOfWhatWasSaid(t *testing.T) {
	t.Parallel()
	p, d, app := startProvider(t, provider.Config{Algorithm: "ES256"}), startCRM(t), startLegacy(t)
	g := newGateway(t, gatewaytest.Site{
		Options: everySecond + oidcLogin(t, "sso", p, desk, mapping("id", "token.uid")) +
			crmDirectory("crm", d, mapping("roles", "directory.crm.roles")),
		Upstream: app.URL(),
	})
	register(p, desk, "sso", g)
	g.Start()
	b := signInAs(t, g, adaAddress)
	p.Down()
	d.SetEntry(adaAddress, map[string]any{"roles": []string{"second"}})
	b.awaitRole("second", g)
	_, _, s := b.session(g)
	if s.ID != adaNumber || !slices.Equal(s.FlatRolesList, []string{"second"}) || p.At(provider.Refresh).Count() != 0 {
		t.Errorf("%+v after %d refreshes", s, p.At(provider.Refresh).Count())
	}
}
