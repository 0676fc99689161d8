package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore/storetest"
)

func newVerified(t testing.TB, entries int) (*token.Verified, *token.Ring, *storetest.Clock) {
	t.Helper()
	c := storetest.ClockAt(start)
	r := newRing(t, token.Config{Now: c.Now})
	v, err := token.NewVerified(r, entries)
	if err != nil {
		t.Fatal(err)
	}
	return v, r, c
}

func mintFor(t testing.TB, r *token.Ring, n byte, expires time.Time) string {
	t.Helper()
	raw, err := r.MintSession(someKey(n), int64(n), expires)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestARememberedTokenSaysWhatItSaidAtFirst(t *testing.T) {
	v, r, _ := newVerified(t, 0)
	one, two := mintFor(t, r, 1, start.Add(time.Hour)), mintFor(t, r, 2, start.Add(time.Hour))
	for range 3 {
		for n, raw := range map[byte]string{1: one, 2: two} {
			want, _ := r.VerifySession(raw)
			got, err := v.VerifySession(raw)
			if err != nil || got != want || got.Key != someKey(n) {
				t.Fatalf("token %d: got %+v, %v; want %+v", n, got, err, want)
			}
		}
	}
}

func TestARememberedTokenExpiresAllTheSame(t *testing.T) {
	v, r, c := newVerified(t, 0)
	raw := mintFor(t, r, 1, start.Add(time.Minute))
	if _, err := v.VerifySession(raw); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Minute - time.Second)
	if _, err := v.VerifySession(raw); err != nil {
		t.Errorf("a second before its exp: %v", err)
	}
	c.Advance(time.Second)
	for range 2 { // remembered, then no longer
		if _, err := v.VerifySession(raw); !errors.Is(err, token.ErrExpired) {
			t.Errorf("at its exp: %v, want %v", err, token.ErrExpired)
		}
	}
}

// CVE-2026-33496: a cache of checked tokens keyed by too little.
func TestATokenThatDiffersInOneCharacterIsCheckedOnItsOwn(t *testing.T) {
	v, r, _ := newVerified(t, 0)
	raw := mintFor(t, r, 1, start.Add(time.Hour))
	if _, err := v.VerifySession(raw); err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		other := byte('A')
		if raw[i] == other {
			other = 'B'
		}
		if _, err := v.VerifySession(raw[:i] + string(other) + raw[i+1:]); !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("changed at %d: %v", i, err)
		}
	}
}

func TestABadTokenIsNotRemembered(t *testing.T) {
	v, r, _ := newVerified(t, 1)
	good := mintFor(t, r, 1, start.Add(time.Hour))
	for _, bad := range []string{"", "a.b.c", good + "x", strings.Repeat("a", token.MaxToken+1)} {
		if _, err := v.VerifySession(bad); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if _, err := v.VerifySession(good); err != nil {
		t.Error(err)
	}
}

func TestTheMemoryOfTokensIsBounded(t *testing.T) {
	if _, err := token.NewVerified(newRing(t, token.Config{}), -1); err == nil {
		t.Error("a memory of -1 tokens was made")
	}
	v, r, _ := newVerified(t, 2)
	for n := byte(1); n <= 5; n++ { // each pushes another out, and is good itself
		if _, err := v.VerifySession(mintFor(t, r, n, start.Add(time.Hour))); err != nil {
			t.Error(err)
		}
	}
}

func TestASeenTokenCostsNoAllocation(t *testing.T) {
	v, r, _ := newVerified(t, 0)
	raw := mintFor(t, r, 1, start.Add(time.Hour))
	if n := testing.AllocsPerRun(100, func() { _, _ = v.VerifySession(raw) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkVerifySessionSeen(b *testing.B) {
	v, r, _ := newVerified(b, 0)
	raw := mintFor(b, r, 1, start.Add(time.Hour))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.VerifySession(raw); err != nil {
			b.Fatal(err)
		}
	}
}
