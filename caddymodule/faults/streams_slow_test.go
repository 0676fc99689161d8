package faults_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// slowReaders are clients that take the head of an answer, and then nothing of what
// comes.
var slowReaders = map[string]func(t testing.TB, s *gatewaytest.Server, cookie, path string){
	"HTTP/1.1": func(t testing.TB, s *gatewaytest.Server, cookie, path string) {
		t.Helper()
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF("GET "+path+" HTTP/1.1\nHost: 127.0.0.1\nCookie: "+cookie+"\n\n"))
		if _, err := conn.In.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	},
	"HTTP/2": func(t testing.TB, s *gatewaytest.Server, cookie, path string) {
		t.Helper()
		tr := &http.Transport{Protocols: new(http.Protocols)}
		tr.Protocols.SetUnencryptedHTTP2(true)
		t.Cleanup(tr.CloseIdleConnections)
		resp, err := tr.RoundTrip(request(t, http.MethodGet, s.URL+path, nil, cookie))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
	},
	"a websocket": func(t testing.TB, s *gatewaytest.Server, cookie, path string) {
		t.Helper()
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF("GET "+path+" HTTP/1.1\nHost: 127.0.0.1\nConnection: Upgrade\nUpgrade: websocket\n"+
			"Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nCookie: "+cookie+"\n\n"))
		if _, err := conn.In.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	},
}

// TestASlowReaderIsCutOffAndBlocksNobody: the app writes until nobody takes more, and
// is told that it has ended; who reads at once is cut off beside them.
func TestASlowReaderIsCutOffAndBlocksNobody(t *testing.T) {
	a := newStreamApp(t)
	s := gatewaytest.Start(t, a.site(""))
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	var slow []*opened
	for name, open := range slowReaders {
		for range 20 {
			kind := "an event stream"
			if name == "a websocket" {
				kind = "Go's websocket"
			}
			o := a.prepare(kind, "app/flood")
			open(t, s, c.Cookie, o.path)
			slow = append(slow, o)
		}
	}
	open := a.openAll(t, s, "app", c.Cookie)
	gatewaytest.Await(t, "the app can write no more", func() bool {
		all := true
		for _, o := range slow {
			all = a.at(o.path).stuck() && all
		}
		return all
	})
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	for _, o := range open {
		o.wantEnd(t)
	}
	for _, o := range slow {
		<-a.at(o.path).ended
	}
}
