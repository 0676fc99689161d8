package caller_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// apart is gateways on one Redis, each with a clock that is wrong in its own
// way. Time goes by for all of them, and for Redis, when the test says so.
type apart struct {
	t      *testing.T
	redis  *redistest.Server
	passed time.Duration
}

// gateway is what of one finds callers and notes their activity.
type gateway struct {
	*caller.Finder
	caller.Config
	activity *sessionstore.Activity
	tokens   *token.Cache
	now      func() time.Time
}

// idleTimeout is shorter than the clocks may be apart.
const idleTimeout = 4 * time.Minute

func (w *apart) gateway(skew time.Duration, cached bool) *gateway {
	w.t.Helper()
	g := &gateway{now: func() time.Time { return time.Now().Add(skew + w.passed) }}
	ring, err := token.NewRing(token.Config{Secrets: []string{"a secret of sufficient length that gateways share"}, Issuer: "sidegate", Now: g.now})
	w.must(err)
	g.tokens, err = token.NewCache(ring, 10*time.Minute, 0)
	w.must(err)
	verified, err := token.NewVerified(ring, 0)
	w.must(err)
	config := caller.Config{Ring: ring, Verified: verified, Cookie: "sidegate", Bearers: caller.Bearers{Sites: new(origin.Sites)}}
	config.Store = redis.New(w.redis.Client(), storetest.NewSealer(w.t, 1), redis.Options{Now: g.now, Timeout: redistest.Patience})
	if cached {
		config.Near = nearcache.New(config.Store, nearcache.Options{Now: g.now, Timeout: redistest.Patience})
		config.Store = config.Near
	}
	g.activity = sessionstore.NewActivity(config.Store, g.now)
	g.Finder, g.Config = caller.NewFinder(config), config
	return g
}

func (w *apart) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time go by. Redis is told so by its keys' ends, and by what the
// indexes say of them.
func (w *apart) pass(d time.Duration) {
	w.t.Helper()
	w.passed += d
	inside := w.redis.Client()
	for _, key := range inside.Keys(w.t.Context(), "*").Val() {
		left := inside.PTTL(w.t.Context(), key).Val() - d
		w.must(inside.PExpire(w.t.Context(), key, left).Err())
		if !strings.Contains(key, "}:u:") {
			continue
		}
		for _, session := range inside.ZRange(w.t.Context(), key, 0, -1).Val() {
			w.must(inside.ZIncrBy(w.t.Context(), key, -float64(d.Milliseconds()), session).Err())
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
	secret, now := sessionstore.NewSecret(1), g.now().UTC().Truncate(time.Millisecond)
	s := &sessionstore.Session{
		Key: secret.Key(), User: sessionstore.UserSession{ID: 1, Email: "ada@example.com"}, Version: 1,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: idleTimeout,
	}
	w.must(storetest.Keep(w.t.Context(), g.Store, s))
	token, err := g.Ring.MintSession(s.Key, s.User.ID, s.ExpiresAt)
	w.must(err)
	return skewed{"sidegate=" + secret.Encode(), token, s}
}

// visit is one request to the app, and who is found to make it.
func (w *apart) visit(g *gateway, header, value string) caller.Standing {
	w.t.Helper()
	r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "/app", nil), caddy.NewReplacer(), httptest.NewRecorder(), nil)
	r.Header.Set(header, value)
	c := g.Caller(r)
	if c.MayPass() {
		c.Entry.Note(g.activity, g.now())
	}
	return c.Standing
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

func TestClocksThatDisagreeSignNobodyOut(t *testing.T) {
	for _, c := range skews {
		for name, cache := range map[string]bool{"near cache": true, "no cache": false} {
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
							if standing := w.visit(two, header, value); standing != caller.SignedIn {
								refused++
							}
							requests++
						}
						if err := two.activity.Flush(t.Context()); err != nil {
							t.Fatal(err)
						}
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
	if g.Near != nil {
		g.Near.Clear() // as its TTL would: time went by for the test alone
	}
	if standing := w.visit(g, "Cookie", cookie); standing != caller.Rejected {
		w.t.Errorf("who was idle for longer than the idle timeout is %d", standing)
	}
}

// A token that a cookie caller reads at one gateway is made for ten minutes by
// that gateway's clock. It is good at the other as long as that one's clock
// says so too, and no longer.
func TestATokenFromAGatewayWhoseClockIsWrong(t *testing.T) {
	srv := redistest.Start(t)
	for _, c := range skews {
		t.Run(c.name, func(t *testing.T) {
			w := &apart{t: t, redis: srv}
			one, two := w.gateway(c.one, true), w.gateway(c.two, true)
			s := w.signInAt(one).session
			short, err := one.tokens.Token(token.Site{Scheme: "http", Host: "example.com"}, s.Key, s.User.ID, s.ExpiresAt)
			if err != nil {
				t.Fatal(err)
			}
			if standing := w.visit(one, "Authorization", "Bearer "+short); standing != caller.SignedIn {
				t.Errorf("who made it says %d", standing)
			}
			if good := w.visit(two, "Authorization", "Bearer "+short) == caller.SignedIn; good != c.shortToBe {
				t.Errorf("at the other it is good: %v; want %v", good, c.shortToBe)
			}
		})
	}
}
