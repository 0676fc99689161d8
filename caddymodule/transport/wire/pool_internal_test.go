package wire

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// kept makes an exchange with an app, whose connection is kept by both.
func kept(t *testing.T, ours *Transport, l net.Listener) (app net.Conn) {
	t.Helper()
	served := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		served <- c
	}()
	ours.Dial = new(net.Dialer).DialContext
	r, err := http.NewRequest("GET", "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ours.RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	app = <-served
	t.Cleanup(func() { app.Close() })
	if n := idle(ours); n != 1 {
		t.Fatalf("%d are kept", n)
	}
	return app
}

func idle(ours *Transport) (n int) {
	ours.pool.mu.Lock()
	defer ours.pool.mu.Unlock()
	for _, h := range ours.pool.hosts {
		n += len(h.idle)
	}
	return n
}

// age has connections idle for so long.
func age(ours *Transport, d time.Duration) {
	ours.pool.mu.Lock()
	defer ours.pool.mu.Unlock()
	for _, h := range ours.pool.hosts {
		for _, c := range h.idle {
			c.idleAt = c.idleAt.Add(-d)
		}
	}
}

func TestWhatIsIdleForTooLongIsClosedThoughNobodyAsks(t *testing.T) {
	ours := &Transport{IdleTimeout: time.Minute}
	app := kept(t, ours, listen(t))
	age(ours, 59*time.Second)
	ours.pool.sweep()
	if idle(ours) != 1 {
		t.Fatal("it is closed too early")
	}
	age(ours, 2*time.Second)
	ours.pool.sweep()
	if idle(ours) != 0 {
		t.Fatal("it is kept")
	}
	if n, err := app.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the app has read %d, %v", n, err)
	}
	if ours.pool.sweeps != nil || len(ours.pool.hosts) != 0 {
		t.Error("something is left of it")
	}
}

func TestWhatIsIdleForTooLongIsNotUsed(t *testing.T) {
	ours := &Transport{IdleTimeout: time.Minute}
	l := listen(t)
	app := kept(t, ours, l)
	age(ours, 61*time.Second)
	kept(t, ours, l)
	ours.pool.sweep()
	if n, err := app.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the app has read %d, %v", n, err)
	}
}

func TestWhatTheAppHasClosedIsLetGoThoughNobodyAsks(t *testing.T) {
	ours := &Transport{IdleTimeout: time.Minute}
	app := kept(t, ours, listen(t))
	app.Close()
	age(ours, sweepEvery)
	for idle(ours) != 0 { // the end may still be on its way
		ours.pool.sweep()
	}
}

func TestASweepComesWhileAnythingIsIdle(t *testing.T) {
	ours := &Transport{IdleTimeout: time.Millisecond}
	app := kept(t, ours, listen(t))
	if n, err := app.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the app has read %d, %v", n, err)
	}
}

// TestWhoeverLeavesAsItIsGivenAConnectionKeepsNoPlace: each would take one of
// max_conns_per_host with it, until nobody is served any more.
func TestWhoeverLeavesAsItIsGivenAConnectionKeepsNoPlace(t *testing.T) {
	for name, given := range map[string]func(*Transport, *conn) *conn{
		"a connection that is put away":                   func(_ *Transport, c *conn) *conn { return c },
		"one that there is no room for":                   func(t *Transport, c *conn) *conn { t.IdlePerHost = -1; return c },
		"one that is not kept, as the pool was closed":    func(t *Transport, c *conn) *conn { t.CloseIdleConnections(); return c },
		"one that was closed meanwhile":                   func(_ *Transport, c *conn) *conn { c.kill(); return c },
		"a place for one, in the place of who gave it up": func(_ *Transport, c *conn) *conn { c.net.Close(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, app := net.Pipe()
				defer client.Close()
				defer app.Close()
				ours := &Transport{IdlePerHost: 1}
				_, h, _ := ours.pool.take(ours, target{"tcp", "app"}, false)
				c := newConn(client, &ours.pool, h, ours)
				wait := make(chan *conn, 1)
				gone, leave := context.WithCancel(t.Context())
				leave()
				left := make(chan error)
				go func() {
					_, err := ours.pool.await(gone, h, wait)
					left <- err
				}()
				synctest.Wait() // until it has left, and only looks what it was given
				wait <- given(ours, c)
				if err := <-left; err == nil {
					t.Error("it has not left")
				}
				if kept := idle(ours); h.open != kept {
					t.Errorf("%d places are taken, and %d connections kept", h.open, kept)
				}
				ours.CloseIdleConnections() // and its timer
			})
		})
	}
}
