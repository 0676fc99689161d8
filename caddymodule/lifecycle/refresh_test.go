package lifecycle_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
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
	redis.LogTo(func(string) {}) // of connections that end with the test
	srv := redistest.Start(t)
	sealer, err := sessionstore.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, login: new(teller), watch: new(watch)}
	p.login.grants("viewer")
	for i := range p.g {
		store := redis.New(srv.Client(), sealer, redis.Options{Now: p.watch.now, Timeout: redistest.Patience})
		p.g[i] = newGateway(t, store, p.login, p.watch.now)
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		ear := sessionstore.Listener{Changed: p.g[i].near.Heard, Missed: p.g[i].near.Missed}
		following.Go(func() { sessionstore.Follow(ctx, store, ear) })
		t.Cleanup(func() { cancel(); following.Wait() })
	}
	return p
}

// settled signs ada in at the first; both near caches have her session then,
// and hear of what becomes of it.
func (p *pair) settled() *person {
	p.t.Helper()
	who := p.g[0].settled(p.t, p.login)
	for _, g := range p.g {
		until(p.t, "the session is in the near cache", func() bool {
			hits := g.near.Stats().Hits
			_, err := g.near.Get(p.t.Context(), who.key)
			return err == nil && g.near.Stats().Hits > hits
		})
	}
	return who
}

// rest waits until neither gateway has a refresh under way, and has others
// take their places that may begin some.
func (p *pair) rest() {
	p.t.Helper()
	for i, g := range p.g {
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
		g.Finish(ctx)
		if ctx.Err() != nil {
			p.t.Error("a refresh is still under way")
		}
		cancel()
		p.g[i] = newGatewayBehind(p.t, g.near, g.store, p.login, g.now)
	}
}

// wantAsked demands how often the source was asked since the last time.
func (p *pair) wantAsked(want int64) {
	p.t.Helper()
	if got := p.login.asked.Swap(0); got != want {
		p.t.Errorf("the source was asked %d times; want %d", got, want)
	}
}

// inParallel has so many requests of that person come at once, by turns to
// both, each of which has found its session already.
func (p *pair) inParallel(who *person, ask func(*gateway, *sessionstore.Session)) {
	p.t.Helper()
	var found [atOnce]*sessionstore.Session
	for i := range found {
		var err error
		if found[i], err = p.g[i%2].near.Get(p.t.Context(), who.key); err != nil {
			p.t.Fatal(err)
		}
	}
	start := make(chan struct{})
	var asking sync.WaitGroup
	for i, s := range found {
		g := p.g[i%2]
		asking.Go(func() { <-start; ask(g, s) })
	}
	close(start)
	asking.Wait()
}

// soon is what a request to the app sets off.
func soon(g *gateway, s *sessionstore.Session) {
	if now := g.now(); g.Due(s, now) {
		g.RefreshIfDue(s, now)
	}
}

func TestRefreshAsksTheSourcesOncePerExpiry(t *testing.T) {
	for name, ask := range map[string]func(*gateway, *sessionstore.Session){
		"when 50 programs ask two gateways for it at once": func(g *gateway, s *sessionstore.Session) {
			if _, err := g.Refresh(t.Context(), s); err != nil {
				t.Errorf("answered with %v", err)
			}
		},
		"when 50 requests come at the moment that it is due": soon,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			who := p.settled()
			for _, role := range []string{"editor", "auditor", "viewer"} {
				p.watch.forward(refreshedEvery)
				p.login.grants(role)
				p.inParallel(who, ask)
				p.rest()
				p.wantAsked(1)
				who.wantRoles(p.g[0], role)
			}
		})
	}
	t.Run("and nobody before it is due", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		p.watch.forward(refreshedEvery - 5*time.Second)
		p.inParallel(who, soon)
		p.rest()
		p.wantAsked(0)
	})
	t.Run("when the clock of the second gateway is behind", func(t *testing.T) {
		p := newPair(t)
		who := p.settled()
		behind := func() time.Time { return p.watch.now().Add(-5 * time.Minute) }
		p.g[1] = newGatewayBehind(t, p.g[1].near, p.g[1].store, p.login, behind)
		p.login.grants("editor")
		p.inParallel(who, func(g *gateway, s *sessionstore.Session) { _, _ = g.Refresh(t.Context(), s) })
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
			if got := who.rolesAt(g); got != "viewer" {
				t.Errorf("meanwhile the app hears of the role %q", got)
			}
		}
	}
	<-reached
	release()
	for _, g := range p.g {
		until(t, "the new roles show", func() bool { return who.rolesAt(g) == "editor" })
	}
	p.rest()
	p.wantAsked(1)
	if now := who.now(p.g[0]); now.Version <= who.session.Version {
		t.Errorf("the version is still %d", now.Version)
	}
}

// rolesAt is the one role with which a request is served there.
func (p *person) rolesAt(g *gateway) string {
	p.t.Helper()
	s, err := g.visit(p.t.Context(), p.key)
	if err != nil || len(s.User.FlatRolesList) != 1 {
		p.t.Fatalf("%+v, %v", s, err)
	}
	return s.User.FlatRolesList[0]
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
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := p.g[0].Refresh(ctx, who.session)
		gone <- err
	}()
	<-reached
	leave()
	if err := <-gone; err == nil { // before the source has answered
		t.Error("who went away is told of a success")
	}
	release()
	p.rest()
	p.wantAsked(1)
	who.wantRoles(p.g[1], "editor")
	if kept := who.now(p.g[1]).Kept; kept != secondKept {
		t.Errorf("the session keeps %s", kept)
	}
}
