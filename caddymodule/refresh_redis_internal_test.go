package caddymodule

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// atOnce is how many requests come at the same moment.
const atOnce = 50

// pair is two gateways that share a Redis, a login and a clock.
type pair struct {
	t     *testing.T
	login *teller
	watch *watch
	g     [2]*gateway
}

func newPair(t *testing.T) *pair {
	t.Helper()
	srv := redistest.Start(t)
	p := &pair{t: t, login: new(teller), watch: new(watch)}
	p.login.grants("viewer")
	for i := range p.g {
		store := &RedisStore{URL: srv.URL()}
		if err := store.configure(); err != nil {
			t.Fatal(err)
		}
		g := refreshing(t, store, p.login, p.watch.now)
		if err := g.app.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = g.app.Stop()
			if err := g.close(); err != nil {
				t.Error(err)
			}
		})
		p.g[i] = g
	}
	return p
}

// settled signs ada in at the first; both near caches have her session then,
// and hear of what becomes of it.
func (p *pair) settled() *person {
	p.t.Helper()
	who := p.g[0].settled(p.t)
	for _, g := range p.g {
		until(p.t, "the session is in the near cache", func() bool {
			hits := g.near.Stats().Hits
			_, err := g.store.Get(p.t.Context(), who.key)
			return err == nil && g.near.Stats().Hits > hits
		})
	}
	return who
}

// rest waits until neither gateway has a refresh under way.
func (p *pair) rest() {
	p.t.Helper()
	until(p.t, "no refresh is under way", func() bool { return p.g[0].refresher.resting() && p.g[1].refresher.resting() })
}

// wantAsked demands how often the source was asked since the last time.
func (p *pair) wantAsked(want int64) {
	p.t.Helper()
	if got := p.login.asked.Swap(0); got != want {
		p.t.Errorf("the source was asked %d times; want %d", got, want)
	}
}

// inParallel sends prepared requests of that person, by turns to both.
func (p *pair) inParallel(who *person, method, path string, send func(*gateway, *http.Request)) {
	var requests [atOnce]*http.Request
	for i := range requests {
		requests[i] = who.request(p.g[i%2], method, path)
	}
	start := make(chan struct{})
	var sending sync.WaitGroup
	for i, r := range requests {
		sending.Go(func() { <-start; send(p.g[i%2], r) })
	}
	close(start)
	sending.Wait()
}

func TestRefreshAsksTheSourcesOncePerExpiry(t *testing.T) {
	roles := []string{"editor", "auditor", "viewer"}
	t.Run("when 50 programs ask two gateways for it at once", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		for _, role := range roles {
			p.watch.forward(refreshedEvery)
			p.login.grants(role)
			p.inParallel(who, http.MethodPost, "/auth/refresh", func(g *gateway, r *http.Request) {
				w := httptest.NewRecorder()
				postRefresh(g, w, r)
				if w.Code != http.StatusOK {
					t.Errorf("answered with %d %s", w.Code, w.Body)
				}
			})
			p.rest()
			p.wantAsked(1)
			who.wantRoles(p.g[0], role)
		}
	})
	t.Run("when 50 requests come at the moment that it is due", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		for _, role := range roles {
			p.watch.forward(refreshedEvery)
			p.login.grants(role)
			p.inParallel(who, http.MethodGet, "/app", func(g *gateway, r *http.Request) {
				if w := who.visit(g, r); w.Code != http.StatusOK {
					t.Errorf("answered with %d", w.Code)
				}
			})
			p.rest()
			p.wantAsked(1)
			who.wantRoles(p.g[0], role)
		}
	})
	t.Run("and nobody before it is due", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		p.watch.forward(refreshedEvery - 5*time.Second)
		p.inParallel(who, http.MethodGet, "/app", func(g *gateway, r *http.Request) { who.visit(g, r) })
		p.rest()
		p.wantAsked(0)
	})
	t.Run("when the clock of the second gateway is behind", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		p.g[1].app.now = func() time.Time { return p.watch.now().Add(-5 * time.Minute) }
		p.login.grants("editor")
		p.inParallel(who, http.MethodPost, "/auth/refresh", func(g *gateway, r *http.Request) {
			postRefresh(g, httptest.NewRecorder(), r)
		})
		p.rest()
		p.wantAsked(1)
		who.wantRoles(p.g[0], "editor")
	})
}

// The old session is served while a new one is made; then both gateways show
// the new one, though their near caches would keep the old for an hour.
func TestRefreshShowsAtBothGatewaysAndHoldsNobodyUp(t *testing.T) {
	p := newPair(t)
	who := p.settled()
	p.watch.forward(refreshedEvery)
	p.login.grants("editor")
	reached, release := p.login.blocked()
	defer release()
	for range 3 {
		for _, g := range p.g {
			if got := who.visit(g, who.request(g, http.MethodGet, "/app")).Body.String(); got != "viewer" {
				t.Errorf("meanwhile the app hears of the roles %q", got)
			}
		}
	}
	<-reached
	release()
	for _, g := range p.g {
		until(t, "the new roles show", func() bool {
			return who.visit(g, who.request(g, http.MethodGet, "/app")).Body.String() == "editor"
		})
	}
	p.rest()
	p.wantAsked(1)
	if now := who.now(p.g[0]); now.Version <= who.session.Version {
		t.Errorf("the version is still %d", now.Version)
	}
}

func TestRefreshGoesOnWhenItsClientGoesAway(t *testing.T) {
	p := newPair(t)
	who := p.settled()
	p.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
		person := entryOf("editor")
		person.Kept = &profile.Kept{RefreshToken: "second"}
		return person, nil
	})
	reached, release := p.login.blocked()
	defer release()
	r := who.request(p.g[0], http.MethodPost, "/auth/refresh")
	ctx, leave := context.WithCancel(r.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		postRefresh(p.g[0], httptest.NewRecorder(), r.WithContext(ctx))
	}()
	<-reached
	leave()
	<-gone // before the source has answered
	release()
	p.rest()
	p.wantAsked(1)
	who.wantRoles(p.g[1], "editor")
	if kept := who.now(p.g[1]).Kept; kept != `{"refresh_token":"second"}` {
		t.Errorf("the session keeps %s", kept)
	}
}
