package lifecycle_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// limited is a gateway where a person may have two sessions.
func limited(t *testing.T, refuse bool) (*gateway, *watch) {
	t.Helper()
	clock := new(watch)
	two := func(c *lifecycle.Config) { c.MaxSessions, c.RefuseBeyond = 2, refuse }
	return newGateway(t, memory.New(clock.now), new(teller), clock.now, two), clock
}

// In a row: 150 sign-ins made 150 sessions, and so on without end.
func TestWhoSignsInWithoutEndHasNoMoreSessionsThanTheyMay(t *testing.T) {
	var begun, ended []sessionstore.Key
	g, clock := limited(t, false)
	g.ended = func(key sessionstore.Key) { ended = append(ended, key) }
	for range 150 {
		begun = append(begun, g.settled(t, new(teller)).key)
		clock.forward(time.Second)
	}
	if own, err := g.store.List(t.Context(), 1); err != nil || len(own) != 2 {
		t.Errorf("there are %d sessions, %v; want 2", len(own), err)
	}
	if !slices.Equal(ended, begun[:148]) {
		t.Errorf("told who keeps something for them of the end of %d; want all but the last two, in their order", len(ended))
	}
	told := 0
	for _, e := range g.ear.heard {
		if e.Kind == lifecycle.EndedForRoom {
			told += e.Count
			if e.UserID != 1 || e.Login != "teller" {
				t.Errorf("told of %+v", e)
			}
		}
	}
	if told != 148 {
		t.Errorf("told of the end of %d; want 148", told)
	}
}

func TestWhatEndsForANewSessionIsNotServedFromTheNearCache(t *testing.T) {
	g, clock := limited(t, false)
	first := g.settled(t, new(teller))
	clock.forward(time.Second)
	g.settled(t, new(teller))
	if _, err := g.visit(t.Context(), first.key); err != nil {
		t.Fatal(err)
	}
	g.settled(t, new(teller))
	if _, err := g.visit(t.Context(), first.key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("it is served: %v", err)
	}
}

func TestWhoMayHaveNoMoreSessions(t *testing.T) {
	t.Run("is refused, told of, and is no trouble of the store", func(t *testing.T) {
		g, _ := limited(t, true)
		one, two := g.settled(t, new(teller)), g.settled(t, new(teller))
		_, _, err := g.Begin(t.Context(), new(teller), entryOf(), lifecycle.Arrival{})
		if !errors.Is(err, sessionstore.ErrTooMany) {
			t.Errorf("answered with %v", err)
		}
		want := lifecycle.Event{Kind: lifecycle.TooMany, Login: "teller", UserID: 1, Count: 2}
		if got := g.ear.heard[len(g.ear.heard)-1]; got != want || len(g.ear.troubles) > 0 {
			t.Errorf("told of %+v, trouble %v", got, g.ear.troubles)
		}
		one.wantRoles(g, "viewer")
		two.wantRoles(g, "viewer")
	})
	t.Run("may sign in again where they are signed in", func(t *testing.T) {
		for _, refuse := range []bool{true, false} {
			g, clock := limited(t, refuse)
			idle := g.settled(t, new(teller))
			clock.forward(time.Second)
			here := g.settled(t, new(teller))
			if _, _, err := g.Begin(t.Context(), new(teller), entryOf(), lifecycle.Arrival{Presented: []sessionstore.Key{here.key}}); err != nil {
				t.Fatal(err)
			}
			here.wantGone(g)
			idle.wantRoles(g, "viewer") // nobody goes who should stay
		}
	})
	t.Run("may again when one has ended", func(t *testing.T) {
		g, _ := limited(t, true)
		one := g.settled(t, new(teller))
		g.settled(t, new(teller))
		if err := g.End(t.Context(), one.key); err != nil {
			t.Fatal(err)
		}
		g.settled(t, new(teller))
	})
}
