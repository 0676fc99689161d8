package gatewaytest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Wire is an upstream that keeps the bytes of each request as they came over
// TCP: what a parser has already folded, joined or dropped would prove nothing.
type Wire struct {
	net.Listener
	mu       sync.Mutex
	arrivals []Arrival
}

// Arrival is one request as the upstream got it.
type Arrival struct {
	Raw  string // head and body
	Body string
}

// NewWire runs one until the test ends.
func NewWire(t testing.TB) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &Wire{Listener: l}
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

// Address is its host and port.
func (u *Wire) Address() string { return u.Addr().String() }

// serve reads one request after the other and answers each. Whatever cannot be
// parsed is kept too, for it did arrive.
func (u *Wire) serve(c net.Conn) {
	defer c.Close()
	var kept bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &kept))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			if kept.Len() > 0 {
				u.keep(Arrival{Raw: kept.String()})
			}
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the gateway broke off: it is no request, and comes too late for its test
		}
		u.keep(Arrival{Raw: string(kept.Next(kept.Len() - in.Buffered())), Body: string(body)})
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nupstream\n"); err != nil {
			return
		}
	}
}

func (u *Wire) keep(a Arrival) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arrivals = append(u.arrivals, a)
}

// Take returns what has arrived since it was last asked.
func (u *Wire) Take() []Arrival {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.arrivals
	u.arrivals = nil
	return taken
}

// One returns the only request that has arrived.
func (u *Wire) One(t testing.TB) Arrival {
	t.Helper()
	got := u.Take()
	if len(got) != 1 {
		t.Fatalf("%d requests arrived at the upstream, want 1: %q", len(got), got)
	}
	return got[0]
}

// None fails the test when anything has arrived.
func (u *Wire) None(t testing.TB) {
	t.Helper()
	if got := u.Take(); len(got) > 0 {
		t.Errorf("arrived at the upstream: %q", got)
	}
}

// Values returns the values of a header, byte for byte as they arrived.
func (a Arrival) Values(name string) []string {
	head, _, _ := strings.Cut(a.Raw, "\r\n\r\n")
	var values []string
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			values = append(values, strings.TrimPrefix(v, " "))
		}
	}
	return values
}

// Want checks that a header arrived with exactly these values.
func (a Arrival) Want(t testing.TB, name string, values ...string) {
	t.Helper()
	if got := a.Values(name); strings.Join(got, "\n") != strings.Join(values, "\n") {
		t.Errorf("%s arrived as %q, want %q", name, got, values)
	}
}
