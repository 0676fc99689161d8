package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
	"example.com/sidegate/sessionstore/storetest"
)

const ada = "ada@example.com"

var (
	home      = netip.MustParseAddr("203.0.113.5")
	elsewhere = netip.MustParseAddr("198.51.100.7")
)

// bench is a throttle over a real store whose clock the test moves.
type bench struct {
	*testing.T
	throttle *login.Throttle
	clock    *storetest.Clock
	store    sessionstore.Attempts
}

func accountNumber(i int) string { return fmt.Sprintf("person%d@example.com", i) }

func newBench(t *testing.T) *bench {
	b := &bench{T: t, clock: storetest.ClockAt(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))}
	b.store = memory.New(b.clock.Now)
	b.throttle = login.NewThrottle(b.store, login.Limits{})
	return b
}

// begin must be let through.
func (b *bench) begin(email string, addr netip.Addr) *login.Attempt {
	b.Helper()
	a, err := b.throttle.Begin(context.Background(), email, login.Client{Addr: addr})
	if err != nil {
		b.Fatalf("attempt was not let through: %v", err)
	}
	return a
}

func (b *bench) fail(n int, email string, addr netip.Addr) {
	b.Helper()
	for range n {
		b.begin(email, addr)
	}
}

// succeed signs in with the right password.
func (b *bench) succeed(email string, addr netip.Addr) {
	b.Helper()
	if err := b.begin(email, addr).Succeeded(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// left is how many attempts are let through from here; it uses them up.
func (b *bench) left(email string, addr netip.Addr) int {
	b.Helper()
	for n := 0; ; n++ {
		if _, err := b.throttle.Begin(context.Background(), email, login.Client{Addr: addr}); err != nil {
			b.refusal(err)
			return n
		}
	}
}

func (b *bench) refusal(err error) *login.Throttled {
	b.Helper()
	var throttled *login.Throttled
	if !errors.As(err, &throttled) {
		b.Fatalf("want a throttled attempt, got %v", err)
	}
	return throttled
}

// attack makes so many failures on the account, each from its own address.
func (b *bench) attack(email string, failures int) {
	b.Helper()
	for i := range failures {
		b.fail(1, email, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
}

func TestThrottle(t *testing.T) {
	for name, rule := range map[string]func(b *bench){
		"who has the name in other letters gives nobody their attempts back": func(b *bench) {
			const twin = "ad\u00e0@example.com" // an account with ada@example.com
			for range 4 {
				b.fail(2, ada, home)
				b.succeed(twin, home)
			}
			if n := b.left(ada, home); n != login.DefaultPerPair-8 {
				b.Errorf("%d attempts are left", n)
			}
		},
		"nor does who has it in plain letters": func(b *bench) {
			const twin = "ad\u00e0@example.com"
			for range 4 {
				b.fail(2, twin, home)
				b.succeed(ada, home)
			}
			if n := b.left(twin, home); n != login.DefaultPerPair-8 {
				b.Errorf("%d attempts are left", n)
			}
		},
		"nor does who has it in other case, where an app tells Ada from ada": func(b *bench) {
			for range 4 {
				b.fail(2, "ada", home)
				b.succeed("Ada", home)
			}
			if n := b.left("ada", home); n != login.DefaultPerPair-8 {
				b.Errorf("%d attempts are left", n)
			}
		},
		"ten failures on an account at an address, and no more": func(b *bench) {
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts were let through", n)
			}
		},
		"a refusal says how long to wait, and what was used up": func(b *bench) {
			b.fail(1, ada, home)
			b.clock.Advance(5 * time.Minute)
			b.fail(9, ada, home)
			_, err := b.throttle.Begin(context.Background(), ada, login.Client{Addr: home})
			if th := b.refusal(err); th.RetryAfter != 10*time.Minute || th.Scope != "account" {
				b.Errorf("refused with %+v", th)
			}
			if strings.Contains(err.Error(), "ada") || strings.Contains(err.Error(), "203") {
				b.Errorf("error holds personal data: %v", err)
			}
		},
		"the window ends by itself": func(b *bench) {
			b.left(ada, home)
			b.clock.Advance(login.DefaultWindow)
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts in the next window", n)
			}
		},
		"an address has a hundred failures over all accounts": func(b *bench) {
			for i := range login.DefaultPerAddress {
				b.fail(1, fmt.Sprintf("person%d@example.com", i), home)
			}
			_, err := b.throttle.Begin(context.Background(), ada, login.Client{Addr: home})
			if th := b.refusal(err); th.Scope != "address" || th.RetryAfter != login.DefaultWindow {
				b.Errorf("refused with %+v", th)
			}
			b.begin(ada, elsewhere)
		},
		"an outage of the method uses up no failures": func(b *bench) {
			for range login.DefaultPerPairDown {
				if err := b.begin(ada, home).Undecided(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts were left", n)
			}
		},
		"a method that is down for every wrong password is no way around the limit": func(b *bench) {
			n := 0
			for ; n < 1000; n++ {
				a, err := b.throttle.Begin(context.Background(), ada, login.Client{Addr: home})
				if err != nil {
					b.refusal(err)
					break
				}
				_ = a.Undecided(context.Background())
			}
			if n != login.DefaultPerPairDown+login.DefaultPerPair {
				b.Errorf("%d attempts were let through", n)
			}
			b.begin(ada, elsewhere)
		},
		"nor is it over many accounts": func(b *bench) {
			n := 0
			for ; n < 10_000; n++ {
				a, err := b.throttle.Begin(context.Background(), fmt.Sprintf("person%d@example.com", n), login.Client{Addr: home})
				if err != nil {
					b.refusal(err)
					break
				}
				_ = a.Undecided(context.Background())
			}
			if n != login.DefaultPerAddressDown+login.DefaultPerAddress {
				b.Errorf("%d attempts were let through", n)
			}
		},
		"a stranger elsewhere does not lock the owner out": func(b *bench) {
			b.left(ada, elsewhere)
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("the owner has %d attempts", n)
			}
		},
		"many strangers elsewhere do not lock the owner out": func(b *bench) {
			b.attack(ada, 10*login.DefaultAttackThreshold)
			if n := b.left(ada, home); n != login.DefaultPerPairAttacked {
				b.Errorf("the owner has %d attempts", n)
			}
		},
		"fifty failures are no attack yet": func(b *bench) {
			b.attack(ada, login.DefaultAttackThreshold-login.DefaultPerPair)
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts were let through", n)
			}
		},
		"under attack each address has three failures": func(b *bench) {
			b.attack(ada, login.DefaultAttackThreshold)
			for _, addr := range []netip.Addr{home, elsewhere} {
				if n := b.left(ada, addr); n != login.DefaultPerPairAttacked {
					b.Errorf("%d attempts from %s", n, addr)
				}
			}
		},
		"an attack on one account leaves the others alone": func(b *bench) {
			b.attack(ada, 2*login.DefaultAttackThreshold)
			if n := b.left("grace@example.com", home); n != login.DefaultPerPair {
				b.Errorf("%d attempts on the other account", n)
			}
		},
		"refused attempts do not make an attack, nor use up the address": func(b *bench) {
			b.left(ada, elsewhere)
			for range 3 * login.DefaultPerAddress {
				_, err := b.throttle.Begin(context.Background(), ada, login.Client{Addr: elsewhere})
				if th := b.refusal(err); th.Scope != "account" {
					b.Fatalf("refused attempts used up the %s", th.Scope)
				}
			}
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("the owner has %d attempts", n)
			}
		},
		"no spelling of the email has attempts of its own": func(b *bench) {
			b.left(ada, home)
			for _, spelling := range []string{"ADA@example.com", " ada@Example.COM\t", "Ada@example.com", "adá@example.com", "ａＤa@example.com"} {
				if n := b.left(spelling, home); n != 0 {
					b.Errorf("%q has %d attempts of its own", spelling, n)
				}
			}
		},
		"no spelling of an IPv4 address has attempts of its own": func(b *bench) {
			b.left(ada, home)
			if n := b.left(ada, netip.MustParseAddr("::ffff:203.0.113.5")); n != 0 {
				b.Errorf("the mapped address has %d attempts of its own", n)
			}
		},
		"the addresses of an IPv6 network are one place": func(b *bench) {
			b.left(ada, netip.MustParseAddr("2001:db8:0:1::1"))
			if n := b.left(ada, netip.MustParseAddr("2001:db8:0:1:ffff::2")); n != 0 {
				b.Errorf("the same /64 has %d attempts of its own", n)
			}
			if n := b.left(ada, netip.MustParseAddr("2001:db8:0:2::1")); n != login.DefaultPerPair {
				b.Errorf("the next /64 has %d attempts", n)
			}
		},
		"an IPv6 zone makes no new address": func(b *bench) {
			b.left(ada, netip.MustParseAddr("fe80::1%eth0"))
			if n := b.left(ada, netip.MustParseAddr("fe80::1%eth1")); n != 0 {
				b.Errorf("another zone has %d attempts of its own", n)
			}
		},
		"an unknown address is one place too": func(b *bench) {
			if n := b.left(ada, netip.Addr{}); n != login.DefaultPerPair {
				b.Errorf("%d attempts from nowhere", n)
			}
		},
		"a success forgets the failures of that account there": func(b *bench) {
			b.fail(9, ada, home)
			if err := b.begin(ada, home).Succeeded(context.Background()); err != nil {
				b.Fatal(err)
			}
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts after a success", n)
			}
		},
		"a success on one's own account does not reset the address": func(b *bench) {
			for i := range login.DefaultPerAddress - 1 {
				b.fail(1, fmt.Sprintf("person%d@example.com", i), elsewhere)
			}
			for range 5 {
				if err := b.begin("mallory@example.com", elsewhere).Succeeded(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if n := b.left(ada, elsewhere); n != 1 {
				b.Errorf("%d attempts were left at the address", n)
			}
		},
		"a success elsewhere leaves the failures here": func(b *bench) {
			b.fail(9, ada, elsewhere)
			if err := b.begin(ada, home).Succeeded(context.Background()); err != nil {
				b.Fatal(err)
			}
			if n := b.left(ada, elsewhere); n != 1 {
				b.Errorf("%d attempts are left elsewhere", n)
			}
		},
		"an abandoned attempt gives back what it took": func(b *bench) {
			for range 3 * login.DefaultPerAddress {
				if err := b.begin(ada, home).Abandoned(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts were left", n)
			}
		},
		"a client who has hung up gets the attempt back all the same": func(b *bench) {
			ctx, hangUp := context.WithCancel(context.Background())
			hangUp()
			for range login.DefaultPerPair {
				a := b.begin(ada, home)
				if err := a.Abandoned(ctx); err != nil {
					b.Fatal(err)
				}
			}
			if n := b.left(ada, home); n != login.DefaultPerPair {
				b.Errorf("%d attempts were left", n)
			}
		},
		"an attempt is settled once": func(b *bench) {
			b.fail(login.DefaultPerPair-1, ada, home)
			a := b.begin(ada, home)
			for range 3 {
				if err := errors.Join(a.Abandoned(context.Background()), a.Succeeded(context.Background())); err != nil {
					b.Fatal(err)
				}
			}
			if n := b.left(ada, home); n != 1 {
				b.Errorf("%d failed attempts were given back", n)
			}
		},
		"an attempt that is never settled stays counted": func(b *bench) {
			for range login.DefaultPerPair {
				b.begin(ada, home)
			}
			if n := b.left(ada, home); n != 0 {
				b.Errorf("%d attempts were left", n)
			}
		},
		"what is no sign-in name is refused": func(b *bench) {
			for _, text := range []string{"", "@", "a@b\nc", "a\x00b", "a\u200bb", strings.Repeat("a", profile.MaxEmail) + "@example.com"} {
				if _, err := b.throttle.Begin(context.Background(), text, login.Client{Addr: home}); !errors.Is(err, login.ErrRefused) {
					b.Errorf("%.20q: %v", text, err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) { rule(newBench(t)) })
	}
}

func TestThrottleIsExactUnderConcurrency(t *testing.T) {
	b := newBench(t)
	var reached, refused atomic.Int64
	var all sync.WaitGroup
	start := make(chan struct{})
	for range 64 {
		all.Go(func() {
			<-start
			_, err := b.throttle.Begin(context.Background(), ada, login.Client{Addr: home})
			if err != nil {
				if !errors.As(err, new(*login.Throttled)) {
					t.Errorf("refused with %v", err)
				}
				refused.Add(1)
				return
			}
			reached.Add(1)
		})
	}
	close(start)
	all.Wait()
	if reached.Load() != login.DefaultPerPair || refused.Load() != 64-login.DefaultPerPair {
		t.Errorf("%d attempts reached the password, %d were refused", reached.Load(), refused.Load())
	}
}

func TestThrottleLimitsAreConfigurable(t *testing.T) {
	b := newBench(t)
	b.throttle = login.NewThrottle(memory.New(b.clock.Now), login.Limits{
		Window: time.Minute, PerAddress: 6, AttackThreshold: 2, PerPair: 4, PerPairAttacked: 1,
	})
	// The third failure finds the account under attack, with two of one used up.
	if n := b.left(ada, home); n != 2 {
		t.Errorf("%d attempts were let through", n)
	}
	b.clock.Advance(time.Minute)
	if n := b.left("grace@example.com", home); n != 2 {
		t.Errorf("%d attempts a minute later", n)
	}
}

var errStore = errors.New("store is not reachable")

// shaky is a store that fails from its nth call on, or only when giving back.
type shaky struct {
	sessionstore.Attempts
	good       int
	giveBackTo error
	returned   []string
}

func (s *shaky) Take(ctx context.Context, bucket string, limit int, window time.Duration) (sessionstore.Taken, error) {
	if s.good--; s.good < 0 {
		return sessionstore.Taken{}, errStore
	}
	return s.Attempts.Take(ctx, bucket, limit, window)
}

func (s *shaky) Return(ctx context.Context, bucket string) error {
	s.returned = append(s.returned, bucket)
	return errors.Join(s.giveBackTo, s.Attempts.Return(ctx, bucket))
}

func TestStoreThatFailsIsNeitherThrottledNorAllowed(t *testing.T) {
	for good := range 3 {
		t.Run(fmt.Sprintf("after %d calls", good), func(t *testing.T) {
			store := &shaky{Attempts: memory.New(time.Now), good: good}
			a, err := login.NewThrottle(store, login.Limits{}).Begin(context.Background(), ada, login.Client{Addr: home})
			if a != nil || !errors.Is(err, errStore) {
				t.Fatalf("attempt %v, error %v", a, err)
			}
			if errors.As(err, new(*login.Throttled)) || errors.Is(err, login.ErrRefused) {
				t.Errorf("a failing store looks like a refusal: %v", err)
			}
			if len(store.returned) != good {
				t.Errorf("%d of %d reservations were given back", len(store.returned), good)
			}
		})
	}
	t.Run("a refusal stays one when its reservations cannot be given back", func(t *testing.T) {
		store := &shaky{Attempts: memory.New(time.Now), good: 1000, giveBackTo: errStore}
		throttle := login.NewThrottle(store, login.Limits{PerPair: 1})
		if _, err := throttle.Begin(context.Background(), ada, login.Client{Addr: home}); err != nil {
			t.Fatal(err)
		}
		_, err := throttle.Begin(context.Background(), ada, login.Client{Addr: home})
		if !errors.As(err, new(*login.Throttled)) || !errors.Is(err, errStore) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a success tells that its reservations could not be given back", func(t *testing.T) {
		store := &shaky{Attempts: memory.New(time.Now), good: 3, giveBackTo: errStore}
		a, err := login.NewThrottle(store, login.Limits{}).Begin(context.Background(), ada, login.Client{Addr: home})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Succeeded(context.Background()); !errors.Is(err, errStore) {
			t.Errorf("error %v", err)
		}
	})
}

func FuzzThrottleKnowsOneAccountPerAddress(f *testing.F) {
	for _, seed := range []string{ada, " ADA@Example.com ", "a b@c", "\u212a@example.com", "", "x@y", "İ@example.com"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		throttle := login.NewThrottle(memory.New(time.Now), login.Limits{PerPair: 1})
		if _, err := throttle.Begin(context.Background(), one, login.Client{Addr: home}); err != nil {
			return
		}
		_, err := throttle.Begin(context.Background(), other, login.Client{Addr: home})
		same := strings.ToLower(strings.TrimSpace(one)) == strings.ToLower(strings.TrimSpace(other))
		if same && err == nil {
			t.Errorf("%q has attempts beside %q", other, one)
		}
	})
}
