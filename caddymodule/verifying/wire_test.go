package verifying_test

import (
	"io"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Trailers come behind all that a proxy deletes, and an app that merges them into the
// headers would take them for the gateway's (CVE-2026-88004).
func (b *behind) trailers(t *testing.T, who *gatewaytest.Client) {
	for name, announced := range map[string]string{"announced": "Trailer: X-Session-Email\n", "not announced": ""} {
		t.Run(name, func(t *testing.T) {
			before := b.app.count()
			answer := b.Exchange(t, "POST /page HTTP/1.1\nHost: "+b.Address()+"\nConnection: close\nCookie: "+who.Cookie+
				"\nTransfer-Encoding: chunked\n"+announced+"\n1\na\n0\nX-Session-Email: forged\n\n")
			switch {
			case answer.StatusCode == http.StatusLengthRequired || answer.StatusCode == http.StatusBadRequest:
				if b.app.count() != before {
					t.Error("the app was asked")
				}
			default:
				answer.Want(t, http.StatusOK)
				if got := b.app.last(t).Trailer; len(got) > 0 {
					t.Errorf("the app has got %v", got)
				}
			}
		})
	}
	t.Run("by HTTP/2, which says so without a word", func(t *testing.T) { b.trailersByH2(t, who) })
}

// trailersByH2 sends what a server without TLS may take for HTTP/2 (RFC 9113 section 3.3).
func (b *behind) trailersByH2(t *testing.T, who *gatewaytest.Client) {
	before := b.app.count()
	c := gatewaytest.Dial(t, b.Address())
	c.Send(t, http2.ClientPreface)
	f := http2.NewFramer(c.Conn, c.In)
	_ = f.WriteSettings()
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: block(":method", "POST", ":scheme", "http", ":path", "/page", ":authority", b.Address(), "cookie", who.Cookie)})
	_ = f.WriteData(1, false, []byte("a"))
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true, BlockFragment: block("x-session-email", "forged")})
	for {
		frame, err := f.ReadFrame()
		if err != nil { // it speaks no HTTP/2
			break
		}
		if h, ok := frame.(*http2.HeadersFrame); ok && h.StreamEnded() {
			break
		}
		if d, ok := frame.(*http2.DataFrame); ok && d.StreamEnded() {
			break
		}
	}
	if b.app.count() != before && len(b.app.last(t).Trailer) > 0 {
		t.Errorf("the app has got %v", b.app.last(t).Trailer)
	}
}

func block(fields ...string) []byte {
	var b writer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b
}

type writer []byte

func (b *writer) Write(p []byte) (int, error) { *b = append(*b, p...); return len(p), nil }

var _ io.Writer = (*writer)(nil)

// Another protocol is asked for by Upgrade and Connection together (RFC 9110 section
// 7.8): a proxy that writes one of them itself has the app leave HTTP, where the client
// has not.
func (b *behind) halfUpgrades(t *testing.T, who *gatewaytest.Client) {
	for name, header := range map[string]string{
		"Upgrade alone":                 "Connection: close\nUpgrade: websocket\n",
		"Upgrade beside another option": "Connection: close, x-upgrade\nUpgrade: websocket\n",
		"Upgrade to something else":     "Connection: close\nUpgrade: any\n",
		"Connection alone":              "Connection: close, Upgrade\n",
	} {
		t.Run(name, func(t *testing.T) {
			answer := b.Exchange(t, "GET /page HTTP/1.1\nHost: "+b.Address()+"\n"+header+"Cookie: "+who.Cookie+
				"\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\n")
			answer.Want(t, http.StatusOK)
			if h := b.app.last(t).Header; h.Get("Upgrade") != "" || h.Get("Connection") == "Upgrade" {
				t.Errorf("the app was asked for %q, %q", h.Get("Upgrade"), h.Get("Connection"))
			}
		})
	}
}
