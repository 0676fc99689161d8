package caddymodule_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestTwoGatewaysShareTheirSessions(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	s.Options += "\ncache off" // so that "at once" is at once; see TestNearCachesTellEachOther
	one, other := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
	for _, order := range []struct {
		name          string
		first, second *gatewaytest.Process
	}{
		{"from the one to the other", one, other},
		{"from the other to the one", other, one},
	} {
		t.Run(order.name, func(t *testing.T) {
			t.Run("who signs in is known by cookie and by token", func(t *testing.T) {
				c := order.first.Client(t)
				u := c.SignIn(gatewaytest.Ada)
				cookie, token := order.second.With(t, c.Cookie, ""), order.second.With(t, "", u.Token)
				for _, there := range []*gatewaytest.Client{cookie, token} {
					if got := there.Get("/auth/session").Want(t, http.StatusOK).Session(t); got.ID != u.ID {
						t.Errorf("user %d is known as %d", u.ID, got.ID)
					}
					there.Get("/app").Want(t, http.StatusOK)
				}
			})
			t.Run("who signs out is signed out at both at once", func(t *testing.T) {
				c := order.first.Client(t)
				u := c.SignIn(gatewaytest.Ada)
				there := order.second.With(t, c.Cookie, "")
				there.Get("/auth/session").Want(t, http.StatusOK)
				byToken := order.second.With(t, "", u.Token)
				byToken.Get("/auth/session").Want(t, http.StatusOK)
				c.Post("/auth/logout").Want(t, http.StatusNoContent)
				there.Get("/auth/session").Want(t, http.StatusUnauthorized)
				byToken.Get("/app").Want(t, http.StatusUnauthorized)
			})
			t.Run("who signs out at the second is signed out at the first", func(t *testing.T) {
				c := order.first.Client(t)
				c.SignIn(gatewaytest.Ada)
				order.second.With(t, c.Cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
				c.Get("/app").Want(t, http.StatusUnauthorized)
			})
			t.Run("the account chosen at one is the primary one at the other", func(t *testing.T) {
				c := order.first.Client(t)
				c.SignIn(gatewaytest.Ada)
				there := order.second.With(t, c.Cookie, "")
				there.Get("/auth/session").Want(t, http.StatusOK)
				c.Do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
					"Content-Type", "application/json").Want(t, http.StatusOK)
				u := there.Get("/auth/session").Want(t, http.StatusOK).Session(t)
				if u.PrimaryAccount == nil || u.PrimaryAccount.AccountID != "globex" {
					t.Errorf("the primary account there is %+v", u.PrimaryAccount)
				}
			})
			t.Run("devices of both show at both, and the one signs the other out", func(t *testing.T) {
				here, there := order.first.Client(t), order.second.Client(t)
				here.SignIn(gatewaytest.Grace)
				there.SignIn(gatewaytest.Grace)
				ids := func(c *gatewaytest.Client) (ids []string) {
					for _, d := range gatewaytest.DevicesOf(c) {
						ids = append(ids, d.ID)
					}
					slices.Sort(ids)
					return ids
				}
				if own, others := ids(here), ids(there); len(own) != 2 || !slices.Equal(own, others) {
					t.Errorf("the devices are %v here and %v there", own, others)
				}
				here.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
				there.Get("/auth/session").Want(t, http.StatusUnauthorized)
				here.Post("/auth/logout").Want(t, http.StatusNoContent)
			})
		})
	}
}

