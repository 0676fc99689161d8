package caddymodule

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// testSecret is what the gateways of these tests share.
const testSecret = "a secret of sufficient length that gateways share"

// apart is gateways on one Redis, each with a clock that is wrong in its own
// way. Time goes by for all of them, and for Redis, when the test says so.
type apart struct {
	t      *testing.T
	redis  *redistest.Server
	passed time.Duration
}

// idleTimeout is shorter than the clocks may be apart.
const idleTimeout = 4 * time.Minute

func (w *apart) gateway(skew time.Duration, cache CacheConfig) *gateway {
	w.t.Helper()
	idle := caddy.Duration(idleTimeout)
	store := &RedisStore{URL: w.redis.URL()}
	if err := store.configure(); err != nil {
		w.t.Fatal(err)
	}
	a := &App{
		Cache: cache, LifeOptions: LifeOptions{IdleTimeout: &idle},
		SecretOptions: SecretOptions{secrets: []string{testSecret}}, StoreOptions: StoreOptions{store: store},
		logger: zap.NewNop(), metrics: newMetrics(), now: func() time.Time { return time.Now().Add(skew + w.passed) },
	}
	a.LifeOptions.setDefaults()
	a.Cookie.setDefaults()
	a.Token.setDefaults("")
	g, err := a.open()
	if err != nil {
		w.t.Fatal(err)
	}
	a.gateway = func() (*gateway, error) { return g, nil }
	w.t.Cleanup(func() { _ = g.close() })
	return g
}

// pass lets time go by. Redis is told so by its keys' ends.
func (w *apart) pass(d time.Duration) {
	w.t.Helper()
	w.passed += d
	inside := w.redis.Client()
	for _, key := range inside.Keys(w.t.Context(), "*").Val() {
		left := inside.PTTL(w.t.Context(), key).Val() - d
		if err := inside.PExpire(w.t.Context(), key, left).Err(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// skewed is somebody who signed in at one of the gateways.
type skewed struct {
	cookie, token string
	session       *sessionstore.Session
}

// signInAt signs somebody in by JSON: their token lives as long as the session.
func (w *apart) signInAt(g *gateway) skewed {
	w.t.Helper()
	secret := sessionstore.NewSecret(1)
	user := sessionstore.UserSession{ID: 1, Email: "ada@example.com"}
	s := g.newSession(prepared(http.MethodPost, "/auth/login"), secret.Key(), register{}, &built{user: user, subject: user.Email})
	if err := g.store.Create(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
	token, err := g.ring.MintSession(s.Key, user.ID, s.ExpiresAt)
	if err != nil {
		w.t.Fatal(err)
	}
	return skewed{g.app.Cookie.Name + "=" + secret.Encode(), token, s}
}

// prepared is a request as Caddy hands it to a handler.
func prepared(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
}

// visit is one request to the app, and how it was answered.
func (w *apart) visit(g *gateway, header, value string) int {
	w.t.Helper()
	auth := &SessionAuth{app: g.app}
	var err error
	if auth.identity, err = newInjector(auth); err != nil {
		w.t.Fatal(err)
	}
	r, rec := prepared(http.MethodGet, "/app"), httptest.NewRecorder()
	r.Header.Set(header, value)
	next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	if err := auth.ServeHTTP(rec, r, next); err != nil {
		w.t.Fatal(err)
	}
	return rec.Code
}

// skews are how wrong the clocks are at which somebody signs in and is active.
var skews = []struct {
	name      string
	one, two  time.Duration
	shortToBe bool // a token of ten minutes is still good at the other
}{
	{"both clocks right", 0, 0, true},
	{"the second 5 minutes ahead", 0, 5 * time.Minute, true},
	{"the second 5 minutes behind", 0, -5 * time.Minute, true},
	{"the first 5 minutes ahead and the second 5 behind", 5 * time.Minute, -5 * time.Minute, true},
	{"the first 5 minutes behind and the second 4 ahead", -5 * time.Minute, 4 * time.Minute, true},
	{"the first 5 minutes behind and the second 5 ahead", -5 * time.Minute, 5 * time.Minute, false},
}

func TestFaultClocksThatDisagreeSignNobodyOut(t *testing.T) {
	for _, c := range skews {
		for name, cache := range map[string]CacheConfig{"near cache": {}, "no cache": {Off: true}} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				t.Parallel()
				w := &apart{t: t, redis: redistest.Start(t)}
				one, two := w.gateway(c.one, cache), w.gateway(c.two, cache)
				active := w.signInAt(one)
				refused, requests := 0, 0
				// Longer than the clocks are apart, and than the idle timeout.
				for range 30 {
					w.pass(time.Minute)
					for range 5 {
						for header, value := range map[string]string{"Cookie": active.cookie, "Authorization": "Bearer " + active.token} {
							if status := w.visit(two, header, value); status != http.StatusNoContent {
								refused++
							}
							requests++
						}
						two.flush(t.Context())
					}
				}
				if refused != 0 {
					t.Errorf("%d of %d requests of somebody who is active were refused", refused, requests)
				}
				t.Logf("| clocks that disagree, %s | %s; signed in at the first, active at the second for 30m with idle_timeout 4m | %d requests; refused: %d |",
					name, c.name, requests, refused)
				w.endsIdle(two, active.cookie)
			})
		}
	}
}

// endsIdle checks that a session still ends by itself, whatever the clocks.
func (w *apart) endsIdle(g *gateway, cookie string) {
	w.t.Helper()
	w.pass(idleTimeout + time.Second)
	if g.near != nil {
		g.near.Clear() // as its TTL would: time went by for the test alone
	}
	if status := w.visit(g, "Cookie", cookie); status != http.StatusUnauthorized {
		w.t.Errorf("who was idle for longer than the idle timeout is answered with %d", status)
	}
}

// A token that a cookie caller reads at one gateway is made for ten minutes by
// that gateway's clock. It is good at the other as long as that one's clock
// says so too, and no longer.
func TestFaultTokenFromAGatewayWhoseClockIsWrong(t *testing.T) {
	srv := redistest.Start(t)
	for _, c := range skews {
		t.Run(c.name, func(t *testing.T) {
			w := &apart{t: t, redis: srv}
			one, two := w.gateway(c.one, CacheConfig{}), w.gateway(c.two, CacheConfig{})
			s := w.signInAt(one).session
			short, err := one.tokens.Token(s.Key, s.User.ID, s.ExpiresAt)
			if err != nil {
				t.Fatal(err)
			}
			if status := w.visit(one, "Authorization", "Bearer "+short); status != http.StatusNoContent {
				t.Errorf("who made it answers %d", status)
			}
			if good := w.visit(two, "Authorization", "Bearer "+short) == http.StatusNoContent; good != c.shortToBe {
				t.Errorf("at the other it is good: %v; want %v", good, c.shortToBe)
			}
		})
	}
}

var _ login.Method = register{}
