package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// leaver is a login that is told of sign-outs.
type leaver struct {
	teller
	told chan *profile.Kept
	err  error
}

func (l *leaver) SignsOut() bool { return true }

func (l *leaver) SignOut(_ context.Context, kept *profile.Kept) error {
	l.told <- kept
	return l.err
}

// crowd is a login at which many leave at once.
type crowd struct {
	teller
	mu          sync.Mutex
	now, most   int
	told, tries int
	fails       int   // the first of each
	err         error // with that
	by          map[string]int
}

func (c *crowd) SignsOut() bool { return true }

func (c *crowd) SignOut(_ context.Context, kept *profile.Kept) error {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	pass(100 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.tries = c.now-1, c.tries+1
	if c.by[kept.UpstreamCookies[0]]++; c.by[kept.UpstreamCookies[0]] <= c.fails {
		return c.err
	}
	c.told++
	return nil
}

// From the 65th device on an app was not told of those whom somebody signed out.
func TestAnAppIsToldOfAsManySignOutsAsThereAre(t *testing.T) {
	definite := &login.Definite{Err: errTrouble}
	for _, c := range []struct {
		name    string
		fails   int
		err     error
		told    int // of 200
		tries   int
		notTold int
	}{
		{"sixty-four at once, the others after them", 0, nil, 200, 200, 0},
		{"and again where it was in trouble", 2, errTrouble, 200, 600, 0},
		{"three times at most", 9, errTrouble, 0, 600, 200},
		{"and once where it says what will be so again", 9, definite, 0, 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &crowd{fails: c.fails, err: c.err, by: make(map[string]int)}
				g := newGateway(t, &faulty{Store: memory.New(nil)}, m, time.Now)
				var keys []sessionstore.Key
				for i := range 200 {
					who := g.settled(t, m)
					g.answers(t, who.key, sid(fmt.Sprint(i)))
					keys = append(keys, who.key)
				}
				if _, err := g.EndAll(t.Context(), keys); err != nil {
					t.Fatal(err)
				}
				pass(time.Minute)
				g.Finish(t.Context())
				if m.told != c.told || m.tries != c.tries || m.most != 64 || countOf(g.ear.kinds(), lifecycle.NotTold) != c.notTold {
					t.Errorf("it was told of %d in %d tries, %d at once, and not told of %d", m.told, m.tries, m.most, countOf(g.ear.kinds(), lifecycle.NotTold))
				}
			})
		})
	}
}

func TestALoginIsToldOfSignOuts(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(ctx context.Context, g *gateway, a, b *person) error
		want int // of two sessions
	}{
		{"of one", func(ctx context.Context, g *gateway, a, _ *person) error { return g.End(ctx, a.key) }, 1},
		{"once, however often somebody signs out", func(ctx context.Context, g *gateway, a, _ *person) error {
			return errors.Join(g.End(ctx, a.key), g.End(ctx, a.key))
		}, 1},
		{"of several", func(ctx context.Context, g *gateway, a, b *person) error {
			_, err := g.EndAll(ctx, []sessionstore.Key{a.key, b.key})
			return err
		}, 2},
		{"of all others", func(ctx context.Context, g *gateway, a, _ *person) error { return g.EndOthers(ctx, a.session) }, 1},
		{"not of what ends in another way", func(ctx context.Context, g *gateway, _, _ *person) error {
			g.EndPerson("teller", 1, nil)
			g.WorkOff(ctx)
			return nil
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &faulty{Store: memory.New(nil)}
				m := &leaver{told: make(chan *profile.Kept, 5), err: &login.Definite{Err: errTrouble}}
				g := newGateway(t, store, m, time.Now)
				one, other := g.settled(t, m), g.settled(t, m)
				if err := c.end(t.Context(), g, one, other); err != nil {
					t.Fatal(err)
				}
				g.Finish(t.Context())
				if len(m.told) != c.want || countOf(g.ear.kinds(), lifecycle.NotTold) != c.want {
					t.Errorf("it was told of %d; and heard is %v", len(m.told), g.ear.kinds())
				}
			})
		})
	}
	t.Run("with the cookies of now, though they are not written yet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := &faulty{Store: memory.New(nil)}
			m := &leaver{told: make(chan *profile.Kept, 1)}
			g := newGateway(t, store, m, time.Now)
			one := g.settled(t, m)
			g.answers(t, one.key, sid("1"))
			synctest.Wait()
			g.answers(t, one.key, sid("2"))
			if err := g.End(t.Context(), one.key); err != nil {
				t.Fatal(err)
			}
			if kept := <-m.told; !slices.Equal(kept.UpstreamCookies, []string{"sid=2"}) {
				t.Errorf("it was told %q", kept.UpstreamCookies)
			}
			g.Finish(t.Context())
		})
	})
}
