package providertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// newAPI is an app that opens to nobody but by an access token that its provider
// takes at that moment. It counts those that it refused.
func newAPI(t *testing.T, p *provider.Provider) (address string, refused *atomic.Int64) {
	t.Helper()
	refused = new(atomic.Int64)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, p.Issuer()+"/userinfo", http.NoBody)
		asked.Header["Authorization"] = r.Header["Authorization"]
		answer, err := http.DefaultClient.Do(asked)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			refused.Add(1)
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(api.Close)
	return api.URL, refused
}

// Two gateways, a provider that rotates and detects reuse, and an app that has
// each access token looked at there: at the moment at which one has expired, many
// requests come.
func TestRefreshSendsAnAppAccessTokensThatAreGoodAtTheirProvider(t *testing.T) {
	t.Parallel()
	p := startProvider(t, provider.Config{Algorithm: "ES256"})
	api, refused := newAPI(t, p)
	site := gatewaytest.Site{
		Options:  oidcLogin(t, "sso", p, desk, mapping("id", "token.uid"), signInOptions),
		Routes:   "session_endpoints\nsession_auth {\nupstream_token sso\n}\nreverse_proxy {upstream}",
		Upstream: api,
	}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret)
	w := &pair{t: t, provider: p, gateways: []*gatewaytest.Process{newGateway(t, site), newGateway(t, site)}}
	register(p, desk, "sso", w.gateways...)
	for _, g := range w.gateways {
		g.Start()
	}
	b, rounds := w.signIn(), gatewaytest.Rounds(3, 100)
	for range rounds {
		p.At(provider.Refresh).Break(fault.JSON(func(said map[string]any) { said["expires_in"] = 0.001 }))
		if status, _, _ := b.must(http.MethodPost, w.gateways[0].URL+"/auth/refresh", ""); status != http.StatusOK {
			t.Fatalf("the session is not built anew: %d", status)
		}
		p.At(provider.Refresh).Mend()
		b.wave(w.gateways, func(status int) {
			if status != http.StatusOK {
				t.Errorf("a request was answered with %d", status)
			}
		})()
	}
	w.wantNoReuse()
	if got := p.Tally().Rotations; got != 2*rounds {
		t.Errorf("there were %d refreshes of %d tokens", got, 2*rounds)
	}
	if n := refused.Load(); n != 0 {
		t.Errorf("the app was sent %d tokens that its provider does not take", n)
	}
	figure(t, "refresh", "access tokens sent to an app that its provider does not take", fmt.Sprint(refused.Load()))
}
