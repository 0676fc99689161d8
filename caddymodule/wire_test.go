package caddymodule_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// patience bounds every wait on a socket: only a test that fails waits so long.
const patience = 5 * time.Second

// wire is an upstream that keeps the bytes of each request as they came over
// TCP: what a parser has already folded, joined or dropped would prove nothing.
type wire struct {
	net.Listener
	mu       sync.Mutex
	arrivals []arrival
}

// arrival is one request as the upstream got it.
type arrival struct {
	raw  string
	body string
}

func newWire(t testing.TB) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &wire{Listener: l}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go u.serve(c) // ends with the gateway's connection
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Wait()
	})
	return u
}

func (u *wire) address() string { return u.Addr().String() }

// serve reads one request after the other and answers each. Whatever cannot be
// parsed is kept too, for it did arrive.
func (u *wire) serve(c net.Conn) {
	defer c.Close()
	var kept bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &kept))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			if kept.Len() > 0 {
				u.keep(arrival{raw: kept.String()})
			}
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the gateway broke off: it is no request, and comes too late for its test
		}
		u.keep(arrival{raw: string(kept.Next(kept.Len() - in.Buffered())), body: string(body)})
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nupstream\n"); err != nil {
			return
		}
	}
}

func (u *wire) keep(a arrival) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arrivals = append(u.arrivals, a)
}

// take returns what has arrived since it was last asked.
func (u *wire) take() []arrival {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.arrivals
	u.arrivals = nil
	return taken
}

// one returns the only request that has arrived.
func (u *wire) one(t testing.TB) arrival {
	t.Helper()
	got := u.take()
	if len(got) != 1 {
		t.Fatalf("%d requests arrived at the upstream, want 1: %q", len(got), got)
	}
	return got[0]
}

// none fails the test when anything has arrived.
func (u *wire) none(t testing.TB) {
	t.Helper()
	if got := u.take(); len(got) > 0 {
		t.Errorf("arrived at the upstream: %q", got)
	}
}

// values returns the values of a header, byte for byte as they arrived.
func (a arrival) values(name string) []string {
	head, _, _ := strings.Cut(a.raw, "\r\n\r\n")
	var values []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			values = append(values, strings.TrimPrefix(v, " "))
		}
	}
	return values
}

// want checks that a header arrived with exactly these values.
func (a arrival) want(t testing.TB, name string, values ...string) {
	t.Helper()
	if got := a.values(name); strings.Join(got, "\n") != strings.Join(values, "\n") {
		t.Errorf("%s arrived as %q, want %q", name, got, values)
	}
}

// socket is a client that sends exactly the bytes it is given.
type socket struct {
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, address string) *socket {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &socket{c, bufio.NewReader(c)}
}

func (s *socket) write(t testing.TB, text string) {
	t.Helper()
	// A server that has refused already may have closed: what it answered is
	// what counts.
	if _, err := io.WriteString(s, text); err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
		t.Fatal(err)
	}
}

// read returns the next answer with its body.
func (s *socket) read(t testing.TB, method string) answer {
	t.Helper()
	resp, err := http.ReadResponse(s.in, &http.Request{Method: method, URL: new(url.URL)})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer's body: %v", err)
	}
	return answer{resp, string(body)}
}

// wantClosed fails the test unless the server ends the connection and sends
// nothing more: a second answer would be one to a request that nobody made.
func (s *socket) wantClosed(t testing.TB) {
	t.Helper()
	rest, err := io.ReadAll(s.in)
	if len(rest) > 0 {
		t.Errorf("after the answer came %q", rest)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
}

// isReset tells a connection that the other end has torn down.
func isReset(err error) bool {
	text := err.Error()
	return strings.Contains(text, "reset by peer") || strings.Contains(text, "broken pipe")
}

// exchange sends the bytes on a connection of their own and returns the first
// answer. LF in text stands for CRLF.
func (s *server) exchange(t testing.TB, text string) answer {
	t.Helper()
	c := dial(t, s.address())
	defer c.Close()
	c.write(t, crlf(text))
	method, _, _ := strings.Cut(text, " ")
	return c.read(t, method)
}

func (s *server) address() string { return strings.TrimPrefix(s.url, "http://") }

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// startEdited is start with a last change to the Caddyfile.
func startEdited(t testing.TB, c site, edit func(caddyfile string, port int) string) *server {
	t.Helper()
	s := c.prepare(t)
	port := freePort(t)
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	load(t, edit(c.caddyfile(s, port), port))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return s
}
