package wire_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// dialed is a dialer that has one connection.
func dialed(c net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) { return c, nil }
}

// echoes switches to a protocol that says the same again, and says hello right
// behind the 101.
func echoes(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello,")
				_, _ = io.Copy(c, in)
				_, _ = io.WriteString(c, "bye")
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestAfterA101BothDirectionsAreTheCallers(t *testing.T) {
	url := echoes(t)
	ours := &wire.Transport{Dial: dial, MaxPerHost: 1}
	for range 3 { // a connection that was handed over takes nobody's place
		ctx, cancel := context.WithCancel(context.Background())
		resp, err := ours.RoundTrip(requests["an upgrade"](url).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		cancel() // it is the caller's to close, as with net/http
		both := resp.Body.(interface {
			io.ReadWriteCloser
			CloseWrite() error
		})
		got := make([]byte, 3)
		if _, err := io.ReadFull(both, got); err != nil || string(got) != "hel" {
			t.Fatalf("got %q, %v", got, err)
		}
		go func() {
			for range 1000 {
				_, _ = io.WriteString(both, strings.Repeat("x", 100))
			}
			_ = both.CloseWrite()
		}()
		rest, err := io.ReadAll(both)
		if err != nil || string(rest) != "lo,"+strings.Repeat("x", 100000)+"bye" {
			t.Errorf("got %d bytes, %v", len(rest), err)
		}
		defer both.Close()
	}
}
