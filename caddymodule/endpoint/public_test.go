package endpoint_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// TestTheDemosPasswordSignsInOnThisMachineAlone: it is public.
func TestTheDemosPasswordSignsInOnThisMachineAlone(t *testing.T) {
	people, err := os.ReadFile("../../deploy/demo/users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gatewaytest.WriteFile(t, dir+"/users.yaml", string(people))
	s, handler := gatewaytest.InProcess(t, gatewaytest.Site{Dir: dir, Global: "servers {\ntrusted_proxies static 127.0.0.3/32\n}"})
	tcp := func(address string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(address), Port: 443} }
	for _, c := range []struct {
		name   string
		local  net.Addr
		remote string
		header http.Header
		status int
	}{
		{"from this machine, over IPv4", tcp("127.0.0.1"), "127.0.0.1:5000", nil, 200},
		{"from this machine, over IPv6", tcp("::1"), "[::1]:5000", nil, 200},
		{"from this machine, over HTTP/3", &net.UDPAddr{IP: net.IPv6loopback}, "[::1]:5000", nil, 200},
		{"over an address of the network", tcp("192.0.2.1"), "192.0.2.7:5000", nil, 401},
		{"from this machine, over an address of the network", tcp("192.0.2.1"), "192.0.2.1:5000", nil, 401},
		{"over HTTP/3, where the address is not known", &net.UDPAddr{IP: net.IPv6unspecified}, "[::1]:5000", nil, 401},
		{"over a unix socket, behind which is a proxy", &net.UnixAddr{Name: "/run/app.sock", Net: "unix"}, "@", nil, 401},
		{"over what says no address", nil, "127.0.0.1:5000", nil, 401},
		{"through a proxy on this machine", tcp("127.0.0.1"), "127.0.0.1:5000", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, 401},
		{"through a proxy that says it in the standard's way", tcp("127.0.0.1"), "127.0.0.1:5000", http.Header{"Forwarded": {"for=192.0.2.7"}}, 401},
		{"through one that claims to speak for this machine", tcp("127.0.0.1"), "192.0.2.7:5000", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, 401},
		{"through a trusted proxy", tcp("127.0.0.1"), "127.0.0.3:5000", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := strings.NewReader(`{"email":"ada@example.com","password":"sidegate-demo"}`)
			r := httptest.NewRequest("POST", s.URL+"/auth/login", body)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
			r.RemoteAddr = c.remote
			if c.header != nil {
				r.Header = c.header
			}
			r.Header.Set("Content-Type", gatewaytest.AsJSON)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}
