package attacks_test

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// tickets keeps what servers hand out for a faster start.
type tickets struct {
	tls.ClientSessionCache
	mu   sync.Mutex
	some bool
}

func newTickets() *tickets { return &tickets{ClientSessionCache: tls.NewLRUClientSessionCache(4)} }

func (c *tickets) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.some = c.some || s != nil
}

func (c *tickets) any() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.some
}

// dial begins a connection through the wire: with a ticket it does not wait for
// the handshake where that is held back. Else it does, for quic-go's client reads,
// without a lock, what the end of the handshake writes.
func (e *early) dial(w *wire) *http3.ClientConn {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), gatewaytest.Patience)
	e.Cleanup(cancel)
	c, err := quic.DialAddrEarly(ctx, w.client.LocalAddr().String(), e.quic, &quic.Config{HandshakeIdleTimeout: gatewaytest.Patience})
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = c.CloseWithError(0, "") })
	if !w.holdsBack() {
		select {
		case <-c.HandshakeComplete():
		case <-ctx.Done():
			e.Fatal(ctx.Err())
		}
	}
	return new(http3.Transport).NewClientConn(c)
}

// wire is what lies between a client and the gateway: it keeps what the client
// sends, and may hold back what it is answered, so that the handshake does not
// come to its end.
type wire struct {
	client, gateway net.PacketConn
	to              net.Addr

	mu    sync.Mutex
	from  net.Addr
	sent  [][]byte
	held  [][]byte
	holds bool
}

func (w *wire) holdsBack() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holds
}

func newWire(t testing.TB, port int) *wire {
	t.Helper()
	w := &wire{client: udp(t), gateway: udp(t), to: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}
	go each(w.client, w.forth)
	go each(w.gateway, w.back)
	return w
}

func udp(t testing.TB) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// each reads datagrams until the socket is closed.
func each(c net.PacketConn, do func(datagram []byte, from net.Addr)) {
	for buf := make([]byte, 1<<16); ; {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		do(slices.Clone(buf[:n]), from)
	}
}

func (w *wire) forth(datagram []byte, from net.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from = from
	w.sent = append(w.sent, datagram)
	_, _ = w.gateway.WriteTo(datagram, w.to) // what is lost is sent again
}

func (w *wire) back(datagram []byte, _ net.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.holds {
		w.held = append(w.held, datagram)
		return
	}
	_, _ = w.client.WriteTo(datagram, w.from)
}

func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = true
}

// release hands over what was held back, and returns what the client had sent
// by then.
func (w *wire) release() [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = false
	for _, datagram := range w.held {
		_, _ = w.client.WriteTo(datagram, w.from)
	}
	return slices.Clone(w.sent)
}

// replay sends what was recorded again, from another address, to whoever
// listens at the port.
func replay(t testing.TB, port int, recorded [][]byte) {
	t.Helper()
	c := udp(t)
	for _, datagram := range recorded {
		if _, err := c.WriteTo(datagram, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err != nil {
			t.Fatal(err)
		}
	}
}
