package gatewaytest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// Socket is a client that sends exactly the bytes it is given.
type Socket struct {
	net.Conn
	In *bufio.Reader // what the server sends
}

// Dial connects for the duration of the test.
func Dial(t testing.TB, address string) *Socket {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, Patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	return &Socket{Conn: c, In: bufio.NewReader(c)}
}

// Send sends the text as it is.
func (s *Socket) Send(t testing.TB, text string) {
	t.Helper()
	// A server that has refused already may have closed: what it answered is
	// what counts.
	if _, err := io.WriteString(s, text); err != nil && !errors.Is(err, net.ErrClosed) && !IsReset(err) {
		t.Fatal(err)
	}
}

// Receive returns the next answer with its body.
func (s *Socket) Receive(t testing.TB, method string) Answer {
	t.Helper()
	resp, err := http.ReadResponse(s.In, &http.Request{Method: method, URL: new(url.URL)})
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("reading the answer's body: %v", err)
	}
	return Answer{Response: resp, Body: string(body)}
}

// WantClosed fails the test unless the server ends the connection and sends
// nothing more: a second answer would be one to a request that nobody made.
func (s *Socket) WantClosed(t testing.TB) {
	t.Helper()
	rest, err := io.ReadAll(s.In)
	if len(rest) > 0 {
		t.Errorf("after the answer came %q", rest)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
}

// IsReset tells a connection that the other end has torn down.
func IsReset(err error) bool {
	text := err.Error()
	return strings.Contains(text, "reset by peer") || strings.Contains(text, "broken pipe")
}

// Exchange sends the bytes on a connection of their own and returns the first
// answer. LF in text stands for CRLF.
func (s *Server) Exchange(t testing.TB, text string) Answer {
	t.Helper()
	c := Dial(t, s.Address())
	defer c.Close()
	c.Send(t, CRLF(text))
	method, _, _ := strings.Cut(text, " ")
	return c.Receive(t, method)
}

// CRLF ends lines as HTTP does.
func CRLF(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
