package providertest

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/provider"
)

// While gateways are upgraded one after the other they are configured in two
// ways. Were what each makes of the claims written down, they would rebuild the
// session in turns, and ask the provider each time.
func TestTwoGatewaysThatMapDifferentlyAskTheProviderOnce(t *testing.T) {
	t.Parallel()
	w := startPair(t, "")
	one, other := w.gateways[0], w.gateways[1]
	b := w.signIn()
	b.awaitRole("first", one, other)
	other.Site.Options = oidcLogin(t, "sso", w.provider, desk, mapping("id", "token.uid", "roles", `token.groups.map(g, g + "-too")`), signInOptions) +
		"store redis " + w.redis.URL() + "\nsecret \"" + gatewaytest.PresentSecret + "\"\n"
	other.Reload()
	refreshes := w.provider.At(provider.Refresh)
	for range 50 {
		if status, roles := b.page(one); status != http.StatusOK || roles != "first" {
			t.Fatalf("where nothing has changed: %d, with the roles %q", status, roles)
		}
		if status, roles := b.page(other); status != http.StatusOK || roles != "first-too" {
			t.Fatalf("where the mapping has changed: %d, with the roles %q", status, roles)
		}
	}
	gatewaytest.Await(t, "the refresh is written down", func() bool { return len(w.record(adaNumber).Grounds.Earlier) == 1 })
	version := w.record(adaNumber).Version
	for range 50 {
		if _, roles := b.page(one); roles != "first" {
			t.Fatalf("after the refresh, where nothing has changed, the roles are %q", roles)
		}
		if _, roles := b.page(other); roles != "first-too" {
			t.Fatalf("after the refresh, where the mapping has changed, the roles are %q", roles)
		}
	}
	if calls := refreshes.Count(); calls != 1 {
		t.Errorf("the provider was asked %d times; want 1", calls)
	}
	if now := w.record(adaNumber).Version; now != version {
		t.Errorf("the record is at version %d, after %d", now, version)
	}
	w.wantNoReuse()
	figure(t, "two configurations", "calls at the provider in 200 requests in turns", "1")
}
