package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
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

// of is a body that says so, or panics.
type of struct {
	err error
	io.Reader
}

func (o of) Read(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	return o.Reader.Read(p)
}

func (of) Close() error { return nil }

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("of a handler") }

// TestAFailureThatIsNotTheClientsIsNotToldAsTheClients: it would be a 499 of which no log
// has a line, and no error route runs.
func TestAFailureThatIsNotTheClientsIsNotToldAsTheClients(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	to := reverseproxy.DialInfo{Network: "tcp", Address: up.Address()}
	ours := provisioned(t)
	for name, c := range map[string]struct {
		body    of
		before  bool // whether an app had another body of the request before
		clients bool
	}{
		"it breaks off":                 {of{err: io.ErrUnexpectedEOF}, false, true},
		"it resets":                     {of{err: syscall.ECONNRESET}, false, true},
		"a handler has closed it":       {of{err: http.ErrBodyReadAfterClose}, false, false},
		"a handler refuses it":          {of{err: caddyhttp.Error(http.StatusForbidden, errors.New("no"))}, false, false},
		"it is too large":               {of{err: &http.MaxBytesError{Limit: 1}}, false, false},
		"a handler panics":              {of{Reader: panics{}}, false, false},
		"an app had what it is made of": {of{err: errors.New("body closed by handler")}, true, false},
	} {
		for _, length := range []int64{5, 50_000, -1} {
			ctx := context.WithValue(t.Context(), caddy.CtxKey("reverse_proxy.dial_info"), to)
			ctx = context.WithValue(ctx, caddyhttp.VarsCtxKey, map[string]any{})
			if c.before {
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://app.example/", strings.NewReader("before"))
				resp, err := ours.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://app.example/", nil)
			r.Body, r.ContentLength = c.body, length
			_, err := ours.RoundTrip(r)
			if err == nil || errors.Is(err, context.Canceled) != c.clients {
				t.Errorf("%s, %d bytes: %v, of the client: %v", name, length, err, errors.Is(err, context.Canceled))
			}
		}
	}
}
