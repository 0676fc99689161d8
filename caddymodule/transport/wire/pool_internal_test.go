package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strings"
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

func idle(ours *Transport) int { return counted(ours, func(h *host) int { return len(h.idle) }) }

func waiting(ours *Transport) int { return counted(ours, func(h *host) int { return len(h.waiters) }) }

// counted is how many there are at all apps.
func counted(ours *Transport, at func(*host) int) (n int) {
	ours.pool.mu.Lock()
	defer ours.pool.mu.Unlock()
	for _, h := range ours.pool.hosts {
		n += at(h)
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

// order is an app that tells who comes to it, by path, in which order. It closes behind
// each answer and does not say so, and behind /mute, once, without any.
func order(t *testing.T) (l net.Listener, came chan string, goOn chan bool) {
	l, came, goOn = listen(t), make(chan string, 99), make(chan bool)
	mute := true
	serve := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			came <- r.URL.Path
			<-goOn
			if r.URL.Path == "/mute" && mute {
				mute = false
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if r.URL.Path == "/closes" {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c) // one at a time, as MaxPerHost says
		}
	}()
	return l, came, goOn
}

func post(t *testing.T, l net.Listener, path string) *http.Request {
	t.Helper()
	method := http.MethodPost
	if path == "/mute" {
		method = http.MethodGet
	}
	r, err := http.NewRequest(method, "http://"+l.Addr().String()+path, nil)
	if err != nil {
		t.Error(err)
	}
	return r
}

// answered are those that the app is asked for next, each answered at once.
func answered(t *testing.T, came chan string, goOn chan bool, served chan error, n int) (paths []string) {
	t.Helper()
	for range n {
		paths = append(paths, <-came)
		goOn <- true
	}
	for range n {
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	return paths
}

// TestASecondTryHasItsTurnAndEndsNoOther: with max_conns_per_host, who got no answer closed
// every connection that became free, gave its place to the next one and waited once more.
func TestASecondTryHasItsTurnAndEndsNoOther(t *testing.T) {
	l, came, goOn := order(t)
	ours := &Transport{MaxPerHost: 1, Dial: new(net.Dialer).DialContext}
	defer ours.CloseIdleConnections()
	served := make(chan error, 9)
	ask := func(path string) { askInLine(t, ours, l, path, served) }
	go ask("/first")
	answered(t, came, goOn, served, 1)
	go ask("/mute") // over the connection that is kept
	<-came
	inLine(ours, 1, func() { go ask("/a") })
	goOn <- true
	<-came // it is /a, over the second one
	inLine(ours, 1, func() {})
	inLine(ours, 2, func() { go ask("/b") })
	inLine(ours, 3, func() { go ask("/c") })
	goOn <- true
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if got := answered(t, came, goOn, served, 3); !slices.Equal(got, []string{"/mute", "/b", "/c"}) {
		t.Errorf("served are %q", got)
	}
}

// TestWhoIsGivenADeadConnectionHasItsTurn: it went to the one behind, each time.
func TestWhoIsGivenADeadConnectionHasItsTurn(t *testing.T) {
	for name, end := range map[string]func(*Transport, *exchange){
		"which is seen as it is put away": func(_ *Transport, x *exchange) {
			for x.c.look.quiet() { // the end may still be on its way
				runtime.Gosched()
			}
			_, _ = io.ReadAll(x)
		},
		"which is seen by who is given it": func(t *Transport, x *exchange) {
			for x.c.look.quiet() {
				runtime.Gosched()
			}
			t.pool.mu.Lock()
			defer t.pool.mu.Unlock()
			x.c.used = true
			x.c.in.Reset(x.c)
			x.c.host.waiters[0].give(x.c, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, came, goOn := order(t)
			ours := &Transport{MaxPerHost: 1, Dial: new(net.Dialer).DialContext}
			defer ours.CloseIdleConnections()
			var kept error
			r := post(t, l, "/closes")
			trace := &httptrace.ClientTrace{PutIdleConn: func(err error) { kept = err }}
			go func() { <-came; goOn <- true }()
			resp, err := ours.RoundTrip(r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 9)
			inLine(ours, 1, func() { go askInLine(t, ours, l, "/b", served) })
			inLine(ours, 2, func() { go askInLine(t, ours, l, "/c", served) })
			end(ours, resp.Body.(*exchange))
			if got := answered(t, came, goOn, served, 2); !slices.Equal(got, []string{"/b", "/c"}) {
				t.Errorf("served are %q", got)
			}
			if strings.Contains(name, "put away") && kept == nil {
				t.Error("it is handed on")
			}
		})
	}
}

// askInLine makes a request and reads its answer.
func askInLine(t *testing.T, ours *Transport, l net.Listener, path string, served chan error) {
	resp, err := ours.RoundTrip(post(t, l, path))
	if err == nil {
		_, err = io.ReadAll(resp.Body)
	}
	served <- err
}

// inLine waits until so many wait for a connection.
func inLine(ours *Transport, n int, do func()) {
	do()
	for waiting(ours) != n {
		runtime.Gosched()
	}
}
