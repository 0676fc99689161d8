package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/transport/wire"
)

var errWhy = errors.New("the client has gone away")

// blocked is a body that says when it is read, and never comes.
type blocked struct {
	asked chan struct{}
	end   chan struct{}
}

func newBlocked() *blocked { return &blocked{make(chan struct{}, 9), make(chan struct{})} }

func (b *blocked) Read([]byte) (int, error) {
	b.asked <- struct{}{}
	<-b.end
	return 0, errBody
}

func (b *blocked) Close() error { return nil }

// Whatever a request is at when its client goes: it ends with the cause of it,
// and both directions with it.
func TestARequestEndsWithItsContext(t *testing.T) {
	for name, c := range map[string]struct {
		app     script
		request func(to string) *http.Request
	}{
		"while the app thinks":                    {script{ignores: true, before: "HTTP/1.1 103 Early Hints\r\n\r\n"}, requests["GET"]},
		"in the header":                           {script{before: "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-"}, requests["GET"]},
		"while the app thinks about a small POST": {script{before: "HTTP/1.1 103 Early Hints\r\n\r\n"}, requests["POST"]},
		"while the app thinks about a large PUT":  {script{before: "HTTP/1.1 103 Early Hints\r\n\r\n"}, requests["a large PUT"]},
		"while a body waits for a 100":            {script{before: "HTTP/1.1 103 Early Hints\r\n\r\n"}, expecting["a large POST"]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ours := transports(dial)
			a := newApp(t, c.app)
			ctx, cancel := context.WithCancelCause(context.Background())
			ctx = onProvisional(ctx, func() { cancel(errWhy) })
			resp, err := ours.RoundTrip(c.request(a.url()).WithContext(ctx))
			if !errors.Is(err, errWhy) {
				t.Errorf("got %v, %v", resp, err)
			}
			await(t, "the app knows", func() bool { all, open := a.connections(); return all == 1 && open == 0 })
		})
	}
}

func TestABodyEndsWithItsContext(t *testing.T) {
	for name, head := range map[string]string{
		"with a length":      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
		"with chunks":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"without any length": "HTTP/1.1 200 OK\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			_, ours := transports(dial)
			a := newApp(t, script{answer: head})
			ctx, cancel := context.WithCancelCause(context.Background())
			resp, err := ours.RoundTrip(requests["GET"](a.url()).WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			go cancel(errWhy)
			if n, err := resp.Body.Read(make([]byte, 5)); n != 0 || !errors.Is(err, errWhy) {
				t.Errorf("got %d, %v", n, err)
			}
			resp.Body.Close()
			await(t, "the app knows", func() bool { _, open := a.connections(); return open == 0 })
		})
	}
}

// Caddy ends the context of every request that is done.
func TestAConnectionOutlivesTheContextOfARequestThatIsDone(t *testing.T) {
	_, ours := transports(dial)
	defer ours.CloseIdleConnections()
	a := newApp(t, answersWell)
	for range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		if o := ask(ours, requests["GET"](a.url()).WithContext(ctx)); o.Body != "next" {
			t.Fatal(brief(o))
		}
		cancel()
	}
	if all, _ := a.connections(); all != 1 {
		t.Errorf("%d connections", all)
	}
}

// Its dial goes on, for whoever comes next, until the pool is closed.
func TestARequestThatDialsEndsWithItsContext(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "of the request"))
	dials := make(chan context.Context, 1)
	ours := &wire.Transport{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		dials <- ctx
		cancel(errWhy)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	body := &counted{Reader: strings.NewReader("a=b")}
	r := newRequest("POST", "http://127.0.0.1:1", body, 3)
	r.Body = body
	if _, err := ours.RoundTrip(r.WithContext(ctx)); !errors.Is(err, errWhy) {
		t.Errorf("got %v", err)
	}
	if body.closes.Load() != 1 || body.reads.Load() != 0 {
		t.Errorf("the body was read %d times and closed %d times", body.reads.Load(), body.closes.Load())
	}
	dial := <-dials
	if dial.Err() != nil || dial.Value(key{}) != "of the request" {
		t.Errorf("the dial ends with the request: %v, %v", dial.Err(), dial.Value(key{}))
	}
	ours.CloseIdleConnections()
	if dial.Err() == nil {
		t.Error("the dial goes on without a pool")
	}
}

// What the dialer says is what the caller is told: Caddy looks for its own error.
func TestADialThatFailsIsTold(t *testing.T) {
	ours := &wire.Transport{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errWhy }, MaxPerHost: 1}
	for range 3 { // and leaves its place to the next
		if _, err := ours.RoundTrip(requests["GET"]("http://127.0.0.1:1")); !errors.Is(err, errWhy) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnAppThatThinksTooLongIsATimeout(t *testing.T) {
	for name, request := range map[string]func(string) *http.Request{
		"a GET": requests["GET"], "a POST": requests["POST"], "a large PUT": requests["a large PUT"], "a body that waits for a 100": expecting["a POST"],
	} {
		t.Run(name, func(t *testing.T) {
			_, ours := transports(dial)
			ours.HeaderTimeout, ours.ContinueTimeout = 20*time.Millisecond, 0
			a := newApp(t, script{})
			_, err := ours.RoundTrip(request(a.url()))
			var late net.Error
			if !errors.As(err, &late) || !late.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if n := len(a.requests()); n != 1 {
				t.Errorf("it came %d times", n)
			}
			await(t, "the app knows", func() bool { _, open := a.connections(); return open == 0 })
		})
	}
}

// deadlines notes the last one that a connection was given.
type deadlines struct {
	net.Conn
	given atomic.Int64
	last  atomic.Pointer[time.Time]
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.given.Add(1)
	d.last.Store(&t)
	return d.Conn.SetReadDeadline(t)
}

// The time is for the header: a body takes what it takes.
func TestTheTimeForTheHeaderIsNotThatOfTheBody(t *testing.T) {
	for name, request := range requests {
		var kept *deadlines
		_, ours := transports(func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			kept = &deadlines{Conn: c}
			return kept, err
		})
		ours.HeaderTimeout = patience
		a := newApp(t, answersWell)
		if o := ask(ours, request(a.url())); o.Fails {
			t.Fatal(brief(o))
		}
		if kept.given.Load() == 0 || !kept.last.Load().IsZero() {
			t.Errorf("%s: the body has until %v", name, kept.last.Load())
		}
	}
}
