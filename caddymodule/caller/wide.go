package caller

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// privateNetworks are those of which each office, VPN and cluster has its addresses.
// Of each it is who is asked about: nobody names so many places of one by chance.
var privateNetworks = []struct {
	name   string
	places []netip.Addr
}{
	{"10.0.0.0/8", addrs("10.0.0.1", "10.77.3.9", "10.128.0.1", "10.201.30.7", "10.255.255.254")},
	{"172.16.0.0/12", addrs("172.16.0.1", "172.19.3.9", "172.24.0.1", "172.29.30.7", "172.31.255.254")},
	{"192.168.0.0/16", addrs("192.168.0.1", "192.168.77.9", "192.168.128.1", "192.168.201.7", "192.168.255.254")},
	{"fd00::/8", addrs("fd00::1", "fd4d:309::9", "fd80::1", "fdc9:1e07::7", "fdff:ffff::1")}, // of fc00::/7 the half that is used
}

func addrs(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// WidelyTrusted are the whole private networks that trusted_proxies of a server cover,
// so that clients are proxies to it. Caddy keeps to itself what they are, and is asked.
func WidelyTrusted(ctx context.Context, server *caddyhttp.Server) (networks []string) {
	if !Trusting(server) {
		return nil
	}
	r := (&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{}}).WithContext(ctx)
	for _, network := range privateNetworks {
		all := true
		for _, place := range network.places {
			all = all && trusts(server, r, place)
		}
		if all {
			networks = append(networks, network.name)
		}
	}
	return networks
}
