package wire_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A small answer to a GET, and to a POST with a small body, as an app near by
// gives it.
//
//	go test -run xxx -bench . -benchmem ./caddymodule/transport/wire
func BenchmarkRoundTrip(b *testing.B) {
	for _, method := range []string{"GET", "POST"} {
		theirs, ours := transports((&net.Dialer{}).DialContext)
		for _, c := range []struct {
			name string
			rt   http.RoundTripper
		}{{"ours", ours}, {"net-http", theirs}} {
			b.Run(method+"/"+c.name, func(b *testing.B) { roundTrips(b, method, c.rt) })
		}
		theirs.CloseIdleConnections()
		ours.CloseIdleConnections()
	}
}

func roundTrips(b *testing.B, method string, rt http.RoundTripper) {
	to := benchApp(b)
	buffer := make([]byte, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader("name=value")
		}
		r := newRequest(method, to, body, 10)
		resp, err := rt.RoundTrip(r.WithContext(ctx))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buffer); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
		cancel()
	}
}

// benchApp costs as little as an app can, for what is measured is not its.
func benchApp(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := c.Read(buffer)
					if err != nil {
						return
					}
					if got := string(buffer[:n]); strings.HasPrefix(got, "POST") && strings.HasSuffix(got, "\r\n\r\n") {
						if _, err := c.Read(buffer); err != nil { // the body comes apart
							return
						}
					}
					_, _ = io.WriteString(c, next)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
