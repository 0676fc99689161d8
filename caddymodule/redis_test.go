package caddymodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// Secrets of gateways under test.
const (
	formerSecret  = "the former secret of the gateways under test"
	presentSecret = "the present secret of the gateways under test"
)

// onRedis is a site that keeps its sessions there.
func onRedis(srv *redistest.Server, secrets ...string) site {
	options := "store redis " + srv.URL()
	for _, secret := range secrets {
		options += fmt.Sprintf("\nsecret %q", secret)
	}
	return site{options: options}
}

func TestTwoGatewaysShareTheirSessions(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := onRedis(srv, presentSecret)
	s.options += "\ncache off" // so that "at once" is at once; see TestNearCachesTellEachOther
	one, other := startProcess(t, s), startProcess(t, s)
	for _, order := range []struct {
		name          string
		first, second *process
	}{
		{"from the one to the other", one, other},
		{"from the other to the one", other, one},
	} {
		t.Run(order.name, func(t *testing.T) {
			t.Run("who signs in is known by cookie and by token", func(t *testing.T) {
				c := order.first.client(t)
				u := c.signIn(ada)
				cookie, token := order.second.with(t, c.cookie, ""), order.second.with(t, "", u.Token)
				for _, there := range []*client{cookie, token} {
					if got := there.get("/auth/session").want(t, http.StatusOK).session(t); got.ID != u.ID {
						t.Errorf("user %d is known as %d", u.ID, got.ID)
					}
					there.get("/app").want(t, http.StatusOK)
				}
			})
			t.Run("who signs out is signed out at both at once", func(t *testing.T) {
				c := order.first.client(t)
				u := c.signIn(ada)
				there := order.second.with(t, c.cookie, "")
				there.get("/auth/session").want(t, http.StatusOK)
				byToken := order.second.with(t, "", u.Token)
				byToken.get("/auth/session").want(t, http.StatusOK)
				c.post("/auth/logout").want(t, http.StatusNoContent)
				there.get("/auth/session").want(t, http.StatusUnauthorized)
				byToken.get("/app").want(t, http.StatusUnauthorized)
			})
			t.Run("who signs out at the second is signed out at the first", func(t *testing.T) {
				c := order.first.client(t)
				c.signIn(ada)
				order.second.with(t, c.cookie, "").post("/auth/logout").want(t, http.StatusNoContent)
				c.get("/app").want(t, http.StatusUnauthorized)
			})
			t.Run("the account chosen at one is the primary one at the other", func(t *testing.T) {
				c := order.first.client(t)
				c.signIn(ada)
				there := order.second.with(t, c.cookie, "")
				there.get("/auth/session").want(t, http.StatusOK)
				c.do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
					"Content-Type", "application/json").want(t, http.StatusOK)
				u := there.get("/auth/session").want(t, http.StatusOK).session(t)
				if u.PrimaryAccount == nil || u.PrimaryAccount.AccountID != "globex" {
					t.Errorf("the primary account there is %+v", u.PrimaryAccount)
				}
			})
			t.Run("devices of both show at both, and the one signs the other out", func(t *testing.T) {
				here, there := order.first.client(t), order.second.client(t)
				here.signIn(grace)
				there.signIn(grace)
				if own, others := here.devices(), there.devices(); len(own) != 2 || !slices.Equal(own, others) {
					t.Errorf("the devices are %v here and %v there", own, others)
				}
				here.do(http.MethodDelete, "/auth/sessions", "").want(t, http.StatusNoContent)
				there.get("/auth/session").want(t, http.StatusUnauthorized)
				here.post("/auth/logout").want(t, http.StatusNoContent)
			})
		})
	}
}

