package oidc_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestAStateSaysWhatItWasMadeFor(t *testing.T) {
	clock := newClock()
	for _, want := range []oidc.Told{
		{Began: clock.Now()}, {Again: true, Began: clock.Now()}, {Wanted: true, Began: clock.Now()},
		{Again: true, Wanted: true, Began: clock.Now()}, {Unkept: true, Began: clock.Now()}, {Doubted: true, Began: clock.Now()}, {Elsewhere: true, Began: clock.Now()}, {Again: true, Wanted: true, Unkept: true, Began: clock.Now()},
	} {
		state := sealer(t, clock.Now, 1).State("keycloak", want)
		got, ours := sealer(t, clock.Now, 2, 1).ReadState("keycloak", state)
		if !ours || got.Again != want.Again || got.Wanted != want.Wanted || got.Unkept != want.Unkept || got.Doubted != want.Doubted || got.Elsewhere != want.Elsewhere || !got.Began.Equal(want.Began) {
			t.Errorf("%+v says %+v, ours: %v", want, got, ours)
		}
	}
}

// RFC 6749 section 10.10: the chance to guess one is below 2^-128.
func TestNoStateIsLikeAnother(t *testing.T) {
	a := sealer(t, newClock().Now, 1)
	var seen []string
	for range 100 {
		state := a.State("keycloak", oidc.Told{})
		if raw, err := b64.DecodeString(state); err != nil || len(raw) != 32 || slices.Contains(seen, string(raw[:16])) {
			t.Fatalf("%q: %v, or made before", state, err)
		} else {
			seen = append(seen, string(raw[:16]))
		}
	}
}

// A state that somebody else made up begins nothing: a browser cannot be led
// into sign-ins by it, nor one that has begun again be made to do so for ever.
func TestAStateOfSomebodyElseIsNotOurs(t *testing.T) {
	clock := newClock()
	a := sealer(t, clock.Now, 1)
	state := a.State("keycloak", oidc.Told{Again: true})
	for i := range 32 {
		raw, _ := b64.DecodeString(state)
		raw[i] ^= 1
		if _, ours := a.ReadState("keycloak", b64.EncodeToString(raw)); ours {
			t.Errorf("byte %d can be changed", i)
		}
	}
	for name, c := range map[string]struct{ login, state string }{
		"one of another login":           {"google", state},
		"one of another key":             {"keycloak", sealer(t, clock.Now, 2).State("keycloak", oidc.Told{})},
		"one of the version before":      {"keycloak", strings.Repeat("A", 43)},
		"one with a line break in it":    {"keycloak", state[:10] + "\n" + state[10:]},
		"one that is longer":             {"keycloak", state + "A"},
		"one with bits that say nothing": {"keycloak", state[:42] + string(state[42]+1)},
		"none":                           {"keycloak", ""},
	} {
		if _, ours := a.ReadState(c.login, c.state); ours {
			t.Errorf("%s is ours", name)
		}
	}
}
