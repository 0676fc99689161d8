package faults_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// clientPatience is how long callers wait for an answer at the most. A gateway
// whose store hangs must answer while it does: how fast, the long form tells.
func clientPatience() time.Duration {
	if gatewaytest.Long() {
		return 5 * time.Second
	}
	return gatewaytest.Patience
}

// outage is a gateway whose Redis is in trouble, and somebody who is signed in.
type outage struct {
	redis    *redistest.Server
	gateway  *gatewaytest.Process
	upstream *gatewaytest.Recorder
	cookie   string
	token    string
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{redis: redistest.Start(t, redistest.AppendOnly()), upstream: gatewaytest.NewRecorder(t)}
	s := gatewaytest.Site{}.OnRedis(o.redis, gatewaytest.PresentSecret)
	s.Options += "\nwhy\ncache off" // every request asks Redis
	s.Upstream, s.Hasty = o.upstream.Address(), true
	s.Routes = `session_endpoints
		session_auth /optional/* {
			optional
		}
		@rest not path /optional/*
		session_auth @rest {
			public /public/*
		}
		reverse_proxy {upstream}`
	o.gateway = gatewaytest.StartProcess(t, s)
	o.signIn(t)
	return o
}

func (o *outage) signIn(t *testing.T) {
	t.Helper()
	c := o.gateway.Client(t)
	o.token, o.cookie = c.SignIn(gatewaytest.Ada).Token, c.Cookie
	c.Get("/app").Want(t, http.StatusOK)
}

// demand is a request, and what answers it while the store cannot be asked.
type demand struct {
	name         string
	method, path string
	body         string
	header       []string
	byToken      bool
	status       int
}

