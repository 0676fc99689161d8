package providertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
)

// A provider in trouble before it has looked at the refresh token: the session
// stays as it is, and is built anew once the trouble is over.
func TestAProviderInTroubleSignsNobodyOut(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	refreshes := w.provider.At(provider.Refresh)
	for _, c := range []struct {
		name        string
		begin, stop func()
	}{
		{"unavailable", func() { refreshes.Break(fault.Status(http.StatusServiceUnavailable)) }, refreshes.Mend},
		{"at odds with us about the client", func() { refreshes.Break(fault.Status(http.StatusUnauthorized)) }, refreshes.Mend},
		{"behind a page that wants somebody to sign in", func() { refreshes.Break(fault.HTML()) }, refreshes.Mend},
		{"redirecting", func() { refreshes.Break(fault.Redirected(w.app.URL())) }, refreshes.Mend},
		{"closing connections", func() { refreshes.Break(fault.Refused()) }, refreshes.Mend},
		{"down", w.provider.Down, func() {
			if err := w.provider.Up(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run("one that is "+c.name, func(t *testing.T) {
			_, before := b.page(w.gateways[0])
			told := strings.Count(w.gateways[0].Log.String(), logTrouble)
			c.begin()
			role := "after-" + strings.ReplaceAll(c.name, " ", "-")
			w.grant(role)
			gatewaytest.Await(t, "the log tells of the trouble", func() bool {
				for _, g := range w.gateways {
					if status, roles := b.page(g); status != http.StatusOK || roles != before {
						t.Fatalf("in the trouble: %d %s", status, roles)
					}
				}
				return strings.Count(w.gateways[0].Log.String(), logTrouble) > told
			})
			c.stop()
			b.awaitRole(role, w.gateways...)
		})
	}
	if reuses := w.provider.Tally().Reuses; reuses != 0 {
		t.Errorf("%d refresh tokens were presented again after they were spent", reuses)
	}
}

// Requests are answered from the session as it was, all of them while the
// provider has not answered yet.
func TestASlowProviderSlowsNoRequest(t *testing.T) {
	t.Parallel()
	w := startPair(t, everySecond)
	b := w.signIn()
	w.grant("second")
	gate := make(chan struct{})
	w.provider.At(provider.Refresh).Break(fault.Held(gate))
	b.awaitRefresh(w, w.gateways[0])
	// A provider that does not answer for ten seconds is given up.
	for i, began := 0, time.Now(); i < 200 && time.Since(began) < 5*time.Second; i++ {
		if status, roles := b.page(w.gateways[i%2]); status != http.StatusOK || roles != "first" {
			t.Fatalf("request %d while the provider is asked: %d %s", i, status, roles)
		}
	}
	if calls := w.provider.At(provider.Refresh).Count(); calls != 1 {
		t.Errorf("the provider was asked %d times; want 1, not yet answered", calls)
	}
	w.provider.At(provider.Refresh).Mend()
	close(gate)
	b.awaitRole("second", w.gateways...)
	w.wantNoReuse()
}

// The provider has spent the refresh token, and its answer with the next one
// is lost on the way: nobody has it. That is trouble at first and ends no
// session. But the spent one is all that can be presented next, the provider
// takes it for stolen, and its invalid_grant is a definite "no".
func TestATokenThatIsLostAfterTheRotationEndsTheSessionAtTheProvidersWord(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]fault.Fault{"the connection ends": fault.Dropped(), "half an answer comes": fault.Truncated()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startPair(t, everySecond)
			b := w.signIn()
			w.provider.At(provider.Refresh).Break(fault.Times(1, lost))
			g := w.gateways[0]
			gatewaytest.Await(t, "the session has ended", func() bool {
				status, _ := b.page(g)
				if status == http.StatusUnauthorized && w.provider.Tally().Reuses != 1 {
					t.Fatal("the session ended before the provider refused it")
				}
				return status == http.StatusUnauthorized
			})
			b.awaitEnd(w.gateways...)
			g.AwaitLog(logTrouble, logEnded)
			said := g.Log.String()
			trouble, end := strings.Index(said, logTrouble), strings.Index(said, logEnded)
			if trouble < 0 || end < trouble {
				t.Errorf("the log tells of trouble at %d, of the end at %d", trouble, end)
			}
			if sessions := recordsOf(t, w.redis, adaNumber); len(sessions) != 0 {
				t.Errorf("%d sessions are left", len(sessions))
			}
		})
	}
}

// What comes after the rotation fails, again and again. The next refresh token
// is written down each time all the same.
func TestARefreshThatFailsAfterTheRotationKeepsTheNewToken(t *testing.T) {
	t.Parallel()
	userinfo := func(w *pair, f fault.Fault) *fault.Point {
		p := w.provider.At(provider.UserInfo)
		p.Break(f)
		return p
	}
	for _, c := range []struct {
		name  string
		roles string // in the trouble: an answer of somebody else vouches for none
		fail  func(*pair) *fault.Point
	}{
		{"userinfo is unavailable", "first", func(w *pair) *fault.Point { return userinfo(w, fault.Status(http.StatusServiceUnavailable)) }},
		{"userinfo answers a page", "first", func(w *pair) *fault.Point { return userinfo(w, fault.HTML()) }},
		{"userinfo tells of somebody else", "", func(w *pair) *fault.Point {
			return userinfo(w, fault.JSON(func(claims map[string]any) { claims["sub"] = "somebody-else" }))
		}},
		{"the tokens are of a type that is not ours to use", "first", func(w *pair) *fault.Point {
			p := w.provider.At(provider.Refresh)
			p.Break(fault.JSON(func(tokens map[string]any) { tokens["token_type"] = "DPoP" }))
			return p
		}},
		{"the ID token is not the provider's", "first", func(w *pair) *fault.Point {
			p := w.provider.At(provider.Refresh)
			p.Break(fault.JSON(func(tokens map[string]any) { tokens["id_token"] = tokens["id_token"].(string) + "AAAA" }))
			return p
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := startPair(t, everySecond)
			b := w.signIn()
			point := c.fail(w)
			w.grant("second")
			gatewaytest.Await(t, "there were two rotations", func() bool {
				for _, g := range w.gateways {
					if status, roles := b.page(g); status != http.StatusOK || roles != c.roles && roles != "first" {
						t.Fatalf("in the trouble: %d %s", status, roles)
					}
				}
				return w.provider.Tally().Rotations == 2
			})
			b.awaitRole(c.roles, w.gateways...)
			point.Mend()
			b.awaitRole("second", w.gateways...)
			w.wantNoReuse()
		})
	}
}
