package endpoint_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

// protocols are how clients come.
func protocols(t *testing.T, test func(t *testing.T, h *hall, by *http.Client)) {
	for name, major := range map[string]int{"HTTP/1.1": 1, "HTTP/2": 2} {
		t.Run(name, func(t *testing.T) {
			protocol := new(http.Protocols)
			protocol.SetHTTP1(major == 1)
			protocol.SetUnencryptedHTTP2(major == 2)
			h := newHall(t, func(s *http.Server, a *endpoint.Audience) {
				s.Protocols = protocol
				s.WriteTimeout, s.ReadTimeout = 50*time.Millisecond, 50*time.Millisecond
				a.Hasten(10*time.Millisecond, time.Minute)
			})
			transport := &http.Transport{Protocols: protocol, TLSClientConfig: new(tls.Config)}
			t.Cleanup(transport.CloseIdleConnections)
			test(t, h, &http.Client{Transport: transport})
		})
	}
}

func TestTimeoutsOfTheServerEndNoStream(t *testing.T) {
	protocols(t, func(t *testing.T, h *hall, by *http.Client) {
		l := h.listen(t, by, h.sessionOf(t))
		beats := make([]byte, 4<<10)
		if _, err := io.ReadFull(l.Body, beats[:300]); err != nil { // the begin, and what comes in a second or so
			t.Errorf("after %q: %v", beats, err)
		}
	})
}

func TestAServerThatShutsDownWaitsForNoStream(t *testing.T) {
	protocols(t, func(t *testing.T, h *hall, by *http.Client) {
		h.Config.RegisterOnShutdown(h.audience.Dismiss)
		l := h.listen(t, by, h.sessionOf(t))
		wantBegin(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), gatewaytest.Patience)
		defer cancel()
		must(t, h.Config.Shutdown(ctx))
		if b := l.Next(); b.Retry < 1000 || b.Retry > 2000 || b.Event != "" {
			t.Errorf("heard %+v", b)
		}
		l.WantEnd()
	})
}

// A client that takes nothing holds up its own handler and nobody else's.
func TestASlowReaderBlocksNobody(t *testing.T) {
	h := newHall(t, nil)
	c := h.signIn(t)
	l := c.Listen()
	wantBegin(t, l)
	slow := &blocked{ResponseRecorder: httptest.NewRecorder(), entered: make(chan struct{}), let: make(chan struct{})}
	r := httptest.NewRequest(http.MethodGet, "/auth/events", http.NoBody).WithContext(t.Context())
	r.Header.Set("Cookie", c.Cookie)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		h.handler.ServeHTTP(slow, r)
	}()
	<-slow.entered
	for version := uint64(2); version < 10; version++ {
		h.change(c, func(*sessionstore.Session) {})
		wantEvent(t, l, version, "refreshed")
	}
	h.audience.Dismiss()
	l.Next()
	l.WantEnd()
	close(slow.let)
	<-gone
	if said := slow.Body.String(); strings.Count(said, "event: session") > 1 {
		t.Errorf("more than the latest was told: %s", said)
	}
}

// blocked takes nothing until it is let.
type blocked struct {
	*httptest.ResponseRecorder
	once         sync.Once
	entered, let chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.once.Do(func() { close(b.entered) })
	<-b.let
	return b.ResponseRecorder.Write(p)
}

func TestStreamsLeaveNothingBehind(t *testing.T) {
	h := newHall(t, nil)
	h.signIn(t)
	h.CloseClientConnections()
	gatewaytest.NoRedirects.CloseIdleConnections()
	before := runtime.NumGoroutine()
	clients := gatewaytest.Rounds(100, 2000)
	transport := new(http.Transport)
	streams := make([]*gatewaytest.Listening, clients)
	for i := range streams {
		streams[i] = h.listen(t, &http.Client{Transport: transport}, h.sessionOf(t))
		wantBegin(t, streams[i])
	}
	if n := h.watch.Open(); n != int64(clients) {
		t.Errorf("%d are open; want %d", n, clients)
	}
	for i, l := range streams {
		if i%2 == 0 {
			l.Leave()
		}
	}
	h.audience.Dismiss()
	for i, l := range streams {
		if i%2 == 1 {
			l.Next()
			l.WantEnd()
			l.Leave()
		}
	}
	transport.CloseIdleConnections()
	gatewaytest.Await(t, "nothing is left of them", func() bool {
		return h.watch.Open() == 0 && runtime.NumGoroutine() <= before
	}, func() string {
		return fmt.Sprintf("%d open, %d goroutines, before %d", h.watch.Open(), runtime.NumGoroutine(), before)
	})
}
