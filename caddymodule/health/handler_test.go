package health_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// routes are of a site that demands a role of everybody.
const routes = `session_endpoints
	session_auth {
		role admin
	}
	session_health /healthz
	reverse_proxy {upstream}`

func TestWhoeverAsksIsToldThatTheStoreAnswers(t *testing.T) {
	for name, site := range gatewaytest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			site.Routes = routes
			up := gatewaytest.NewRecorder(t)
			site.Upstream = up.Address()
			s := gatewaytest.Start(t, site)
			c := s.Client(t)
			var a gatewaytest.Answer
			gatewaytest.Await(t, "the store answers", func() bool { a = c.Get("/healthz"); return a.StatusCode == http.StatusOK })
			a.WantHeader(t, "Cache-Control", "no-store")
			if a.Body != `{"store":"answers"}` {
				t.Errorf("got %s", a.Body)
			}
			if a := c.Do(http.MethodHead, "/healthz", ""); a.StatusCode >= 500 || a.Body != "" {
				t.Errorf("a HEAD is answered with %d %s", a.StatusCode, a.Body)
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
				a := c.Do(method, "/healthz", "")
				a.Want(t, http.StatusMethodNotAllowed)
				a.WantHeader(t, "Allow", "GET, HEAD")
			}
			for _, other := range []string{"/healthz/", "/healthz/x", "/healthzz", "/HEALTHZ", "/", "//healthz", "/x/../healthz"} {
				c.Get(other, "Sec-Fetch-Mode", "cors").Want(t, http.StatusUnauthorized)
			}
			if n := up.Count(); n > 0 {
				t.Errorf("the app has got %d", n)
			}
		})
	}
}

// The near cache answers for a store that is away, and does not here.
func TestAStoreThatIsAwayIsNotWell(t *testing.T) {
	redis := redistest.Start(t)
	site := gatewaytest.Site{Hasty: true}.OnRedis(redis, gatewaytest.PresentSecret)
	site.Routes = routes
	s := gatewaytest.Start(t, site)
	c := s.Client(t)
	ok := func() bool { return c.Get("/healthz").StatusCode == http.StatusOK }
	gatewaytest.Await(t, "the store answers", ok)
	redis.Pause()
	gatewaytest.Await(t, "a store that hangs is not well", func() bool { return !ok() })
	c.Get("/healthz").WantError(t, http.StatusServiceUnavailable, "unavailable")
	redis.Resume()
	gatewaytest.Await(t, "the store answers again", ok)
	redis.Kill()
	gatewaytest.Await(t, "a store that is gone is not well", func() bool { return !ok() })
}

// A path of Caddy's own in front of session_auth is refused all the same: that
// directive comes later. It is what the reference tells.
func TestRespondBesideSessionAuthIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Routes: "session_auth {\nno_redirect\n}\nrespond /healthz 200"})
	s.Client(t).Get("/healthz", "Sec-Fetch-Mode", "cors").Want(t, http.StatusUnauthorized)
}

// It would take the page away that people sign in at.
func TestAPathOfTheEndpointsIsRefused(t *testing.T) {
	for _, path := range []string{"/auth", "/auth/login", "/auth/ready"} {
		site := gatewaytest.Site{Upstream: "127.0.0.1:9", Routes: "session_health " + path + "\nsession_endpoints\nsession_auth\nrespond OK"}
		var cfg caddy.Config
		if err := json.Unmarshal(gatewaytest.Adapt(t, site.Caddyfile(site.Prepare(t))), &cfg); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&cfg); err == nil || !strings.Contains(err.Error(), "session_endpoints answers there") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ routes, want string }{
		"a pattern":    {"session_health /health*", "Caddyfile:2: session_health"},
		"no slash":     {"session_health healthz", "Caddyfile:2: session_health"},
		"a matcher":    {"@a path /x\nsession_health @a /healthz", "Caddyfile:"},
		"a block":      {"session_health /healthz {\nsoon\n}", "Caddyfile:3: unrecognized session_health subdirective 'soon'"},
		"two paths":    {"session_health /healthz /readyz", "Caddyfile:"},
		"no path said": {"session_health", "Caddyfile:"},
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(":80 {\n"+c.routes+"\n}\n"), map[string]any{"filename": "Caddyfile"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