var demandsInOutage = []demand{
	{"the session of a cookie cannot be told", http.MethodGet, "/auth/session", "", nil, false, 500},
	{"the session of a token cannot be told", http.MethodGet, "/auth/session", "", nil, true, 500},
	{"an app is not reached by cookie", http.MethodGet, "/app", "", nil, false, 503},
	{"an app is not reached by token", http.MethodPost, "/app", "", nil, true, 503},
	{"a person who looks at an app is not led to the login page", http.MethodGet, "/app", "", []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}, false, 503},
	{"where a session is optional, one that cannot be told is not taken for none", http.MethodGet, "/optional/x", "", nil, false, 503},
	{"a public path is open", http.MethodGet, "/public/x", "", []string{"X-Session-User-Id", "7"}, false, 200},
	{"nobody is signed in", http.MethodPost, "/auth/login", `{"email":"ada@example.com","password":"` + gatewaytest.Password + `"}`, []string{"Content-Type", "application/json"}, false, 503},
	{"a sign-out is not claimed", http.MethodPost, "/auth/logout", "", nil, false, 503},
	{"nothing is refreshed", http.MethodPost, "/auth/refresh", "", nil, false, 503},
	{"devices are not listed", http.MethodGet, "/auth/sessions", "", nil, false, 503},
	{"what is known of somebody is not told", http.MethodGet, "/auth/why?path=/app", "", nil, false, 503},
	{"a sign-out of other devices is not claimed", http.MethodDelete, "/auth/sessions", "", nil, false, 503},
	{"no account is chosen", http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`, []string{"Content-Type", "application/json"}, false, 503},
}

// refuses makes every demand at once, several times over, and checks that each
// is answered in time: not let in, and nobody signed out.
func (o *outage) refuses(t *testing.T) {
	t.Helper()
	var asking sync.WaitGroup
	defer asking.Wait()
	for range 5 {
		for _, d := range demandsInOutage {
			asking.Go(func() { o.check(t, d) })
		}
	}
}

func (o *outage) check(t *testing.T, d demand) {
	c := o.gateway.With(t, o.cookie, "")
	if d.byToken {
		c = o.gateway.With(t, "", o.token)
	}
	ctx, cancel := context.WithTimeout(context.Background(), clientPatience())
	defer cancel()
	a, err := c.Try(ctx, d.method, d.path, d.body, d.header...)
	switch {
	case err != nil:
		t.Errorf("%s: %s %s: %v", d.name, d.method, d.path, err)
	case a.StatusCode != d.status:
		t.Errorf("%s: %s %s is answered with %s, want %d\n%s", d.name, d.method, d.path, a.Status, d.status, a.Body)
	case len(a.Header["Set-Cookie"]) > 0:
		t.Errorf("%s: %s %s sets a cookie: %v", d.name, d.method, d.path, a.Header["Set-Cookie"])
	case d.status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") == "":
		t.Errorf("%s: %s %s says nothing of when to try again", d.name, d.method, d.path)
	}
}

// recovers waits until the signed-in person is known again. On the way there
// may be trouble, but no 401.
func (o *outage) recovers(t *testing.T) {
	t.Helper()
	for _, c := range []*gatewaytest.Client{o.gateway.With(t, o.cookie, ""), o.gateway.With(t, "", o.token)} {
		gatewaytest.Await(t, "the gateway has come back by itself", func() bool {
			a := c.Get("/app")
			if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("on the way back the answer is %s %s", a.Status, a.Body)
			}
			return a.StatusCode == http.StatusOK
		})
		c.Get("/auth/session").Want(t, http.StatusOK)
	}
	o.gateway.Client(t).SignIn(gatewaytest.Grace)
}

func TestRedisOutage(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	seen := o.upstream.Count()

	t.Run("a Redis that was killed lets nobody in and signs nobody out", func(t *testing.T) {
		o.redis.Kill()
		o.refuses(t)
	})
	t.Run("started again it is used again", func(t *testing.T) {
		o.redis.Restart()
		o.recovers(t)
	})
	t.Run("a Redis that hangs keeps nobody waiting", func(t *testing.T) {
		o.redis.Pause()
		defer o.redis.Resume()
		o.refuses(t)
	})
	t.Run("once it goes on it is used again", func(t *testing.T) { o.recovers(t) })
	t.Run("a gateway that starts while Redis is down comes up and recovers", func(t *testing.T) {
		o.redis.Kill()
		o.gateway.Terminate()
		o.gateway.Start()
		o.refuses(t)
		o.redis.Restart()
		o.recovers(t)
	})
	o.sawNobody(t, seen)
}

// sawNobody checks the requests that came through while the store was away:
// whoever they were from, nothing was claimed about them.
func (o *outage) sawNobody(t *testing.T, from int) {
	t.Helper()
	public := 0
	for _, r := range o.upstream.Since(from) {
		if !strings.HasPrefix(r.URL.Path, "/public/") {
			continue
		}
		public++
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Session-") {
				t.Errorf("a request of nobody knows whose has %s: %s", name, r.Header.Get(name))
			}
		}
	}
	if public == 0 {
		t.Error("no public request came through")
	}
}

func TestValueThatIsNoSessionIsNoSignOut(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	inside := o.redis.Client()
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, key string) error
	}{
		{"garbage", func(t *testing.T, key string) error {
			return inside.Set(t.Context(), key, "garbage", goredis.KeepTTL).Err()
		}},
		{"nothing at all", func(t *testing.T, key string) error {
			return inside.Set(t.Context(), key, "", goredis.KeepTTL).Err()
		}},
		{"a list", func(t *testing.T, key string) error {
			if err := inside.Del(t.Context(), key).Err(); err != nil {
				return err
			}
			return inside.LPush(t.Context(), key, "x").Err()
		}},
		{"a flipped bit", func(t *testing.T, key string) error {
			return inside.SetBit(t.Context(), key, 400, 1-int(inside.GetBit(t.Context(), key, 400).Val())).Err()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.signIn(t)
			keys := inside.Keys(t.Context(), "*:s:*").Val()
			if len(keys) == 0 {
				t.Fatal("Redis holds no session")
			}
			for _, key := range keys {
				if err := c.spoil(t, key); err != nil {
					t.Fatal(err)
				}
			}
			o.gateway.With(t, o.cookie, "").WantCannotTell(t)
			o.gateway.With(t, "", o.token).Get("/auth/session").Want(t, http.StatusInternalServerError)
			o.gateway.With(t, "", o.token).Get("/app").Want(t, http.StatusServiceUnavailable)
			t.Run("and can be signed out all the same", func(t *testing.T) {
				o.gateway.With(t, o.cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
				o.gateway.With(t, o.cookie, "").Get("/app").Want(t, http.StatusUnauthorized)
			})
			inside.FlushAll(t.Context())
		})
	}
}
