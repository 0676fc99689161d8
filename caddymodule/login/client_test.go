package login_test

import (
	"context"
	"net/netip"
	"testing"

	"example.com/sidegate/caddymodule/login"
)

// Whoever has one address of IPv6 has 65,536 places of a /48: among equals they
// have the share of one.
func TestStrangersAreSharedOutByTheNetworkAroundThem(t *testing.T) {
	for name, test := range map[string]struct {
		from login.Client
		want string
	}{
		"of IPv4 a /24":           {login.Client{Addr: home}, "203.0.113.0/24"},
		"of IPv4 within IPv6 too": {login.Client{Addr: netip.MustParseAddr("::ffff:203.0.113.9")}, "203.0.113.0/24"},
		"of IPv6 a /48":           {login.Client{Addr: netip.MustParseAddr("2001:db8:1:2::3")}, "2001:db8:1::/48"},
		"behind a proxy, of it":   {sharing(home), "10.0.0.1/32>203.0.113.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := newBench(t).throttle.Begin(context.Background(), ada, test.from)
			if err != nil || a.Turn().Of != test.want {
				t.Errorf("it is %q, %v, want %q", a.Turn().Of, err, test.want)
			}
		})
	}
}
