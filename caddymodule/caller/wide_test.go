package caller_test

import (
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/caller"
)

// Clients are proxies to a server that trusts the whole of what they have addresses of.
func TestWholePrivateNetworksThatAreTrustedAreFound(t *testing.T) {
	for _, c := range []struct {
		name, global string
		want         []string
	}{
		{"no proxies", "", nil},
		{"one proxy", "servers {\ntrusted_proxies static 10.0.0.1\n}", nil},
		{"this machine", "servers {\ntrusted_proxies static 127.0.0.0/8 ::1\ntrusted_proxies_unix\n}", nil},
		{"the pods of a cluster", "servers {\ntrusted_proxies static 10.244.0.0/16 fd00:10:244::/56\n}", nil},
		{"half a network", "servers {\ntrusted_proxies static 10.0.0.0/9\n}", nil},
		{"one network", "servers {\ntrusted_proxies static 10.0.0.0/8\n}", []string{"10.0.0.0/8"}},
		{"one network in halves", "servers {\ntrusted_proxies static 172.16.0.0/13 172.24.0.0/13\n}", []string{"172.16.0.0/12"}},
		{"the network of IPv6", "servers {\ntrusted_proxies static fc00::/7\n}", []string{"fd00::/8"}},
		{"all of them", "servers {\ntrusted_proxies static private_ranges\n}", []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"}},
		{"everybody", "servers {\ntrusted_proxies static 0.0.0.0/0\n}", []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := caller.WidelyTrusted(t.Context(), server(t, c.global)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
