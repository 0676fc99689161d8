package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

func TestEnd(t *testing.T) {
	store := &faulty{Store: memory.New(nil)}
	g := newGateway(t, store, new(teller), time.Now)
	var ended []sessionstore.Key
	g.ended = func(key sessionstore.Key) { ended = append(ended, key) }
	one, two, three := g.settled(t, new(teller)), g.settled(t, new(teller)), g.settled(t, new(teller))

	t.Run("says nothing of a session that could not be ended", func(t *testing.T) {
		store.away.Store(true)
		defer store.away.Store(false)
		if _, err := g.EndAll(t.Context(), []sessionstore.Key{one.key, two.key}); !errors.Is(err, errAway) || ended != nil {
			t.Errorf("answered with %v, told of %v", err, ended)
		}
	})
	t.Run("ends each, and tells who keeps something for it", func(t *testing.T) {
		if _, err := g.EndAll(t.Context(), []sessionstore.Key{one.key, two.key}); err != nil {
			t.Error(err)
		}
		one.wantGone(g)
		two.wantGone(g)
		if !slices.Equal(ended, []sessionstore.Key{one.key, two.key}) {
			t.Errorf("told of %v", ended)
		}
	})
	t.Run("is no error for a session that is gone already", func(t *testing.T) {
		if err := g.End(t.Context(), one.key); err != nil {
			t.Error(err)
		}
	})
	t.Run("of the others leaves the one", func(t *testing.T) {
		four := g.settled(t, new(teller))
		if err := g.EndOthers(t.Context(), four.session); err != nil {
			t.Error(err)
		}
		three.wantGone(g)
		four.wantRoles(g, "viewer")
	})
}

// silent says nothing of what is linked.
type silent struct{ sessionstore.Store }

func (silent) IsLinked(context.Context, string, sessionstore.Key) (bool, error) { return true, errAway }

// Whoever has the session open at another gateway is told whose doing its end was.
func TestWhoHasEndedASessionIsKnownForAWhile(t *testing.T) {
	store := &faulty{Store: memory.New(nil)}
	g := newGateway(t, store, new(teller), time.Now)
	for name, c := range map[string]struct {
		end  func(sessionstore.Key) error
		want bool
	}{
		"by its person, with it": {func(key sessionstore.Key) error {
			_, err := g.EndAll(t.Context(), []sessionstore.Key{key})
			return err
		}, true},
		"by its person, on another device": {func(key sessionstore.Key) error { return g.End(t.Context(), key) }, false},
		"by somebody else": {func(key sessionstore.Key) error {
			_, err := store.Revoke(t.Context(), key)
			return err
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			one := g.settled(t, new(teller))
			if lifecycle.SignedOut(t.Context(), store, one.key) {
				t.Error("it lives, and is said to have been signed out")
			}
			if err := c.end(one.key); err != nil {
				t.Fatal(err)
			}
			if got := lifecycle.SignedOut(t.Context(), store, one.key); got != c.want {
				t.Errorf("signed out: %v; want %v", got, c.want)
			}
		})
	}
	t.Run("not where the store cannot tell", func(t *testing.T) {
		one := g.settled(t, new(teller))
		if _, err := g.EndAll(t.Context(), []sessionstore.Key{one.key}); err != nil {
			t.Fatal(err)
		}
		if lifecycle.SignedOut(t.Context(), silent{store}, one.key) {
			t.Error("it was told")
		}
	})
	t.Run("nothing is written of a session that is not there", func(t *testing.T) {
		var none sessionstore.Key
		if _, err := g.EndAll(t.Context(), []sessionstore.Key{none}); err != nil {
			t.Fatal(err)
		}
		if lifecycle.SignedOut(t.Context(), store, none) {
			t.Error("it was written down")
		}
	})
}

func TestFind(t *testing.T) {
	store := &shaky{Store: memory.New(nil)}
	g := newGateway(t, store, new(teller), time.Now)
	own, other := g.settled(t, new(teller)), g.settled(t, new(teller))
	stranger := entryOf()
	stranger.ID = 2
	theirs, _, err := g.Begin(t.Context(), new(teller), stranger, lifecycle.Arrival{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id string
		want     sessionstore.Key
		found    bool
	}{
		{"one's own is found", own.key.ID(), own.key, true},
		{"another of one's own is found", other.key.ID(), other.key, true},
		{"one of somebody else is not", theirs.Key.ID(), sessionstore.Key{}, false},
		{"none is not", "", sessionstore.Key{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if key, found, err := g.Find(t.Context(), own.session, c.id); key != c.want || found != c.found || err != nil {
				t.Errorf("%v, %v, %v", key, found, err)
			}
		})
	}
	t.Run("none is for certain when the store can be asked alone", func(t *testing.T) {
		store.failures = 1
		if _, _, err := g.Find(t.Context(), own.session, other.key.ID()); !errors.Is(err, errAway) {
			t.Errorf("answered with %v", err)
		}
	})
}

// None of that id is what an end leaves too, of which no replica has heard.
func TestNoneIsFoundOnceItsEndIsConfirmed(t *testing.T) {
	store := &shop{Store: memory.New(nil)}
	g := newGateway(t, store, new(teller), time.Now)
	own, other := g.settled(t, new(teller)), g.settled(t, new(teller))
	store.unsettled = true
	if err := g.End(t.Context(), other.key); !errors.Is(err, sessionstore.ErrUnconfirmed) {
		t.Fatalf("its end is answered with %v", err)
	}
	if _, found, err := g.Find(t.Context(), own.session, other.key.ID()); found || !errors.Is(err, sessionstore.ErrUnconfirmed) {
		t.Errorf("%v, %v", found, err)
	}
	store.unsettled = false
	if _, found, err := g.Find(t.Context(), own.session, other.key.ID()); found || err != nil {
		t.Errorf("once it is confirmed: %v, %v", found, err)
	}
}

func TestSlide(t *testing.T) {
	clock := new(watch)
	g := newGateway(t, memory.New(clock.now), new(teller), clock.now)
	ada := g.settled(t, new(teller))
	clock.forward(time.Minute)
	slid, err := g.Slide(t.Context(), ada.session)
	if err != nil || !slid.IdleExpiresAt().After(ada.session.IdleExpiresAt()) {
		t.Errorf("%+v, %v", slid, err)
	}
	if kept := ada.now(g); !kept.LastSeenAt.After(ada.session.LastSeenAt) {
		t.Error("the store has not heard of it")
	}
	if err := g.End(t.Context(), ada.key); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Slide(t.Context(), ada.session); !errors.Is(err, lifecycle.ErrEnded) {
		t.Errorf("of a session that is gone: %v", err)
	}
}
