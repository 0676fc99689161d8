package caddymodule_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore/redis/redistest"
)

// stores are sites with each of the stores.
func stores(t *testing.T) map[string]site {
	return map[string]site{
		"embedded": {},
		"memory":   {options: "store memory"},
		"redis":    onRedis(redistest.Start(t), presentSecret),
	}
}

func TestReloadsLoseNothing(t *testing.T) {
	for name, s := range stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			s.upstream = newEcho(t).address()
			s.routes = roundRoutes(0)
			p := startProcess(t, s)
			work := startTraffic(t, p)
			defer work.stop()
			for n := range rounds(20, 200) {
				p.site.routes = roundRoutes(n + 1)
				p.reload()
				if got := work.probe(t).seen("Round"); got != strconv.Itoa(n+1) {
					t.Fatalf("after reload %d the configuration of reload %s is in force", n+1, got)
				}
				work.awaitMore(t)
			}
		})
	}
}

// roundRoutes differ in a header that the upstream sees.
func roundRoutes(n int) string {
	return fmt.Sprintf("session_endpoints\nsession_auth {\nheader X-Round %d\n}\nreverse_proxy {upstream}", n)
}

func TestBrokenReloadLeavesTheGatewayAsItWas(t *testing.T) {
	t.Parallel()
	s := site{upstream: newEcho(t).address(), routes: roundRoutes(0)}
	p := startProcess(t, s)
	work := startTraffic(t, p)
	defer work.stop()
	good := p.site.caddyfile(p.server, p.port)
	for i, broken := range []struct{ name, from, to string }{
		{"one that cannot be parsed", "session_auth {", "session_auth { unheard_of"},
		{"one whose users file is missing", p.users, p.users + ".missing"},
		{"one whose store cannot be opened", "sessions.db", "users.yaml/sessions.db"},
		{"one whose address cannot be had", "bind 127.0.0.1", "bind 192.0.2.1"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			text := strings.Replace(good, broken.from, broken.to, 1)
			for range 3 { // apps start in no fixed order
				if status, body := p.tryReload(text); status < http.StatusBadRequest {
					t.Fatalf("it was taken: %d %s", status, body)
				}
				work.awaitMore(t)
			}
			p.site.routes = roundRoutes(i + 1)
			p.reload() // and a good one is taken as ever
			work.awaitMore(t)
		})
	}
}

func TestReloadCommandKeepsSessions(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{})
	c := p.client(t)
	c.signIn(ada)
	p.site.options += "\nlifetime 11h"
	said, code := runCaddy(t, p.dir, "reload", "--adapter", "caddyfile", "--config", p.configFile(), "--address", p.site.admin)
	if code != 0 {
		t.Fatalf("it ended with %d and said:\n%s", code, said)
	}
	c.get("/auth/session").want(t, http.StatusOK)
	c.get("/app").want(t, http.StatusOK)
}