// Each gateway has the session in its near cache, and hears of it from the
// other long before the cache would ask again.
func TestNearCachesTellEachOther(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := onRedis(srv, presentSecret)
	s.options += "\ncache 1h"
	one, other := startProcess(t, s), startProcess(t, s)
	c := one.client(t)
	cached := func(t *testing.T) *client {
		c.signIn(ada)
		there := other.with(t, c.cookie, "")
		// Only what was looked up after the subscription stood is kept.
		await(t, "the session is in the near cache", func() bool {
			there.get("/auth/session").want(t, http.StatusOK)
			before := srv.Client().Info(t.Context(), "commandstats").Val()
			there.get("/auth/session").want(t, http.StatusOK)
			return calls(before, "get") == calls(srv.Client().Info(t.Context(), "commandstats").Val(), "get")
		})
		return there
	}
	t.Run("of a sign-out", func(t *testing.T) {
		there := cached(t)
		c.post("/auth/logout").want(t, http.StatusNoContent)
		await(t, "the other gateway has heard of it", func() bool {
			return there.get("/auth/session").StatusCode == http.StatusUnauthorized
		})
	})
	t.Run("of a change", func(t *testing.T) {
		there := cached(t)
		c.do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
			"Content-Type", "application/json").want(t, http.StatusOK)
		await(t, "the other gateway has heard of it", func() bool {
			return there.get("/auth/session").want(t, http.StatusOK).session(t).PrimaryAccount.AccountID == "globex"
		})
	})
	t.Run("and trust nothing that they hold while they cannot hear", func(t *testing.T) {
		there := cached(t)
		srv.Kill()
		await(t, "the near cache is emptied", func() bool {
			return there.get("/app").StatusCode == http.StatusServiceUnavailable
		})
	})
}

// calls is how often Redis was sent that command.
func calls(commandstats, command string) string {
	_, rest, _ := strings.Cut(commandstats, "cmdstat_"+command+":")
	count, _, _ := strings.Cut(rest, ",")
	return count
}

// While Redis cannot be asked, `stale` serves those who are in the near cache,
// and nobody else.
func TestStaleServesWhoIsInTheNearCache(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := onRedis(srv, presentSecret)
	s.options += "\ncache 50ms\nstale 1h"
	g := startProcess(t, s)
	held, absent := g.client(t), g.client(t)
	held.signIn(ada)
	absent.signIn(grace)
	held.get("/app").want(t, http.StatusOK)
	srv.Kill()
	for range 20 {
		held.get("/app").want(t, http.StatusOK)
		held.get("/auth/session").want(t, http.StatusOK)
		absent.get("/app").want(t, http.StatusServiceUnavailable)
	}
	held.post("/auth/logout").want(t, http.StatusServiceUnavailable)
}

// A limit that each gateway counted for itself would be no limit: whoever
// guesses would have as many attempts again at the next one.
func TestThrottleCountsAcrossGateways(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	gateways := []*process{startProcess(t, onRedis(srv, presentSecret)), startProcess(t, onRedis(srv, presentSecret))}
	const guesses, allowed = 40, 10
	var statuses [guesses]int
	var guessing sync.WaitGroup
	for i := range guesses {
		c := gateways[i%len(gateways)].client(t)
		guessing.Go(func() { statuses[i] = c.trySignIn(ada, "wrong").StatusCode })
	}
	guessing.Wait()
	counted := make(map[int]int)
	for _, status := range statuses {
		counted[status]++
	}
	if counted[http.StatusUnauthorized] != allowed || counted[http.StatusTooManyRequests] != guesses-allowed {
		t.Errorf("answers by status: %v; want %d times 401 and else 429", counted, allowed)
	}
	for _, gateway := range gateways {
		gateway.client(t).trySignIn(ada, password).want(t, http.StatusTooManyRequests)
		gateway.client(t).signIn(grace) // an account of her own
	}
}

// with is a client that presents a credential got elsewhere.
func (p *process) with(t testing.TB, cookie, token string) *client {
	return &client{t: t, server: p.server, cookie: cookie, bearer: token}
}

