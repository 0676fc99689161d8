package token_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore/storetest"
)

// here is where tokens are given out.
var here = token.Site{Scheme: "https", Host: "app.example.com"}

// desk is a cache with its ring and clock.
type desk struct {
	*token.Cache
	clock *storetest.Clock
	ring  *token.Ring
}

func newDesk(t testing.TB, ttl time.Duration, entries int) desk {
	t.Helper()
	c := storetest.ClockAt(start)
	r := newRing(t, token.Config{Now: c.Now})
	cache, err := token.NewCache(r, ttl, entries)
	if err != nil {
		t.Fatal(err)
	}
	return desk{cache, c, r}
}

// token returns the token of session n, whose person has that number too, and
// checks that it is good.
func (d desk) token(t *testing.T, n byte, expires time.Time) string {
	t.Helper()
	raw, err := d.Token(here, someKey(n), int64(n), expires)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.ring.VerifySession(raw)
	if err != nil || got.Key != someKey(n) || got.UserID != int64(n) || got.Site != here.String() || got.ExpiresAt.After(expires) {
		t.Fatalf("got %+v, %v; the session ends %v", got, err, expires)
	}
	return raw
}

func TestATokenIsGivenOutAgainUntil80PercentOfItsLife(t *testing.T) {
	d, end := newDesk(t, 0, 0), start.Add(12*time.Hour) // the defaults: 10 minutes
	first := d.token(t, 1, end)
	d.clock.Advance(8*time.Minute - time.Nanosecond)
	if d.token(t, 1, end) != first {
		t.Error("it was made again too early")
	}
	d.clock.Advance(time.Nanosecond)
	second := d.token(t, 1, end)
	if second == first {
		t.Error("it was not made again at 80 %")
	}
	if d.token(t, 1, end) != second {
		t.Error("the new one is not given out again")
	}
	got, err := d.ring.VerifySession(second)
	if want := start.Add(18 * time.Minute); err != nil || !got.ExpiresAt.Equal(want) {
		t.Errorf("it ends %v, %v; want %v", got.ExpiresAt, err, want)
	}
}

func TestATokenNeverOutlivesItsSession(t *testing.T) {
	d, end := newDesk(t, 10*time.Minute, 0), start.Add(15*time.Minute+500*time.Millisecond)
	d.token(t, 1, end)
	d.clock.Advance(9 * time.Minute)
	last := d.token(t, 1, end)
	got, err := d.ring.VerifySession(last)
	if err != nil || !got.ExpiresAt.Equal(start.Add(15*time.Minute)) {
		t.Fatalf("it ends %v, %v", got.ExpiresAt, err)
	}
	// No new one could live longer, so the last one serves to the end.
	d.clock.Advance(6*time.Minute - time.Nanosecond)
	if d.token(t, 1, end) != last {
		t.Error("a token was made again in vain")
	}
}

func TestASessionThatEndsSoonerThanKnownGetsANewToken(t *testing.T) {
	d := newDesk(t, 10*time.Minute, 0)
	long := d.token(t, 1, start.Add(time.Hour))
	if d.token(t, 1, start.Add(time.Minute)) == long {
		t.Fatal("the token outlives the session")
	}
}

func TestATokenGivenOutAgainIsNeverExpired(t *testing.T) {
	for _, ttl := range []time.Duration{time.Second, 1500 * time.Millisecond, 3 * time.Second, time.Minute} {
		d, end := newDesk(t, ttl, 0), start.Add(time.Hour)
		for range 100 {
			d.clock.Advance(ttl/13 + 7*time.Millisecond) // moments between two seconds, too
			d.token(t, 1, end)                           // verifies it at that moment
		}
	}
}

func TestTokensAreKeptBySession(t *testing.T) {
	d, end := newDesk(t, 0, 0), start.Add(time.Hour)
	one := d.token(t, 1, end)
	if d.token(t, 2, end) == one {
		t.Error("two sessions share a token")
	}
	other, err := d.Token(here, someKey(1), 99, end)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.ring.VerifySession(other); err != nil || got.UserID != 99 {
		t.Errorf("one person was given another's token: %+v, %v", got, err)
	}
}

func TestForgetDropsTheToken(t *testing.T) {
	d, end := newDesk(t, 0, 0), start.Add(time.Hour)
	one, two := d.token(t, 1, end), d.token(t, 2, end)
	d.Forget(someKey(1))
	d.Forget(someKey(3)) // never there
	if d.token(t, 1, end) == one {
		t.Error("it is still there")
	}
	if d.token(t, 2, end) != two {
		t.Error("another session's went too")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	d, end := newDesk(t, 0, 2), start.Add(time.Hour)
	first := d.token(t, 1, end)
	second := d.token(t, 2, end)
	d.token(t, 3, end)
	if d.token(t, 1, end) == first {
		t.Error("three tokens are kept where two may be")
	}
	if d.token(t, 2, end) == second {
		t.Error("the least recently used one did not go")
	}
}

func TestNewCacheRefuses(t *testing.T) {
	r := newRing(t, token.Config{})
	for _, c := range []struct {
		name    string
		ttl     time.Duration
		entries int
	}{
		{"a ttl below what exp can say", 999 * time.Millisecond, 0},
		{"a negative ttl", -time.Minute, 0},
		{"a negative size", 0, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := token.NewCache(r, c.ttl, c.entries); err == nil {
				t.Fatal("no error")
			}
		})
	}
	d := newDesk(t, 0, 0)
	if raw, err := d.Token(here, someKey(1), 0, start.Add(time.Hour)); err == nil {
		t.Errorf("a person without a number got %s", raw)
	}
}

func TestCallersAtTheSameTimeGetTheSameToken(t *testing.T) {
	d, end := newDesk(t, 0, 0), start.Add(time.Hour)
	const callers = 32
	tokens := make([]string, callers)
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range callers {
		done.Go(func() {
			ready.Wait()
			tokens[i], _ = d.Token(here, someKey(1), 1, end)
		})
	}
	ready.Done()
	done.Wait()
	for i, raw := range tokens {
		if raw == "" || raw != tokens[0] {
			t.Fatalf("caller %d got %q, the first %q", i, raw, tokens[0])
		}
	}
}

// A token of one site is never given out at another, and each keeps its own.
func TestEachSiteHasATokenOfItsOwn(t *testing.T) {
	d, end := newDesk(t, 0, 0), start.Add(12*time.Hour)
	first := d.token(t, 1, end)
	for n := range 20 { // more than are kept
		other := token.Site{Scheme: "https", Host: fmt.Sprintf("site-%d.example.com", n)}
		raw, err := d.Token(other, someKey(1), 1, end)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.ring.VerifySession(raw)
		if err != nil || got.Site != other.String() {
			t.Fatalf("got %+v, %v", got, err)
		}
		again, err := d.Token(other, someKey(1), 1, end)
		if err != nil || again != raw {
			t.Errorf("another token at once: %v", err)
		}
		if n < 6 && d.token(t, 1, end) != first {
			t.Errorf("the first site's is another after %d sites more", n+1)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Token(token.Site{Scheme: "https", Host: "site-19.example.com"}, someKey(1), 1, end) }); n != 0 {
		t.Errorf("%v allocations for one that is there", n)
	}
	if _, err := d.Token(token.Site{Scheme: "https", Host: strings.Repeat("a", 261)}, someKey(1), 1, end); err == nil {
		t.Error("a host of any length stands in tokens")
	}
}
