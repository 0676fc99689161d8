package faults_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// busy does something again and again until the test ends.
func busy(t testing.TB, what func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(idleTimeout / 50)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				what()
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
}

// saying has the app say something again and again.
func (o *opened) saying(t testing.TB) {
	more := o.app.at(o.path).more
	busy(t, func() {
		select {
		case more <- struct{}{}:
		default:
		}
	})
}

// socketThatSends is a websocket whose client sends that again and again. Control
// frames are written beside those that are read.
func socketThatSends(t testing.TB, s *gatewaytest.Server, cookie string, kind int, o *opened) {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Address()+o.path, http.Header{"Cookie": {cookie}})
	if err != nil {
		t.Fatal(err, resp)
	}
	t.Cleanup(func() { _ = c.Close() })
	readSocket(c, o)
	busy(t, func() {
		// It fails once the session has ended, which is seen by who reads.
		if kind == websocket.PingMessage {
			_ = c.WriteControl(kind, nil, time.Now().Add(gatewaytest.Patience))
			return
		}
		_ = c.WriteMessage(kind, []byte("sent"))
	})
}

// TestWhoIsBusyOnAStreamIsNotIdle: what flows of an answer or an upload puts the idle
// timeout off, and data that the client of a websocket sends. Its pings do not, nor
// what an app says to it, nor that a stream is open.
func TestWhoIsBusyOnAStreamIsNotIdle(t *testing.T) {
	a := newStreamApp(t)
	site := a.site("")
	site.Options = "idle_timeout " + idleTimeout.String()
	s := gatewaytest.Start(t, site)
	signedIn := func() string {
		c := s.Client(t)
		c.SignIn(gatewaytest.Ada)
		return c.Cookie
	}
	open := func(name string) *opened { return a.open(t, s, name, "app", signedIn()) }
	sends := func(kind int) *opened {
		o := a.prepare("Go's websocket", "app")
		socketThatSends(t, s, signedIn(), kind, o)
		o.awaitBegin(t)
		return o
	}

	var busy []*opened
	for _, name := range []string{"an event stream", "a long answer", "a stream of gRPC"} {
		o := open(name)
		o.saying(t)
		busy = append(busy, o)
	}
	busy = append(busy, open("an upload"), sends(websocket.TextMessage), sends(websocket.BinaryMessage))
	for range 2 {
		spoken := open("Go's websocket")
		spoken.saying(t)
		for _, o := range []*opened{open("an event stream"), open("a stream of gRPC"), sends(websocket.PingMessage), spoken} {
			o.wantEnd(t)
		}
	}
	for _, o := range busy {
		o.wantOpen(t)
	}
}