// devices are the ids of one's own sessions, sorted.
func (c *client) devices() []string {
	c.t.Helper()
	var list struct {
		Sessions []struct{ ID string }
	}
	c.get("/auth/sessions").want(c.t, http.StatusOK).decode(c.t, &list)
	var ids []string
	for _, s := range list.Sessions {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestRedisStoreWithoutSecretRefusesToStart(t *testing.T) {
	t.Parallel()
	p := newProcess(t, site{options: "store redis redis://127.0.0.1:1/0"})
	for _, command := range []string{"run", "validate"} {
		said, code := runCaddy(t, p.dir, command, "--adapter", "caddyfile", "--config", p.configFile())
		if code == 0 || !strings.Contains(said, "needs a secret that they share") || !strings.Contains(said, "secret {env.SIDEGATE_SECRET}") {
			t.Errorf("%s ended with %d and said:\n%s", command, code, said)
		}
	}
}

// A gateway with another secret cannot open the session, which is no reason to
// sign anybody out.
func TestWhatAnotherSecretSealedCannotBeTold(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	former, present := startProcess(t, onRedis(srv, formerSecret)), startProcess(t, onRedis(srv, presentSecret))
	c := former.client(t)
	u := c.signIn(ada)
	there := present.with(t, c.cookie, "")
	there.wantCannotTell(t)

	present.site.options = onRedis(srv, presentSecret, formerSecret).options
	present.reload()
	t.Run("with the former secret after the present one it is opened again", func(t *testing.T) {
		there.get("/auth/session").want(t, http.StatusOK)
		present.with(t, "", u.Token).get("/app").want(t, http.StatusOK)
	})
	t.Run("a gateway that has only the former secret cannot tell of new sessions", func(t *testing.T) {
		fresh := present.client(t)
		fresh.signIn(ada)
		there := former.with(t, fresh.cookie, "")
		there.wantCannotTell(t)
		former.site.options = present.site.options
		former.reload()
		there.get("/auth/session").want(t, http.StatusOK)
	})
	c.get("/auth/session").want(t, http.StatusOK)
}

// wantCannotTell checks that a cookie is neither believed nor refused.
func (c *client) wantCannotTell(t *testing.T) {
	t.Helper()
	cookie := c.cookie
	for path, status := range map[string]int{
		"/auth/session":  http.StatusInternalServerError,
		"/auth/sessions": http.StatusServiceUnavailable,
		"/app":           http.StatusServiceUnavailable,
	} {
		if a := c.get(path).want(t, status); len(a.Header["Set-Cookie"]) > 0 || c.cookie != cookie {
			t.Errorf("%s touches the cookie", path)
		}
	}
}

// A new secret first opens everywhere, then seals everywhere, then the former
// one goes: at no step does any gateway meet what it cannot open.
func TestSecretsRotateWithoutASignOut(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	gateways := []*process{startProcess(t, onRedis(srv, formerSecret)), startProcess(t, onRedis(srv, formerSecret))}
	var everybody []*client // of no server in particular
	check := func(step string) {
		t.Helper()
		for _, gateway := range gateways {
			c := gateway.client(t)
			u := c.signIn(ada)
			everybody = append(everybody, c, gateway.with(t, "", u.Token))
		}
		for _, known := range everybody {
			for i, gateway := range gateways {
				if a := gateway.with(t, known.cookie, known.bearer).get("/auth/session"); a.StatusCode != http.StatusOK {
					t.Fatalf("%s: gateway %d answers %s %s", step, i+1, a.Status, a.body)
				}
			}
		}
	}
	check("at the beginning")
	for _, secrets := range [][]string{{formerSecret, presentSecret}, {presentSecret, formerSecret}} {
		for i, gateway := range gateways {
			gateway.site.options = onRedis(srv, secrets...).options
			gateway.reload()
			check(fmt.Sprintf("gateway %d has the %s first", i+1, secrets[0]))
		}
	}
}
