package login_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"example.com/sidegate/caddymodule/login"
)

var proxy = netip.MustParseAddr("10.0.0.1")

// sharing is somebody behind a proxy that is not trusted, or says to be.
func sharing(told netip.Addr) login.Client {
	return login.Client{Addr: proxy, Shared: true, Told: told}
}

// madeUp is an address of which a client has as many as it likes.
func madeUp(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}) }

// through counts the attempts that are let through, of n.
func (b *bench) through(n int, email func(i int) string, from func(i int) login.Client) (passed int, last *login.Throttled) {
	b.Helper()
	for i := range n {
		if _, err := b.throttle.Begin(context.Background(), email(i), from(i)); err != nil {
			last = b.refusal(err)
			continue
		}
		passed++
	}
	return passed, last
}

func (b *bench) want(passed, want int, last *login.Throttled, scope string) {
	b.Helper()
	if passed != want || last == nil || last.Scope != scope {
		b.Errorf("%d attempts were let through, then: %+v; want %d, then %s", passed, last, want, scope)
	}
}

func TestThrottleBehindAProxyThatIsNotTrusted(t *testing.T) {
	each := func(i int) string { return fmt.Sprintf("person%d@example.com", i) }
	adas := func(int) string { return ada }
	from := func(told netip.Addr) func(int) login.Client { return func(int) login.Client { return sharing(told) } }
	anywhere := func(i int) login.Client { return sharing(madeUp(i)) }
	for name, rule := range map[string]func(b *bench){
		"one of its people has as many attempts as one address": func(b *bench) {
			n, last := b.through(120, each, from(elsewhere))
			b.want(n, login.DefaultPerAddress, last, "address")
			if n, _ := b.through(10, adas, from(home)); n != 10 {
				b.Errorf("another one has %d", n)
			}
		},
		"and at one account those of one address": func(b *bench) {
			b.through(login.DefaultPerPair, adas, from(elsewhere))
			b.clock.Advance(login.DefaultProxyWindow)
			n, last := b.through(1, adas, from(elsewhere))
			b.want(n, 0, last, "account")
			if n, _ := b.through(1, adas, from(home)); n != 1 {
				b.Error("the person at home is locked out")
			}
		},
		"an account has a limit that nothing made up gets around, for a short while": func(b *bench) {
			n, last := b.through(100, adas, anywhere)
			b.want(n, login.DefaultPerProxyAccount, last, "account at the proxy")
			if last.RetryAfter != login.DefaultProxyWindow {
				b.Errorf("refused with %+v", last)
			}
			b.begin(ada, home) // who does not come through the proxy
			b.clock.Advance(login.DefaultProxyWindow)
			if n, _ := b.through(1, adas, from(home)); n != 1 {
				b.Error("the person is locked out still")
			}
		},
		"many accounts have one, too": func(b *bench) {
			n, last := b.through(login.DefaultPerProxy+50, each, anywhere)
			b.want(n, login.DefaultPerProxy, last, "proxy")
			b.begin(ada, proxy) // who comes from there directly
		},
		"that are named without a word of the client have it as well": func(b *bench) {
			n, last := b.through(40, adas, from(netip.Addr{}))
			b.want(n, login.DefaultPerProxyAccount, last, "account at the proxy")
			if n, _ := b.through(200, each, from(netip.Addr{})); n != 200 {
				b.Errorf("of everybody behind it %d are let through", n)
			}
		},
		"a sign-in uses nothing up": func(b *bench) {
			for i := range 100 {
				a, err := b.throttle.Begin(context.Background(), ada, anywhere(i))
				if err != nil {
					b.Fatal(err)
				}
				if err := a.Succeeded(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		},
		"an account under attack says so": func(b *bench) {
			b.attack(ada, login.DefaultAttackThreshold)
			if a := b.begin(ada, home); !a.Attacked() {
				b.Error("it does not")
			}
			if a := b.begin("grace@example.com", home); a.Attacked() {
				b.Error("another one does")
			}
		},
	} {
		t.Run(name, func(t *testing.T) { rule(newBench(t)) })
	}
}

// Fair shares go by it, so nobody has several by what they say.
func TestTheNetworkOfAProxysPeopleIsTheProxys(t *testing.T) {
	for _, c := range []struct {
		client login.Client
		want   string
	}{
		{login.Client{Addr: home}, "203.0.113.5/32"},
		{login.Client{Addr: netip.MustParseAddr("2001:db8::5")}, "2001:db8::/64"},
		{sharing(home), "10.0.0.1/32"},
		{sharing(netip.Addr{}), "10.0.0.1/32"},
	} {
		if got := c.client.Network(); got != c.want {
			t.Errorf("%+v is of %s", c.client, got)
		}
	}
}

func TestANameIsShownWithoutWhatWouldForgeALine(t *testing.T) {
	for typed, want := range map[string]string{
		"ada@example.com": "ada@example.com",
		"Zoë Ångström":    "Zoë Ångström",
		"a\r\nb\x1b[2Jc":  "a\ufffd\ufffdb\ufffd[2Jc",
		"a\u202eb":        "a\ufffdb",
	} {
		if got := login.Shown(typed); got != want {
			t.Errorf("%q is shown as %q", typed, got)
		}
	}
}

// Of ß one back end makes ss, and another s, so its name counts as both.
func TestANameWithASharpSIsCountedAsBothThatItMayBe(t *testing.T) {
	for name, from := range map[string]login.Client{
		"at an address":                     {Addr: home},
		"behind a proxy that tells nothing": {Addr: home, Shared: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			let := 0
			for i, spelling := range []string{"jeßßica", "JEẞßICA", "jessica", "jeßßicá", "ｊessica"} {
				for range 3 + i {
					if _, err := b.throttle.Begin(context.Background(), spelling, from); err == nil {
						let++
					}
				}
			}
			if let != login.DefaultPerPair {
				t.Errorf("jessica is asked for %d times", let)
			}
		})
	}
	t.Run("and both are given back", func(t *testing.T) {
		b := newBench(t)
		for range login.DefaultPerPair + 1 {
			b.succeed("jeßßica", home)
		}
		if n := b.left("jessica", home); n != login.DefaultPerPair {
			t.Errorf("%d attempts are left", n)
		}
	})
}
