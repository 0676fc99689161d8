package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
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

func TestALoginIsToldOfSignOuts(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(g *gateway, a, b *person) error
		want int // of two sessions
	}{
		{"of one", func(g *gateway, a, _ *person) error { return g.End(t.Context(), a.key) }, 1},
		{"once, however often somebody signs out", func(g *gateway, a, _ *person) error {
			return errors.Join(g.End(t.Context(), a.key), g.End(t.Context(), a.key))
		}, 1},
		{"of several", func(g *gateway, a, b *person) error {
			_, err := g.EndAll(t.Context(), []sessionstore.Key{a.key, b.key})
			return err
		}, 2},
		{"of all others", func(g *gateway, a, _ *person) error { return g.EndOthers(t.Context(), a.session) }, 1},
		{"not of what ends in another way", func(g *gateway, _, _ *person) error {
			g.EndPerson("teller", 1, nil)
			g.WorkOff(t.Context())
			return nil
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &faulty{Store: memory.New(nil)}
				m := &leaver{told: make(chan *profile.Kept, 5), err: errTrouble}
				g := newGateway(t, store, m, time.Now)
				one, other := g.settled(t, m), g.settled(t, m)
				if err := c.end(g, one, other); err != nil {
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
