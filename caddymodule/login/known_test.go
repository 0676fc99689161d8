package login_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/sessionstore/memory"
)

// wide are the networks around the addresses of the tests.
var wide = map[netip.Addr]string{home: "203.0.113.0/24", elsewhere: "198.51.100.0/24"}

const grace = "grace@example.com"

// signsIn has somebody type the right password.
func (b *bench) signsIn(email string, addr netip.Addr) {
	b.Helper()
	if err := b.begin(email, addr).Succeeded(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// wantTurn begins an attempt, which it abandons. Whose turn it is follows from the
// rest.
func (b *bench) wantTurn(email string, addr netip.Addr, want login.Turn) {
	b.Helper()
	a := b.begin(email, addr)
	if want.Of = wide[addr]; want.Known == login.KnownBoth {
		want.Of = email
	}
	if a.Turn() != want {
		b.Errorf("the turn is %+v, want %+v", a.Turn(), want)
	}
	if err := a.Abandoned(context.Background()); err != nil {
		b.Fatal(err)
	}
}

func TestWhoIsKnown(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for name, rule := range map[string]func(b *bench){
		"nobody is, at first": func(b *bench) {
			b.wantTurn(ada, home, login.Turn{})
		},
		"who has signed in is, there": func(b *bench) {
			b.signsIn(ada, home)
			b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
		},
		"a network is, from which somebody else has": func(b *bench) {
			b.signsIn(ada, home)
			b.wantTurn(grace, home, login.Turn{Known: login.KnownNetwork})
		},
		"an account is elsewhere, and worth less there": func(b *bench) {
			b.signsIn(ada, home)
			b.wantTurn(ada, elsewhere, login.Turn{Known: login.KnownAccount})
		},
		"others elsewhere are not": func(b *bench) {
			b.signsIn(ada, home)
			b.wantTurn(grace, elsewhere, login.Turn{})
		},
		"a wrong password makes nobody known, nor do trouble and a crowd": func(b *bench) {
			b.begin(ada, home)
			_ = b.begin(ada, home).Undecided(context.Background())
			_ = b.begin(ada, home).SentAway(context.Background())
			_ = b.begin(ada, home).Abandoned(context.Background())
			b.wantTurn(ada, home, login.Turn{Failed: 2})
		},
		"the more an address fails, the later its turn is": func(b *bench) {
			b.fail(3, grace, home)
			b.fail(2, ada, home)
			b.wantTurn("mallory@example.com", home, login.Turn{Failed: 5})
		},
		"who was sent away comes later, but not who has signed in there": func(b *bench) {
			for range 3 {
				_ = b.begin(ada, home).SentAway(context.Background())
			}
			b.wantTurn(grace, home, login.Turn{Failed: 3})
			b.signsIn(ada, home)
			b.wantTurn(grace, home, login.Turn{Known: login.KnownNetwork, Failed: 3})
			b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
		},
		"a name that others fail with is worth nothing, but where it has signed in": func(b *bench) {
			b.signsIn(ada, home)
			b.attack(ada, 1)
			b.wantTurn(ada, elsewhere, login.Turn{})
			b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
			b.attack(ada, login.DefaultAttackThreshold)
			b.wantTurn(ada, elsewhere, login.Turn{})
			b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
		},
		"after a month without a sign-in nobody is": func(b *bench) {
			b.signsIn(ada, home)
			b.clock.Advance(month)
			b.wantTurn(ada, home, login.Turn{})
		},
		"a sign-in in the second half of the month prolongs it": func(b *bench) {
			b.signsIn(ada, home)
			b.clock.Advance(month/2 + time.Hour)
			b.signsIn(ada, home)
			b.clock.Advance(month/2 + time.Hour)
			b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
			b.wantTurn(grace, home, login.Turn{Known: login.KnownNetwork})
			b.wantTurn(ada, elsewhere, login.Turn{Known: login.KnownAccount})
		},
	} {
		t.Run(name, func(t *testing.T) { rule(newBench(t)) })
	}
	t.Run("another gateway knows it, and one that was started anew", func(t *testing.T) {
		b := newBench(t)
		b.signsIn(ada, home)
		b.throttle = login.NewThrottle(b.store, login.Limits{})
		b.wantTurn(ada, home, login.Turn{Known: login.KnownBoth})
	})
	t.Run("a store that fails then makes a stranger, and is no refusal", func(t *testing.T) {
		store := &shaky{Attempts: memory.New(time.Now), good: 3}
		a, err := login.NewThrottle(store, login.Limits{}).Begin(context.Background(), ada, login.Client{Addr: home})
		if err != nil || a.Turn() != (login.Turn{Of: wide[home]}) {
			t.Fatalf("attempt %+v, error %v", a, err)
		}
	})
	t.Run("a success tells that it could not be remembered", func(t *testing.T) {
		store := &shaky{Attempts: memory.New(time.Now), good: 6}
		a, err := login.NewThrottle(store, login.Limits{}).Begin(context.Background(), ada, login.Client{Addr: home})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Succeeded(context.Background()); !errors.Is(err, errStore) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("who signs in day by day costs one question", func(t *testing.T) {
		store := &shaky{Attempts: memory.New(time.Now), good: 1000}
		throttle := login.NewThrottle(store, login.Limits{})
		asked := func() int {
			before := store.good
			a, err := throttle.Begin(context.Background(), ada, login.Client{Addr: home})
			if err == nil {
				err = a.Succeeded(context.Background())
			}
			if err != nil {
				t.Fatal(err)
			}
			return before - store.good
		}
		if first, again := asked(), asked(); first != 10 || again != 4 {
			t.Errorf("the store was asked %d times, then %d", first, again)
		}
	})
}

func TestASentAwayAttemptIsNotFree(t *testing.T) {
	for name, test := range map[string]struct {
		accounts func(i int) string
		through  int
	}{
		"on one account": {func(int) string { return ada }, login.DefaultPerPairBusy + login.DefaultPerPair},
		"over many":      {accountNumber, login.DefaultPerAddressBusy + login.DefaultPerAddress},
	} {
		t.Run("hammering has an end "+name, func(t *testing.T) {
			b := newBench(t)
			n := 0
			for ; n < 1000; n++ {
				a, err := b.throttle.Begin(context.Background(), test.accounts(n), login.Client{Addr: home})
				if err != nil {
					b.refusal(err)
					break
				}
				if err := a.SentAway(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if n != test.through {
				t.Errorf("%d attempts were let through, want %d", n, test.through)
			}
			b.begin(ada, elsewhere)
		})
	}
	t.Run("a crowd uses up no failures", func(t *testing.T) {
		b := newBench(t)
		for range login.DefaultPerPairBusy {
			if err := b.begin(ada, home).SentAway(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if n := b.left(ada, home); n != login.DefaultPerPair {
			t.Errorf("%d attempts were left", n)
		}
	})
}
