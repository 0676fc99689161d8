package transport_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// names is a DNS server that says where the apps of app.internal are.
type names struct {
	net.PacketConn
	mu    sync.Mutex
	ports []int // of its SRV records
}

func newNames(t *testing.T, ports ...int) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{PacketConn: conn, ports: ports}
	// Who connects asks it, too: SRV records name names.
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
	})
	go n.serve()
	return n
}

func (n *names) say(ports ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports = ports
}

func (n *names) serve() {
	buffer := make([]byte, 4096)
	for {
		size, from, err := n.ReadFrom(buffer)
		if err != nil {
			return
		}
		var asked dnsmessage.Message
		if asked.Unpack(buffer[:size]) == nil && len(asked.Questions) == 1 {
			answer := n.answer(asked)
			if packed, err := answer.Pack(); err == nil {
				_, _ = n.WriteTo(packed, from)
			}
		}
	}
}

func (n *names) answer(m dnsmessage.Message) dnsmessage.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := m.Questions[0]
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	m = dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	switch q.Type {
	case dnsmessage.TypeA:
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
	case dnsmessage.TypeSRV:
		for i, port := range n.ports {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.SRVResource{
				Priority: uint16(i), Target: dnsmessage.MustNewName("app.internal."), Port: uint16(port),
			}})
		}
	}
	return m
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUpstreamsThatDNSNamesAreReached(t *testing.T) {
	first, second := gatewaytest.NewRecorder(t), gatewaytest.NewRecorder(t)
	dns := newNames(t, portOf(t, first.Address()))
	by := func(path, source string) string {
		return fmt.Sprintf("handle %s {\nreverse_proxy {\n%s\nlb_policy round_robin\nlb_retries 3\ntransport sidegate\n}\n}\n", path, source)
	}
	resolver := "{\nresolvers udp/" + dns.LocalAddr().String() + "\nrefresh 1ns\n"
	a := "dynamic a " + resolver + fmt.Sprintf("name app.internal\nport %d\n}", portOf(t, first.Address()))
	srv := "dynamic srv " + resolver + "name app.internal\n}"
	s := gatewaytest.Start(t, gatewaytest.Site{
		Routes: by("/a", a) + by("/srv", srv) + by("/multi", "dynamic multi {\n"+strings.ReplaceAll(srv+"\n"+a, "dynamic ", "")+"\n}"),
	})
	c := s.Client(t)
	for _, path := range []string{"/a", "/srv", "/multi"} {
		for range 3 {
			c.Do(http.MethodPost, path, "a=b").Want(t, http.StatusOK)
		}
	}
	if n := first.Count(); n != 9 {
		t.Errorf("the app got %d", n)
	}
	// It moves. One that DNS names is not there, and is passed over.
	dns.say(gatewaytest.FreePort(t), portOf(t, second.Address()))
	for range 3 {
		c.Do(http.MethodPost, "/srv", "a=b").Want(t, http.StatusOK)
	}
	if n, m := first.Count(), second.Count(); n != 9 || m != 3 {
		t.Errorf("the app that was got %d, the one that is got %d", n, m)
	}
	for range 6 {
		c.Do(http.MethodPost, "/multi", "a=b").Want(t, http.StatusOK)
	}
	if n, m := first.Count(), second.Count(); n+m != 18 {
		t.Errorf("the apps got %d and %d", n, m)
	}
}
