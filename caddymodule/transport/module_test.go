package transport_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/transport"
)

// provisioned is one as Caddy makes it.
func provisioned(t *testing.T) *transport.Transport {
	t.Helper()
	ours := new(transport.Transport)
	ctx, end := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(end)
	if err := ours.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Cleanup() })
	return ours
}

// watched notes whether anybody looks for the variables of a request.
type watched struct {
	context.Context
	seen *atomic.Bool
}

func (w watched) Value(key any) any {
	if key == caddyhttp.VarsCtxKey {
		w.seen.Store(true)
	}
	return w.Context.Value(key)
}

// TestADialReadsNoVariablesOfTheRequest: they are written to without a lock, and a dial
// may go on when its request has gone another way.
func TestADialReadsNoVariablesOfTheRequest(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	to := reverseproxy.DialInfo{Network: "tcp", Address: up.Address()}
	ctx := context.WithValue(t.Context(), caddy.CtxKey("reverse_proxy.dial_info"), to)
	seen := new(atomic.Bool)
	r, err := http.NewRequestWithContext(watched{ctx, seen}, http.MethodGet, "http://app.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := provisioned(t).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if seen.Load() || up.Count() != 1 {
		t.Errorf("it has looked for them: %v; %d came", seen.Load(), up.Count())
	}
}
