package streams_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
)

// text is a frame of a server that carries so much.
func text(n int) []byte {
	if n > 125 {
		return append([]byte{0x81, 126, byte(n >> 8), byte(n)}, bytes.Repeat([]byte{'x'}, n)...)
	}
	return append([]byte{0x81, byte(n)}, bytes.Repeat([]byte{'x'}, n)...)
}

// masked is a frame of a client.
func masked(op byte, said string) []byte {
	return append([]byte{0x80 | op, 0x80 | byte(len(said)), 0, 0, 0, 0}, said...)
}

var goodbye = append([]byte{0x88, 15, 0x03, 0xf0}, "session ended"...)

// tunnelled is an app that switches protocols and hands its connection out.
type tunnelled struct {
	conns chan net.Conn
	early chan []byte
}

func (u *tunnelled) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", r.Header.Get("Upgrade"))
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	u.early <- early
	u.conns <- conn
	<-r.Context().Done()
}

// dial upgrades a connection to that protocol. Early follows the request at once.
func (h *house) dial(t *testing.T, protocol, early string) (client net.Conn, in *bufio.Reader) {
	t.Helper()
	c, in := h.connect(t)
	fmt.Fprintf(c, "GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n%s", protocol, early)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answered %v, %v", resp, err)
	}
	return c, in
}

// connect is a connection to the server.
func (h *house) connect(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func (h *house) revoke() {
	h.with(func() { h.err = sessionstore.ErrNotFound })
	h.watch.Changed(h.key)
}

func TestAWebsocketIsClosedAsTheProtocolHasIt(t *testing.T) {
	u := &tunnelled{make(chan net.Conn, 1), make(chan []byte, 1)}
	for name, c := range map[string]struct {
		protocol      string
		before, after [][]byte // what the app sends until the session ends, and then
		want          []byte
	}{
		"a quiet one":                {"websocket", nil, nil, goodbye},
		"one between two frames":     {"WebSocket", [][]byte{text(5), text(300)}, nil, bytes.Join([][]byte{text(5), text(300), goodbye}, nil)},
		"one whose app sends on":     {"websocket", [][]byte{text(5)}, [][]byte{text(7)}, bytes.Join([][]byte{text(5), goodbye}, nil)},
		"one within a frame":         {"websocket", [][]byte{text(300)[:100]}, [][]byte{append(text(300)[100:], text(9)...)}, append(text(300), goodbye...)},
		"one whose frame never ends": {"websocket", [][]byte{text(300)[:100]}, nil, text(300)[:100]},
		"another protocol":           {"spdy/3.1", [][]byte{[]byte("abc")}, nil, []byte("abc")},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, h1, u.serve)
			_, in := h.dial(t, c.protocol, "")
			app := <-u.conns
			<-u.early
			for _, sent := range c.before {
				if _, err := app.Write(sent); err != nil {
					t.Fatal(err)
				}
			}
			h.awaitOpen(t, 1)
			h.revoke()
			if _, err := app.Read(make([]byte, 1)); err == nil {
				t.Error("what the client sends still reaches the app")
			}
			for _, sent := range c.after {
				if _, err := app.Write(sent); err == nil {
					t.Error("what the app sends behind the end is taken for sent")
				}
			}
			got, err := io.ReadAll(in)
			if err != nil && !errors.Is(err, net.ErrClosed) && len(got) < len(c.want) {
				t.Error(err)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("the client was sent %x, want %x", got, c.want)
			}
		})
	}
}

// A client that reads nothing keeps nobody else open.
func TestASlowReaderBlocksNobody(t *testing.T) {
	u := &tunnelled{make(chan net.Conn, 1), make(chan []byte, 1)}
	h := build(t, h1, u.serve)
	h.dial(t, "websocket", "")
	slow := <-u.conns
	<-u.early
	stuck := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			_, err = slow.Write(text(1 << 15))
		}
		stuck <- err
	}()
	_, in := h.dial(t, "websocket", "")
	<-u.conns
	<-u.early
	h.awaitOpen(t, 2)
	h.revoke()
	if got, _ := io.ReadAll(in); !bytes.Equal(got, goodbye) {
		t.Errorf("the other client was sent %x", got)
	}
	if err := <-stuck; err == nil {
		t.Error("the app may still write to the slow one")
	}
}

func TestOnlyDataOfTheClientIsActivityOfAWebsocket(t *testing.T) {
	u := &tunnelled{make(chan net.Conn, 1), make(chan []byte, 1)}
	for name, c := range map[string]struct {
		client, app []byte
		early       string
		used        int
	}{
		"text of the client":         {client: masked(1, "hello"), used: 1},
		"binary data of the client":  {client: masked(2, "hello"), used: 1},
		"a ping of the client":       {client: masked(9, "hello")},
		"a pong of the client":       {client: masked(10, "")},
		"what the app sends":         {app: text(5)},
		"data in parts":              {client: masked(1, "hello")[:8], used: 1},
		"a ping that came too early": {early: string(masked(9, "1234567890")), client: masked(10, "")},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, h1, u.serve)
			client, in := h.dial(t, "websocket", c.early)
			app := <-u.conns
			if early := <-u.early; len(early) > 0 && string(early) != c.early {
				t.Fatalf("the app was given %x", early)
			}
			h.awaitOpen(t, 1)
			h.tick(61 * streams.Tick)
			if c.app != nil {
				_, _ = app.Write(c.app)
				_, _ = io.ReadFull(in, make([]byte, len(c.app)))
			}
			if c.client != nil {
				_, _ = client.Write(c.client)
				_, _ = io.ReadFull(app, make([]byte, len(c.client)))
			}
			if c.used > 0 {
				gatewaytest.Await(t, "the activity is noted", func() (used bool) {
					h.with(func() { used = h.used > 0 })
					return used
				})
			}
			h.settle(t)
			if h.used != c.used {
				t.Errorf("activity was noted %d times, want %d", h.used, c.used)
			}
		})
	}
}

func TestHalfAConnectionCanBeClosed(t *testing.T) {
	u := &tunnelled{make(chan net.Conn, 1), make(chan []byte, 1)}
	h := build(t, h1, u.serve)
	client, in := h.dial(t, "websocket", "")
	app := <-u.conns
	<-u.early
	if err := app.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); len(got) != 0 || err != nil {
		t.Errorf("the client reads %x, %v", got, err)
	}
	if _, err := client.Write(masked(1, "still here")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(app, make([]byte, 16)); err != nil {
		t.Errorf("what the client says reaches the app no more: %v", err)
	}
}
