package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"reflect"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"example.com/sidegate/caddymodule/transport/wire"
)

func init() { caddy.RegisterModule(new(Transport)) }

// Transport is a transport of reverse_proxy. What it has is called as in Caddy's
// own, and has its defaults.
type Transport struct {
	// KeepAlive is how connections are kept for further requests.
	KeepAlive *KeepAlive `json:"keep_alive,omitempty"`
	// MaxConnsPerHost is how many connections to one app there may be; requests
	// beyond wait. Default: no limit.
	MaxConnsPerHost int `json:"max_conns_per_host,omitempty"`
	// DialTimeout is how long a connection may take to come. Default: 3s.
	DialTimeout caddy.Duration `json:"dial_timeout,omitempty"`
	// ResponseHeaderTimeout is how long the app may think, once it has the
	// request. Default: as long as it likes.
	ResponseHeaderTimeout caddy.Duration `json:"response_header_timeout,omitempty"`
	// MaxResponseHeaderSize is of an answer's header, in bytes. Default: 10 MiB.
	MaxResponseHeaderSize int64 `json:"max_response_header_size,omitempty"`
	// WriteBufferSize is in bytes for each connection. Default: 4 KiB.
	WriteBufferSize int `json:"write_buffer_size,omitempty"`
	// ReadBufferSize is in bytes for each connection. Default: 4 KiB.
	ReadBufferSize int `json:"read_buffer_size,omitempty"`
	// LocalAddress is the address that the app sees. Default: what the system
	// chooses.
	LocalAddress string `json:"local_address,omitempty"`

	wire *wire.Transport
}