// Each gateway has the session in its near cache, and hears of it from the
// other long before the cache would ask again.
func TestNearCachesTellEachOther(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	s.Options += "\ncache 1h"
	one, other := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
	c := one.Client(t)
	cached := func(t *testing.T) *gatewaytest.Client {
		c.SignIn(gatewaytest.Ada)
		there := other.With(t, c.Cookie, "")
		// Only what was looked up after the subscription stood is kept.
		gatewaytest.Await(t, "the session is in the near cache", func() bool {
			there.Get("/auth/session").Want(t, http.StatusOK)
			before := srv.Client().Info(t.Context(), "commandstats").Val()
			there.Get("/auth/session").Want(t, http.StatusOK)
			return calls(before, "get") == calls(srv.Client().Info(t.Context(), "commandstats").Val(), "get")
		})
		return there
	}
	t.Run("of a sign-out", func(t *testing.T) {
		there := cached(t)
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		gatewaytest.Await(t, "the other gateway has heard of it", func() bool {
			return there.Get("/auth/session").StatusCode == http.StatusUnauthorized
		})
	})
	t.Run("of a change", func(t *testing.T) {
		there := cached(t)
		c.Do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`,
			"Content-Type", "application/json").Want(t, http.StatusOK)
		gatewaytest.Await(t, "the other gateway has heard of it", func() bool {
			return there.Get("/auth/session").Want(t, http.StatusOK).Session(t).PrimaryAccount.AccountID == "globex"
		})
	})
	t.Run("and believe what they hold while they cannot hear only when Redis cannot be asked", func(t *testing.T) {
		there := cached(t)
		srv.Kill()
		gatewaytest.Await(t, "the other gateway cannot hear", func() bool {
			return strings.Contains(other.Log.String(), "the session store does not answer")
		})
		for range 20 {
			there.Get("/app").Want(t, http.StatusOK)
		}
		srv.Restart() // with nothing: this Redis keeps nothing on disk
		gatewaytest.Await(t, "Redis is asked, and has no such session", func() bool {
			a := there.Get("/app")
			if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusUnauthorized {
				t.Fatalf("answered with %s", a.Status)
			}
			return a.StatusCode == http.StatusUnauthorized
		})
	})
}

// Anybody can make cookies and tokens up, as many as they like: of a cookie Redis
// is asked once, and of a token never, for it is not signed by us.
func TestMadeUpCredentialsCostRedisNoWrite(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache 10s", "cache off"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t)
			s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
			s.Options += "\n" + mode
			p := gatewaytest.StartProcess(t, s)
			c := p.Client(t)
			signed := c.SignIn(gatewaytest.Ada).Token
			name, _, _ := strings.Cut(c.Cookie, "=")
			made := gatewaytest.Rounds(200, 20_000)
			before := srv.Client().Info(t.Context(), "commandstats").Val()
			for range made {
				p.With(t, name+"="+sessionstore.NewSecret(1).Encode(), "").Get("/app").Want(t, http.StatusUnauthorized)
				p.With(t, "", signed[:len(signed)-8]+"AAAAAAAA").Get("/app").Want(t, http.StatusUnauthorized)
			}
			costAsMuch(t, fmt.Sprintf("%d made-up cookies", made), before, srv.Client().Info(t.Context(), "commandstats").Val(), made)
		})
	}
}

// Anybody can make cookies up, as many as there is room for in one request, and
// send them to where sessions are ended.
func TestMadeUpCookiesCostRedisNoWriteWhereSessionsEnd(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))
	c := p.WithCookie(t, gatewaytest.Ada)
	name, _, _ := strings.Cut(c.Cookie, "=")
	for _, path := range []string{"/auth/logout", "/auth/start-over"} {
		var cookies []string
		for range 300 {
			cookies = append(cookies, name+"="+sessionstore.NewSecret(1).Encode())
		}
		before := srv.Client().Info(t.Context(), "commandstats").Val()
		p.With(t, strings.Join(cookies, "; "), "").Post(path).Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
		costAsMuch(t, "300 made-up cookies at "+path, before, srv.Client().Info(t.Context(), "commandstats").Val(), 300)
		c.Get("/auth/session").Want(t, http.StatusOK)
	}
}

// costAsMuch demands a read for each of them, and no write. What a gateway does by the
// clock comes on top: it proves that Redis can be written, and looks through the
// sessions of who has signed in, and so some of either are nobody's.
func costAsMuch(t *testing.T, what, before, after string, many int) {
	t.Helper()
	called := func(command string) int { return calls(after, command) - calls(before, command) }
	byTheClock := many / 10
	if n := called("get"); n < many || n > many+byTheClock {
		t.Errorf("%s cost %d reads", what, n)
	}
	for _, command := range []string{"zrem", "zadd", "del", "publish"} {
		if n := called(command); n > byTheClock {
			t.Errorf("%s cost %d %s", what, n, command)
		}
	}
}

// calls is how often Redis was sent that command.
func calls(commandstats, command string) (n int) {
	_, rest, _ := strings.Cut(commandstats, "cmdstat_"+command+":calls=")
	_, _ = fmt.Sscanf(rest, "%d,", &n) // of what was never sent there is no line
	return n
}

// While Redis cannot be asked, `stale` serves those who are in the near cache,
// and nobody else.
func TestStaleServesWhoIsInTheNearCache(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	s.Options += "\ncache 50ms\nstale 1h"
	g := gatewaytest.StartProcess(t, s)
	held, absent := g.Client(t), g.Client(t)
	held.SignIn(gatewaytest.Ada)
	absent.SignIn(gatewaytest.Grace)
	held.Get("/app").Want(t, http.StatusOK)
	srv.Kill()
	for range 20 {
		held.Get("/app").Want(t, http.StatusOK)
		held.Get("/auth/session").Want(t, http.StatusOK)
		absent.Get("/app").Want(t, http.StatusServiceUnavailable)
	}
	held.Post("/auth/logout").Want(t, http.StatusServiceUnavailable)
}

// A limit that each gateway counted for itself would be no limit: whoever
// guesses would have as many attempts again at the next one.
func TestThrottleCountsAcrossGateways(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	gateways := []*gatewaytest.Process{gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)), gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))}
	const guesses, allowed = 40, 10
	var statuses [guesses]int
	var guessing sync.WaitGroup
	for i := range guesses {
		c := gateways[i%len(gateways)].Client(t)
		guessing.Go(func() { statuses[i] = c.TrySignIn(gatewaytest.Ada, "wrong").StatusCode })
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
		gateway.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
		gateway.Client(t).SignIn(gatewaytest.Grace) // an account of her own
	}
}

func TestRedisStoreWithoutSecretRefusesToStart(t *testing.T) {
	t.Parallel()
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "store redis redis://127.0.0.1:1/0"})
	for _, command := range []string{"run", "validate"} {
		said, code := gatewaytest.RunCaddy(t, p.Dir, command, "--adapter", "caddyfile", "--config", p.ConfigFile())
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
	former, present := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.FormerSecret)), gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))
	c := former.Client(t)
	u := c.SignIn(gatewaytest.Ada)
	there := present.With(t, c.Cookie, "")
	there.WantCannotTell(t)

	present.Site.Options = gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret, gatewaytest.FormerSecret).Options
	present.Reload()
	t.Run("with the former secret after the present one it is opened again", func(t *testing.T) {
		there.Get("/auth/session").Want(t, http.StatusOK)
		present.With(t, "", u.Token).Get("/app").Want(t, http.StatusOK)
	})
	t.Run("a gateway that has only the former secret cannot tell of new sessions", func(t *testing.T) {
		fresh := present.Client(t)
		fresh.SignIn(gatewaytest.Ada)
		there := former.With(t, fresh.Cookie, "")
		there.WantCannotTell(t)
		former.Site.Options = present.Site.Options
		former.Reload()
		there.Get("/auth/session").Want(t, http.StatusOK)
	})
	c.Get("/auth/session").Want(t, http.StatusOK)
}

// A new secret first opens everywhere, then seals everywhere, then the former
// one goes, when what it sealed has ended: at no step does any gateway meet what
// it cannot open.
func TestSecretsRotateWithoutASignOut(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	gateways := []*gatewaytest.Process{gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.FormerSecret)), gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.FormerSecret))}
	var everybody []*gatewaytest.Client // of no server in particular
	check := func(step string) {
		t.Helper()
		for _, gateway := range gateways {
			c := gateway.Client(t)
			u := c.SignIn(gatewaytest.Ada)
			everybody = append(everybody, c, gateway.With(t, "", u.Token))
		}
		for _, known := range everybody {
			for i, gateway := range gateways {
				if a := gateway.With(t, known.Cookie, known.Bearer).Get("/auth/session"); a.StatusCode != http.StatusOK {
					t.Fatalf("%s: gateway %d answers %s %s", step, i+1, a.Status, a.Body)
				}
			}
		}
	}
	check("at the beginning")
	for _, secrets := range [][]string{{gatewaytest.FormerSecret, gatewaytest.PresentSecret}, {gatewaytest.PresentSecret, gatewaytest.FormerSecret}} {
		for i, gateway := range gateways {
			gateway.Site.Options = gatewaytest.Site{}.OnRedis(srv, secrets...).Options
			gateway.Reload()
			check(fmt.Sprintf("gateway %d has the %s first", i+1, secrets[0]))
		}
	}
	before := everybody[0]
	everybody = nil // a lifetime later
	check("who signs in when all seal with the present one")
	for i, gateway := range gateways {
		gateway.Site.Options = gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret).Options
		gateway.Reload()
		check(fmt.Sprintf("gateway %d has the present one alone", i+1))
	}
	gateways[0].With(t, before.Cookie, "").WantCannotTell(t) // were it too early
}
