package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
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
