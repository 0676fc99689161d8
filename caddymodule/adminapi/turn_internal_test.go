package adminapi

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
)

// gated lets walks over everybody's sessions begin, and go on when it is opened.
type gated struct {
	*shelf
	open        chan struct{}
	now, atOnce atomic.Int64
}

func (g *gated) walk(ctx context.Context) error {
	g.atOnce.Store(max(g.atOnce.Load(), g.now.Add(1)))
	defer g.now.Add(-1)
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gated) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	if err := g.walk(ctx); err != nil {
		return err
	}
	return g.shelf.WalkAll(ctx, page)
}

func (g *gated) FindID(ctx context.Context, id string) (sessionstore.Found, bool, error) {
	if err := g.walk(ctx); err != nil {
		return sessionstore.Found{}, false, err
	}
	return g.shelf.FindID(ctx, id)
}

func TestWalksOverEverybodysSessionsTakeTurns(t *testing.T) {
	const nobodys = "/sidegate/sessions/AAAAAAAAAAAAAAAA"
	for name, c := range map[string]struct {
		asked  [][2]string
		atOnce int64
	}{
		"those who look":               {[][2]string{{http.MethodGet, nobodys}, {http.MethodGet, nobodys}, {http.MethodGet, "/sidegate/sessions?all=true"}, {http.MethodGet, "/sidegate/sessions?login=sso"}}, 1},
		"those who end":                {[][2]string{{http.MethodDelete, nobodys}, {http.MethodDelete, "/sidegate/sessions?email=ada@example.com"}, {http.MethodDelete, "/sidegate/sessions?all=true"}}, 1},
		"an end waits for no question": {[][2]string{{http.MethodGet, nobodys}, {http.MethodGet, nobodys}, {http.MethodDelete, "/sidegate/sessions?all=true"}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gated{shelf: newShelf(), open: make(chan struct{})}
				a := newAsking(t, g, time.Now)
				var asked sync.WaitGroup
				for _, one := range c.asked {
					asked.Go(func() { a.ask(t.Context(), one[0], one[1]) })
				}
				synctest.Wait()
				gone, cancel := context.WithCancel(t.Context())
				cancel() // who has gone waits for nothing
				if status, _ := a.ask(gone, c.asked[0][0], c.asked[0][1]); status != http.StatusServiceUnavailable {
					t.Errorf("who has gone is answered %d", status)
				}
				close(g.open)
				asked.Wait()
				if n := g.atOnce.Load(); n != c.atOnce {
					t.Errorf("%d walks went on at once; want %d", n, c.atOnce)
				}
			})
		})
	}
}
