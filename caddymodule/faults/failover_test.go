package faults_test

import (
	"net/http"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// bySentinel are the options of a gateway that asks those sentinels.
func bySentinel(g *redistest.Sentinel, store, more string) string {
	return faultOptions(g.URL()+" {\nsentinel "+redistest.PrimaryName+"\n"+store+"\n}", more)
}

// replicated waits until a replica has all that the primary has; slot begins a
// key that the primary may write.
func replicated(t *testing.T, primary *redistest.Server, slot string) {
	t.Helper()
	conn := primary.Client().Conn()
	defer conn.Close()
	// WAIT speaks of what its own connection has done.
	if err := conn.Set(t.Context(), slot+"test", "x", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Wait(t.Context(), 1, gatewaytest.Patience).Result(); n < 1 || err != nil {
		t.Fatalf("%d replicas have it, %v; want 1", n, err)
	}
}

func TestFaultSentinelFailoverUnderLoad(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	l := startLoad(t,
		gatewaytest.StartProcess(t, loadSite(t, bySentinel(g, "", ""))), gatewaytest.StartProcess(t, loadSite(t, bySentinel(g, "", "cache off"))))
	var windows spread
	for round := range gatewaytest.Rounds(1, 20) {
		if round > 0 {
			g.Rejoin(g.Replica())
		}
		former := g.Primary()
		replicated(t, former, "")
		l.tally.watch()
		former.Kill()
		g.AwaitFailover(former)
		l.recovers()
		windows = append(windows, l.tally.errorWindow())
	}
	l.end()
	figure(t, "Sentinel failover", "primary killed "+times(len(windows))+" under load at two gateways; the sentinels wait 1s before they act",
		"error window %v; %s", windows, l.tally)
}

// A replica that has not heard of a sign-out is put in place of the primary
// that has. Without wait the session rises again, and nobody can know; with
// wait the sign-out is not acknowledged until it is safe.
func TestFaultSignOutBeforeAFailoverToALaggingReplica(t *testing.T) {
	for _, mode := range []struct {
		name, store string
		safe        bool
	}{
		{"without wait", "", false},
		{"with wait", "wait 1", true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			g := redistest.StartSentinel(t)
			patient := func(options string) *gatewaytest.Process {
				s := loadSite(t, bySentinel(g, mode.store, options))
				s.Hasty = false // this is not about a primary that is late
				return gatewaytest.StartProcess(t, s)
			}
			one := patient("")
			// A near cache that cannot hear in a failover may serve what it
			// holds for as long as `cache` says; this is about the store.
			other := patient("cache off")
			acknowledged, risen, again := 0, 0, 0
			count := gatewaytest.Rounds(1, 5)
			for round := range count {
				if round > 0 {
					g.Rejoin(g.Replica())
				}
				c, believed := signOutUnheard(t, g, one)
				there := other.With(t, c.Cookie, "")
				if rose := served(t, there); believed {
					acknowledged++
					risen += toInt(rose)
				}
				if !mode.safe {
					continue
				}
				g.Rejoin(g.Replica())
				again += toInt(signOutHeard(t, g, c, there))
			}
			switch {
			case mode.safe && (acknowledged != 0 || again != 0):
				t.Errorf("%d sign-outs were acknowledged that no replica had; %d rose that one had", acknowledged, again)
			case !mode.safe && (acknowledged != count || risen == 0):
				t.Errorf("%d of %d were acknowledged and %d rose: this test has lost its point", acknowledged, count, risen)
			}
			figure(t, "sign-out, then failover to a replica that lags, "+mode.name, times(count)+", read at another gateway with cache off",
				"acknowledged though no replica had it: %d; of these risen again: %d; risen after a replica had it: %d", acknowledged, risen, again)
		})
	}
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// signOutUnheard signs somebody in, and out while the replica is cut off, has
// the replica take over, and says whether the sign-out was acknowledged.
func signOutUnheard(t *testing.T, g *redistest.Sentinel, gateway *gatewaytest.Process) (c *gatewaytest.Client, acknowledged bool) {
	t.Helper()
	c = gateway.Client(t)
	gatewaytest.Await(t, "somebody can sign in", func() bool {
		return c.TrySignIn(gatewaytest.EmailOf(1), gatewaytest.Password).StatusCode == http.StatusOK
	})
	cookie, primary, replica := c.Cookie, g.Primary(), g.Replica()
	replicated(t, primary, "")
	replica.Pause()
	// What is in the kernel's buffers would still reach it.
	if err := primary.Client().Do(t.Context(), "client", "kill", "type", "replica").Err(); err != nil {
		t.Fatal(err)
	}
	a := c.Post("/auth/logout")
	if a.StatusCode != http.StatusNoContent && a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the sign-out is answered with %s", a.Status)
	}
	primary.Kill()
	replica.Resume()
	g.AwaitFailover(primary)
	c.Cookie = cookie
	return c, a.StatusCode == http.StatusNoContent
}

// signOutHeard signs out until that is acknowledged, has the replica take over,
// and reports whether the session has risen all the same.
func signOutHeard(t *testing.T, g *redistest.Sentinel, c, there *gatewaytest.Client) bool {
	t.Helper()
	cookie := c.Cookie
	gatewaytest.Await(t, "the sign-out is acknowledged", func() bool {
		c.Cookie = cookie
		return c.Post("/auth/logout").StatusCode == http.StatusNoContent
	})
	former := g.Primary()
	former.Kill()
	g.AwaitFailover(former)
	return served(t, there)
}

// served reports whether somebody is signed in, once that can be told.
func served(t *testing.T, c *gatewaytest.Client) bool {
	t.Helper()
	status, cookie := 0, c.Cookie
	gatewaytest.Await(t, "the new primary answers", func() bool {
		c.Cookie = cookie
		status = c.Get("/app").StatusCode
		return status == http.StatusOK || status == http.StatusUnauthorized
	})
	c.Cookie = cookie
	return status == http.StatusOK
}
