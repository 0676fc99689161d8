package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/login/adopt"
)

func TestOneFlightForAllWhoComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, found := adopt.NewFlights[string](time.Now), 0
		find := func() (string, string, time.Duration) {
			found++
			<-time.After(time.Second)
			return "session and secret", "session", time.Minute
		}
		gone, leave := context.WithCancel(t.Context())
		results := make(chan string, 10)
		go func() {
			if _, err := f.Do(gone, "zoe", find); !errors.Is(err, context.Canceled) {
				t.Errorf("who has gone: %v", err)
			}
		}()
		for range cap(results) {
			go func() {
				got, err := f.Do(t.Context(), "zoe", find)
				if err != nil {
					t.Error(err)
				}
				results <- got
			}()
		}
		synctest.Wait()
		leave() // the first one, who has begun it
		for range cap(results) {
			if got := <-results; got != "session and secret" {
				t.Errorf("found %q", got)
			}
		}
		if got, err := f.Do(t.Context(), "zoe", find); got != "session" || err != nil || found != 1 {
			t.Errorf("later: %q, %v, asked %d times", got, err, found)
		}
	})
}

func TestWhatIsRemembered(t *testing.T) {
	now := time.Now()
	f, found := adopt.NewFlights[int](func() time.Time { return now }), 0
	do := func(digest string, life time.Duration) int {
		t.Helper()
		got, err := f.Do(t.Context(), digest, func() (int, int, time.Duration) { found++; return found, found, life })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, c := range []struct {
		name string
		then func()
		life time.Duration
		want int
	}{
		{"nothing yet", func() {}, time.Minute, 1},
		{"for a while", func() { now = now.Add(59 * time.Second) }, time.Minute, 1},
		{"and no longer", func() { now = now.Add(time.Second) }, time.Minute, 2},
		{"until it is forgotten", func() { f.Forget("zoe") }, 0, 3},
		{"nothing that has no life", func() {}, time.Minute, 4},
	} {
		if c.then(); do("zoe", c.life) != c.want {
			t.Errorf("%s: found %d times", c.name, found)
		}
	}
	for i := range 50_000 { // of strangers: what is remembered is bounded, and the last are known
		do(fmt.Sprint(i), time.Minute)
	}
	if before := found; do("49999", time.Minute) != before || do("0", time.Minute) != before+1 {
		t.Error("not bounded, or forgotten too early")
	}
}
