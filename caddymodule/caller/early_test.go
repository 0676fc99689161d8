package caller_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
)

// handshake is a TLS connection, complete or not.
func handshake(complete bool) *tls.ConnectionState {
	return &tls.ConnectionState{HandshakeComplete: complete}
}

func TestWhatMustWaitForTheHandshake(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		tls    *tls.ConnectionState
		header http.Header
		early  bool // it may be a repetition
		wait   bool // and must not be done
		query  string
	}{
		{"a POST without TLS", "POST", nil, nil, false, false, ""},
		{"a POST behind the handshake", "POST", handshake(true), nil, false, false, ""},
		{"a POST before it", "POST", handshake(false), nil, true, true, ""},
		{"a PUT before it", "PUT", handshake(false), nil, true, true, ""},
		{"a DELETE before it", "DELETE", handshake(false), nil, true, true, ""},
		{"a method of the app's own before it", "PROPPATCH", handshake(false), nil, true, true, ""},
		{"a websocket of HTTP/3 before it", "CONNECT", handshake(false), nil, true, true, ""},
		{"a GET before it", "GET", handshake(false), nil, true, false, ""},
		{"a HEAD before it", "HEAD", handshake(false), nil, true, false, ""},
		{"a preflight before it", "OPTIONS", handshake(false), nil, true, false, ""},
		{"a GET behind it", "GET", handshake(true), nil, false, false, ""},
		{"an upgrade, of which a proxy says so", "GET", nil, http.Header{"Upgrade": {"websocket"}, "Early-Data": {"1"}}, true, true, ""},
		{"an upgrade, of which nobody says so", "GET", nil, http.Header{"Upgrade": {"websocket"}}, false, false, ""},
		{"a GET that an app takes for a DELETE", "GET", handshake(false), http.Header{"X-Http-Method-Override": {"DELETE"}}, true, true, ""},
		{"the same in another spelling", "GET", handshake(false), http.Header{"X_http_method": {"DELETE"}}, true, true, ""},
		{"a POST of which a proxy says so", "POST", nil, http.Header{"Early-Data": {"1"}}, true, true, ""},
		{"a GET of which a proxy says so", "GET", nil, http.Header{"Early-Data": {"1"}}, true, false, ""},
		{"a POST with another value than 1, which means 1", "POST", handshake(true), http.Header{"Early-Data": {"0"}}, true, true, ""},
		{"a POST with an empty value, which means 1", "POST", nil, http.Header{"Early-Data": {""}}, true, true, ""},
		{"a POST with several values, which mean 1", "POST", nil, http.Header{"Early-Data": {"0", "0"}}, true, true, ""},
		{"a GET that an app takes for a DELETE by its query", "GET", handshake(false), nil, true, true, "a=1&_method=DELETE"},
		{"the same behind it", "GET", handshake(true), nil, false, false, "_method=DELETE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{Method: c.method, TLS: c.tls, Header: c.header.Clone(), URL: &url.URL{RawQuery: c.query}}
			if r.Header == nil {
				r.Header = http.Header{}
			}
			if caller.Early(r) != c.early || caller.TooEarly(r) != c.wait {
				t.Errorf("early %t, must wait %t", caller.Early(r), caller.TooEarly(r))
			}
			caller.MarkEarly(r)
			if got := r.Header["Early-Data"]; c.early != (len(got) == 1 && got[0] == "1") || !c.early && got != nil {
				t.Errorf("the app is told %q", got)
			}
		})
	}
}

// TestNoAddressIsTrustedBeforeTheHandshake: in 0-RTT a client names any address
// as its own.
func TestNoAddressIsTrustedBeforeTheHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		tls  *tls.ConnectionState
		want bool
	}{
		"without TLS": {nil, true}, "behind the handshake": {handshake(true), true}, "before it": {handshake(false), false},
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]any{caddyhttp.TrustedProxyVarKey: true}
			r := httptest.NewRequest("GET", "/", nil)
			r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
			r.TLS = c.tls
			if got := caller.TrustedPeer(r); got != c.want {
				t.Errorf("trusted: %t", got)
			}
		})
	}
}

// Every request is looked at, so that must cost nothing.
func TestALookForEarlyDataAllocatesNothing(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.TLS = handshake(true)
	if n := testing.AllocsPerRun(100, func() {
		caller.MarkEarly(r)
		if caller.TooEarly(r) {
			t.Error("it is early")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