// KeepAlive is how connections are kept.
type KeepAlive struct {
	// Enabled is whether they are. Default: true.
	Enabled *bool `json:"enabled,omitempty"`
	// MaxIdleConnsPerHost is how many to one app. Default: 32.
	MaxIdleConnsPerHost int `json:"max_idle_conns_per_host,omitempty"`
	// IdleConnTimeout is for how long. Default: 2m.
	IdleConnTimeout caddy.Duration `json:"idle_timeout,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Transport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.reverse_proxy.transport.sidegate",
		New: func() caddy.Module { return new(Transport) },
	}
}

// errPlain is of what only the other transport does.
var errPlain = errors.New("transport sidegate speaks HTTP/1.1 in the clear, to an app that is near: use `transport http` for " +
	"https:// and h2c:// upstreams")

// Provision makes the transport. It dials as Caddy's own does, which knows what
// reverse_proxy says of an upstream, and how to say that it is not there.
func (t *Transport) Provision(ctx caddy.Context) error {
	if err := t.check(); err != nil {
		return err
	}
	keep := t.KeepAlive
	if keep == nil {
		keep = new(KeepAlive)
	}
	caddys := &reverseproxy.HTTPTransport{
		KeepAlive: &reverseproxy.KeepAlive{
			Enabled: keep.Enabled, MaxIdleConnsPerHost: keep.MaxIdleConnsPerHost, IdleConnTimeout: keep.IdleConnTimeout,
		},
		DialTimeout: t.DialTimeout, LocalAddress: t.LocalAddress, Versions: []string{"1.1"},
	}
	theirs, err := caddys.NewTransport(ctx)
	if err != nil {
		return fmt.Errorf("transport sidegate: %w", err)
	}
	t.wire = &wire.Transport{
		Dial:          apart(theirs.DialContext),
		Target:        upstream,
		Begins:        begins,
		NoKeepAlive:   theirs.DisableKeepAlives,
		IdleTimeout:   theirs.IdleConnTimeout,
		IdlePerHost:   theirs.MaxIdleConnsPerHost,
		MaxPerHost:    t.MaxConnsPerHost,
		HeaderTimeout: time.Duration(t.ResponseHeaderTimeout),
		MaxHeader:     t.MaxResponseHeaderSize,
		ReadBuffer:    t.ReadBufferSize,
		WriteBuffer:   t.WriteBufferSize,
	}
	return nil
}

// dialer connects to an app.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// apart has it know nothing of the variables of a request: it may go on when that has
// gone another way, and they are written to without a lock.
func apart(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(context.WithValue(ctx, caddyhttp.VarsCtxKey, nil), network, address)
	}
}

// check refuses what JSON may say and a Caddyfile cannot.
func (t *Transport) check() error {
	keep := t.KeepAlive
	if keep == nil {
		keep = new(KeepAlive)
	}
	for _, field := range []struct {
		name        string
		value, most int64
	}{
		{"keep_alive.max_idle_conns_per_host", int64(keep.MaxIdleConnsPerHost), math.MaxInt64},
		{"keep_alive.idle_timeout", int64(keep.IdleConnTimeout), math.MaxInt64},
		{"max_conns_per_host", int64(t.MaxConnsPerHost), math.MaxInt64},
		{"dial_timeout", int64(t.DialTimeout), math.MaxInt64},
		{"response_header_timeout", int64(t.ResponseHeaderTimeout), math.MaxInt64},
		{"max_response_header_size", t.MaxResponseHeaderSize, largest},
		{"write_buffer_size", int64(t.WriteBufferSize), largest},
		{"read_buffer_size", int64(t.ReadBufferSize), largest},
	} {
		switch {
		case field.value < 0:
			return fmt.Errorf("transport sidegate: %s is below 0: leave it out for its default", field.name)
		case field.value > field.most:
			return fmt.Errorf("transport sidegate: %s is over %d, which is 1GiB: each connection has as much", field.name, largest)
		}
	}
	return nil
}

// upstream is where the app is that reverse_proxy has chosen.
func upstream(r *http.Request) (network, address string) {
	if to, ok := reverseproxy.GetDialInfo(r.Context()); ok {
		return to.Network, to.Address
	}
	return "tcp", wire.Address(r.URL)
}

// RoundTrip asks the app.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "" { // it is Caddy's own copy, and theirs does so too
		r.URL.Scheme = "http"
	}
	before, err := triedBefore(r)
	if err != nil {
		return nil, err
	}
	resp, err := t.wire.RoundTrip(r)
	if body := new(wire.BodyError); err != nil && errors.As(err, &body) && !before && isClients(body.Err) {
		return nil, brokenOff{body}
	}
	return resp, err
}

// begun is the variable of a request that has the body whose reading has begun.
const begun = "sidegate.transport.body"

// begins notes it.
func begins(r *http.Request) { caddyhttp.SetVar(r.Context(), begun, r.Body) }

// triedBefore reports whether a body of the request was read for another app before. It is
// an error to send that one again: the app would get what is left of it, which is nothing,
// and might take that for all. What is buffered whole comes anew each time.
func triedBefore(r *http.Request) (before bool, err error) {
	if r.Body == nil {
		return false, nil
	}
	body := caddyhttp.GetVar(r.Context(), begun)
	if body == nil {
		return false, nil
	}
	if reflect.ValueOf(body).Comparable() && reflect.ValueOf(r.Body).Comparable() && body == any(r.Body) {
		return true, errSpent
	}
	return true, nil
}

var errSpent = errors.New("the body of the request was read for an app that has failed, so that it is sent to no other one: " +
	"with `request_buffers` reverse_proxy keeps bodies for another try")

// isClients reports whether it is the client that a body has failed by, and not a
// handler which has one of its own to say, as request_body does of a large one, or has
// closed it.
func isClients(err error) bool {
	var said caddyhttp.HandlerError
	var large *http.MaxBytesError
	return !errors.As(err, &said) && !errors.As(err, &large) && !errors.Is(err, http.ErrBodyReadAfterClose)
}

// brokenOff is of a request that its client has not sent to its end. It is told as
// one that was cancelled, so that it does not count as a failure of the app: with
// passive health checks one client could else take the app away from all.
type brokenOff struct{ *wire.BodyError }

// Is says so to reverse_proxy.
func (brokenOff) Is(target error) bool { return target == context.Canceled }

// Cleanup closes what is idle, when a configuration has had its time.
func (t *Transport) Cleanup() error {
	if t.wire != nil {
		t.wire.CloseIdleConnections()
	}
	return nil
}

// TLSEnabled is false: Caddy asks, for upstreams that are https.
func (*Transport) TLSEnabled() bool { return false }

// EnableTLS is an error.
func (*Transport) EnableTLS(*reverseproxy.TLSConfig) error { return errPlain }

// EnableH2C is an error: without it, Caddy would have an h2c:// upstream asked in
// HTTP/1.1.
func (*Transport) EnableH2C() error { return errPlain }

// Interface guards
var (
	_ caddy.Provisioner         = (*Transport)(nil)
	_ caddy.CleanerUpper        = (*Transport)(nil)
	_ caddyfile.Unmarshaler     = (*Transport)(nil)
	_ http.RoundTripper         = (*Transport)(nil)
	_ reverseproxy.TLSTransport = (*Transport)(nil)
	_ reverseproxy.H2CTransport = (*Transport)(nil)
)
