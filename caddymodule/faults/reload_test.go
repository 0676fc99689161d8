package faults_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestReloadsLoseNothing(t *testing.T) {
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			s.Upstream = gatewaytest.NewEcho(t).Address()
			s.Routes = gatewaytest.RoundRoutes(0)
			p := gatewaytest.StartProcess(t, s)
			work := startTraffic(t, p)
			defer work.stop()
			for n := range gatewaytest.Rounds(10, 200) {
				p.Site.Routes = gatewaytest.RoundRoutes(n + 1)
				p.Reload()
				if got := work.probe(t).Seen("Round"); got != strconv.Itoa(n+1) {
					t.Fatalf("after reload %d the configuration of reload %s is in force", n+1, got)
				}
				work.awaitMore(t)
			}
		})
	}
}

func TestBrokenReloadLeavesTheGatewayAsItWas(t *testing.T) {
	t.Parallel()
	s := gatewaytest.Site{Upstream: gatewaytest.NewEcho(t).Address(), Routes: gatewaytest.RoundRoutes(0)}
	p := gatewaytest.StartProcess(t, s)
	work := startTraffic(t, p)
	defer work.stop()
	good := p.Site.Caddyfile(p.Server)
	for i, broken := range []struct{ name, from, to string }{
		{"one that cannot be parsed", "session_auth {", "session_auth { unheard_of"},
		{"one whose users file is missing", p.Users, p.Users + ".missing"},
		{"one whose store cannot be opened", "sessions.db", "users.yaml/sessions.db"},
		{"one whose address cannot be had", "bind 127.0.0.1", "bind 192.0.2.1"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			text := strings.Replace(good, broken.from, broken.to, 1)
			for range 3 { // apps start in no fixed order
				if status, body := p.TryReload(text); status < http.StatusBadRequest {
					t.Fatalf("it was taken: %d %s", status, body)
				}
				work.awaitMore(t)
			}
			p.Site.Routes = gatewaytest.RoundRoutes(i + 1)
			p.Reload() // and a good one is taken as ever
			work.awaitMore(t)
		})
	}
}

func TestReloadCommandKeepsSessions(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	p.Site.Options += "\nlifetime 11h"
	said, code := gatewaytest.RunCaddy(t, p.Dir, "reload", "--adapter", "caddyfile", "--config", p.ConfigFile(), "--address", p.Site.Admin)
	if code != 0 {
		t.Fatalf("it ended with %d and said:\n%s", code, said)
	}
	c.Get("/auth/session").Want(t, http.StatusOK)
	c.Get("/app").Want(t, http.StatusOK)
}
