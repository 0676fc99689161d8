package caddyfiles_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// secrets are what the environment has for gateways that share a store.
var secrets = []string{"SIDEGATE_SECRET=" + gatewaytest.PresentSecret, "OIDC_CLIENT_SECRET=hush"}

// pair runs a Caddyfile twice, as it says, at two ports.
func pair(t *testing.T, file string, addresses ...string) (one, other host) {
	t.Helper()
	run := func() host {
		p := gatewaytest.NewProcess(t, gatewaytest.Site{})
		listen := []string{fmt.Sprintf("LISTEN=%d", p.Port)}
		start(t, p, file, append([]string(nil), addresses...), append(listen, secrets...)...)
		return host{p.Browser(t), fmt.Sprintf("localhost:%d", p.Port)}
	}
	return run(), run()
}

// with is the same browser at another gateway.
func (h host) with(b *gatewaytest.Browser) host { return host{b.At(h.T, h.Server), h.name} }

func (h host) hello() string {
	_, port, _ := strings.Cut(h.name, ":")
	return "Hello ada@example.com, from the gateway at " + port
}

func TestTwoGatewaysWithOneRedis(t *testing.T) {
	srv := redistest.Start(t)
	one, other := pair(t, "redis.Caddyfile", "redis://127.0.0.1:6379/0", srv.URL())
	one.open(t, http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, gatewaytest.Ada, gatewaytest.Password),
		"Content-Type", gatewaytest.AsJSON).Want(t, http.StatusOK)
	one.says(t, "/", one.hello())
	at := other.with(one.Browser)
	at.says(t, "/", other.hello())
	at.open(t, http.MethodPost, "/auth/logout", "", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusNoContent)
	gatewaytest.Await(t, "she is signed out at both", func() bool {
		return one.open(t, http.MethodGet, "/", "").StatusCode == http.StatusUnauthorized
	})
}

func TestPeopleOfAProviderAndARedisThatSentinelsWatch(t *testing.T) {
	redis, idp := redistest.StartSentinel(t), gatewaytest.NewIDP(t)
	one, other := pair(t, "oidc-redis-sentinel.Caddyfile", "redis://127.0.0.1:26379,127.0.0.1:26380,127.0.0.1:26381/0", redis.URL(),
		"sentinel sidegate", "sentinel "+redistest.PrimaryName, "issuer https://sso.example.com/", "issuer "+idp.URL)
	one.led(t, "/", "/auth/login")
	one.led(t, "/auth/login", "/auth/login/sso")
	a := one.open(t, http.MethodGet, "/auth/login/sso", "", "Sec-Fetch-Mode", "navigate", "Accept", "text/html").Want(t, http.StatusSeeOther)
	one.open(t, http.MethodGet, idp.Consent(t, a.Header.Get("Location")), "", "Sec-Fetch-Mode", "navigate", "Accept", "text/html").Want(t, http.StatusSeeOther)
	one.says(t, "/", one.hello())
	other.with(one.Browser).says(t, "/", other.hello())

	primary := redis.Primary()
	primary.Kill()
	redis.AwaitFailover(primary)
	for _, h := range []host{one, other.with(one.Browser)} {
		gatewaytest.Await(t, "she is still signed in at "+h.name, func() bool {
			a := h.open(t, http.MethodGet, "/", "")
			if a.StatusCode == http.StatusUnauthorized {
				t.Fatalf("she was signed out: %s", a.Body)
			}
			return a.StatusCode == http.StatusOK
		})
	}
}

func TestAGatewayBehindAGateway(t *testing.T) {
	inner := gatewaytest.NewProcess(t, gatewaytest.Site{})
	start(t, inner, "gateway-inner.Caddyfile", []string{":8090", fmt.Sprintf(":%d", inner.Port)})
	outer := gatewaytest.NewProcess(t, gatewaytest.Site{})
	start(t, outer, "gateway-outer.Caddyfile", at(outer, "127.0.0.1:8090", inner.Address()))
	h := host{outer.Browser(t), fmt.Sprintf("localhost:%d", outer.Port)}
	h.led(t, "/", "/auth/login")
	h.signIn(t, gatewaytest.Grace)
	h.led(t, "/", "/inner/login")
	h.open(t, http.MethodPost, "/inner/login", fmt.Sprintf(`{"email":%q,"password":%q}`, gatewaytest.Ada, gatewaytest.Password),
		"Content-Type", gatewaytest.AsJSON).Want(t, http.StatusOK)
	h.says(t, "/", "The app knows ada@example.com.")
}
