package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// slow answers once it is let, and counts who is there.
func slow(t *testing.T) (url string, there *atomic.Int64, let chan struct{}) {
	t.Helper()
	there, let = new(atomic.Int64), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there.Add(1)
		defer there.Add(-1)
		<-let
		fmt.Fprint(w, r.Header.Get("X-Who"))
	}))
	t.Cleanup(s.Close)
	return s.URL, there, let
}

func askAs(ctx context.Context, rt http.RoundTripper, url, who string) outcome {
	r := requests["GET"](url)
	r.Header.Set("X-Who", who)
	return ask(rt, r.WithContext(ctx))
}

func TestNoMoreConnectionsThanAllowedAndEverybodyComesToTheirTurn(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		url, there, let := slow(t)
		ours := &wire.Transport{Dial: dial, MaxPerHost: 3, IdlePerHost: 32, NoKeepAlive: !keeps}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				who := fmt.Sprint(i)
				if o := askAs(t.Context(), ours, url, who); o.Body != who {
					t.Errorf("%s got %s", who, brief(o))
				}
			})
		}
		for range 40 {
			let <- struct{}{}
			if n := there.Load(); n > 3 {
				t.Errorf("%d at once", n)
			}
		}
		all.Wait()
		ours.CloseIdleConnections()
	}
}

func TestWhoWaitsForAConnectionMayLeave(t *testing.T) {
	url, there, let := slow(t)
	ours := &wire.Transport{Dial: dial, MaxPerHost: 1, IdlePerHost: 32}
	defer ours.CloseIdleConnections()
	var first sync.WaitGroup
	first.Go(func() {
		if o := askAs(t.Context(), ours, url, "first"); o.Body != "first" {
			t.Error(brief(o))
		}
	})
	await(t, "the first is there", func() bool { return there.Load() == 1 })
	ctx, cancel := context.WithCancelCause(t.Context())
	cancelled := make(chan outcome)
	go func() { cancelled <- askAs(ctx, ours, url, "second") }()
	cancel(errWhy)
	if o := <-cancelled; !errors.Is(o.err, errWhy) {
		t.Error(brief(o))
	}
	let <- struct{}{}
	first.Wait()
	go func() { let <- struct{}{} }()
	if o := askAs(t.Context(), ours, url, "third"); o.Body != "third" {
		t.Error(brief(o))
	}
}

func TestConnectionsAreKeptAsFarAsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*wire.Transport)
		left   int
	}{
		"as many as there were": {func(t *wire.Transport) { t.IdlePerHost = 9 }, 5},
		"two of five":           {func(t *wire.Transport) { t.IdlePerHost = 2 }, 2},
		"none":                  {func(t *wire.Transport) { t.NoKeepAlive = true }, 0},
		"none, by their number": {func(t *wire.Transport) { t.IdlePerHost = -1 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			open := counting()
			ours := &wire.Transport{Dial: open.dial}
			c.change(ours)
			url, there, let := slow(t)
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() { askAs(t.Context(), ours, url, "") })
			}
			await(t, "all are there", func() bool { return there.Load() == 5 })
			close(let)
			all.Wait()
			if n := open.n.Load(); n != int64(c.left) {
				t.Errorf("%d are open", n)
			}
			ours.CloseIdleConnections()
			if n := open.n.Load(); n != 0 {
				t.Errorf("%d are open when all are closed", n)
			}
		})
	}
}

// An app that is gone may be there again at the same address: its requests go
// to it, over a unix socket as over TCP.
func TestAnAppBehindAUnixSocketIsReached(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "app.sock")
	for range 2 {
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Host)
		})}}
		s.Start()
		open := counting()
		ours := &wire.Transport{Dial: open.dial, Target: func(*http.Request) (string, string) { return "unix", socket }}
		for range 3 {
			if o := ask(ours, requests["POST"]("http://whatever")); o.Body != "app.example" {
				t.Error(brief(o))
			}
		}
		if n := open.all.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		ours.CloseIdleConnections()
		s.Close()
	}
}

// counter counts connections that are open.
type counter struct{ n, all atomic.Int64 }

func counting() *counter { return new(counter) }

func (c *counter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.n.Add(1)
	c.all.Add(1)
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &countedTCP{TCPConn: tcp, of: c}, nil
	}
	return conn, nil
}

type countedTCP struct {
	*net.TCPConn
	of   *counter
	once sync.Once
}

func (c *countedTCP) Close() error {
	c.once.Do(func() { c.of.n.Add(-1) })
	return c.TCPConn.Close()
}
