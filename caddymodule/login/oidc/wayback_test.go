package oidc_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

// Three kilobytes that hardly get shorter, as a link with a ticket in it.
func TestAWayBackOfThreeKilobytesFitsIntoOneCookie(t *testing.T) {
	clock := newClock()
	a, long := sealer(t, clock.Now, 1), attempt(clock)
	secret := make([]byte, 0, oidc.MaxReturnTo)
	for len(secret) < 2200 {
		secret = append(secret, newState()[:20]...)
	}
	long.ReturnTo = ("/orders?ticket=" + b64.EncodeToString(secret))[:2900]
	_, short, err := a.Seal(long, share)
	if err != nil || short.ReturnTo != "/orders" || !short.Cut {
		t.Fatalf("%v: %q", err, short.ReturnTo)
	}
	value := a.SealWayBack(long)
	if got, ok := a.WithWayBack(short, value); !ok || got != long {
		t.Fatalf("it comes back: %v, to %q", ok, got.ReturnTo)
	}
	if len(value)+len("__Host-Http-sidegate-attempt-link-0=; ")+share > 3700 || strings.ContainsAny(value, `+/=;, "\`) {
		t.Errorf("it has %d bytes", len(value))
	}
}

func TestAWayBackIsOfItsAttemptAlone(t *testing.T) {
	clock := newClock()
	a, good := sealer(t, clock.Now, 1), attempt(clock)
	value := a.SealWayBack(good)
	other, elsewhere, big := good, good, good
	other.State, elsewhere.Login, big.ReturnTo = strings.Repeat("t", 43), "google", "/"+strings.Repeat("a", 4000)
	for name, c := range map[string]struct {
		attempt oidc.Attempt
		value   string
	}{
		"another attempt":          {other, value},
		"another login":            {elsewhere, value},
		"an altered one":           {good, value[:len(value)-4] + "AAAA"},
		"the attempt's own cookie": {good, seal(t, a, good)},
		"one of another key":       {good, sealer(t, clock.Now, 2).SealWayBack(good)},
		"one that is far too long": {good, a.SealWayBack(big)},
		"nothing":                  {good, ""},
	} {
		if got, ok := a.WithWayBack(c.attempt, c.value); ok || got != c.attempt {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := a.Open(good.Login, good.State, value); err == nil {
		t.Error("it is taken for an attempt")
	}
	good.Cut = true
	short := good
	short.ReturnTo = ""
	if got, ok := a.WithWayBack(short, a.SealWayBack(good)); !ok || !got.Cut {
		t.Error("what was cut before is whole now")
	}
}
