package login_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/sessionstore/memory"
)

// The cookies of people whose session at another gateway has ended are many behind
// one address, and each browser sends its own again and again.
func TestACookieCountsOnceAtItsAddress(t *testing.T) {
	now := time.Now()
	throttle := login.NewThrottle(memory.New(func() time.Time { return now }), login.Limits{PerAddressCookies: 3, PerPair: 4, PerAddress: 1})
	here, there := login.Client{Addr: netip.MustParseAddr("192.0.2.1")}, login.Client{Addr: netip.MustParseAddr("192.0.2.2")}
	wants := func(digest string, from login.Client, scope string) {
		t.Helper()
		_, err := throttle.BeginCookie(t.Context(), digest, from)
		throttled, _ := errors.AsType[*login.Throttled](err)
		if (throttled == nil) != (scope == "") || throttled != nil && throttled.Scope != scope {
			t.Errorf("%s from %s: %v", digest, from.Addr, err)
		}
	}
	for range 4 {
		wants("a", here, "")
	}
	wants("a", here, login.ScopeCookie)
	wants("b", here, "")
	wants("c", here, "")
	wants("d", here, "address")
	wants("d", there, "")
	if _, err := throttle.Begin(t.Context(), "ada@example.com", here); err != nil {
		t.Errorf("passwords are counted with them: %v", err)
	}
	now = now.Add(login.DefaultWindow)
	wants("a", here, "")
}

func TestACookieThatWasGoodDoesNotCount(t *testing.T) {
	throttle := login.NewThrottle(memory.New(time.Now), login.Limits{PerAddressCookies: 1, PerPair: 1})
	for i := range 10 {
		attempt, err := throttle.BeginCookie(t.Context(), fmt.Sprint(i%2), login.Client{})
		if err != nil {
			t.Fatal(err)
		}
		if err := attempt.Abandoned(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever makes up what a proxy that is not trusted says of them is bounded by that
// proxy's limit.
func TestCookiesBehindAProxyThatIsNotTrusted(t *testing.T) {
	throttle := login.NewThrottle(memory.New(time.Now), login.Limits{PerAddressCookies: 1, PerProxyCookies: 3})
	var err error
	for i := range 4 {
		if err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		_, err = throttle.BeginCookie(t.Context(), fmt.Sprint(i), login.Client{Shared: true, Told: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
	}
	if throttled, ok := errors.AsType[*login.Throttled](err); !ok || throttled.Scope != "proxy" {
		t.Errorf("%v", err)
	}
}

// Who is not asked about for somebody else's sake has failed at nothing: it ends soon,
// and other addresses and other gateways are asked all the while.
func TestWhatIsNotAskedAboutWhileAGatewayGivesNoAnswers(t *testing.T) {
	now := time.Now()
	throttle := login.NewThrottle(memory.New(func() time.Time { return now }), login.Limits{PerAddressSilence: 3, PerProxySilence: 4, PerPair: 1, PerAddressCookies: 1})
	at := func(address string) login.Client { return login.Client{Addr: netip.MustParseAddr(address)} }
	behind := func(told string) login.Client { return login.Client{Shared: true, Told: netip.MustParseAddr(told)} }
	try := func(from login.Client, of, scope string) {
		t.Helper()
		attempt, err := throttle.BeginCookie(t.Context(), "a", from)
		if err != nil {
			t.Fatalf("it counts as a failure of the cookie, or of the address: %v", err)
		}
		throttled, _ := errors.AsType[*login.Throttled](attempt.MayAsk(t.Context(), of))
		if (throttled == nil) != (scope == "") || throttled != nil && (throttled.Scope != scope || throttled.RetryAfter <= 0) {
			t.Errorf("%+v of %s: %v", from, of, throttled)
		}
		if err := attempt.Unanswered(t.Context(), of); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		try(at("192.0.2.1"), "old", "")
	}
	try(at("192.0.2.1"), "old", "address")
	try(at("192.0.2.2"), "old", "")
	try(at("192.0.2.1"), "other", "")
	for i := range 4 {
		try(behind(fmt.Sprintf("10.0.0.%d", i)), "old", "")
	}
	try(behind("10.0.0.9"), "old", "proxy")
	now = now.Add(login.DefaultSilenceWindow)
	try(at("192.0.2.1"), "old", "")
}
