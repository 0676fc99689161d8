package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// What is claimed for a session is claimed before anybody can have it.
func TestASessionIsClaimedBeforeItIsKept(t *testing.T) {
	g, _ := beginning(t)
	errTaken, claimed := errors.New("taken"), 0
	claim := func(answer error) lifecycle.Arrival {
		return lifecycle.Arrival{By: "old", Claim: func(ctx context.Context, s *sessionstore.Session) error {
			claimed++
			if _, err := g.store.Get(ctx, s.Key); !errors.Is(err, sessionstore.ErrNotFound) {
				t.Errorf("it is there already: %v", err)
			}
			return answer
		}}
	}
	if _, _, err := g.Begin(t.Context(), new(teller), entryOf(), claim(errTaken)); !errors.Is(err, errTaken) {
		t.Errorf("what cannot be claimed: %v", err)
	}
	if own, err := g.store.List(t.Context(), 1); err != nil || len(own) != 0 {
		t.Errorf("it is left behind: %v, %v", own, err)
	}
	s, _, err := g.Begin(t.Context(), new(teller), entryOf(), claim(nil))
	if err != nil || claimed != 2 || s.Method != "teller" {
		t.Fatalf("%v, %v, claimed %d times", s, err, claimed)
	}
	if heard := g.ear.heard; heard[len(heard)-1].Kind != lifecycle.Began || heard[len(heard)-1].Login != "old" {
		t.Errorf("told of %+v", heard)
	}
}

func TestASessionEndsWhenItIsToEndAtTheLatest(t *testing.T) {
	g, _ := beginning(t)
	for _, c := range []struct{ ends, lives time.Duration }{{time.Hour, time.Hour}, {20 * time.Hour, 12 * time.Hour}} {
		s, _, err := g.Begin(t.Context(), new(teller), entryOf(), lifecycle.Arrival{Ends: time.Now().Add(c.ends)})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ExpiresAt.Sub(s.CreatedAt).Round(time.Minute); got != c.lives {
			t.Errorf("with %v it lives %v", c.ends, got)
		}
	}
}
