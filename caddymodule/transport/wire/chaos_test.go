package wire_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/transport/wire"
)

// chaotic is an app that does anything: it answers well, early, in part or not at
// all, closes, resets, and speaks unasked.
type chaotic struct {
	net.Listener
	mu    sync.Mutex
	posts map[string]int // how often each has come
	open  atomic.Int64
}

// content is the answer to a request, and to no other one.
func content(id string) string {
	n, _ := strconv.Atoi(id)
	return strings.Repeat(id+" ", 1+n%97*n%53)
}

func (a *chaotic) run() {
	for {
		c, err := a.Accept()
		if err != nil {
			return
		}
		a.open.Add(1)
		go func() {
			defer a.open.Add(-1)
			defer c.Close()
			in := bufio.NewReader(c)
			for a.serve(c, in) {
			}
		}()
	}
}

// serve reports whether the connection goes on.
func (a *chaotic) serve(c net.Conn, in *bufio.Reader) bool {
	r, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	id := r.Header.Get("X-Id")
	if r.Method == "POST" {
		a.mu.Lock()
		a.posts[id]++
		a.mu.Unlock()
	}
	body, whim := content(id), rand.IntN(20)
	if whim == 0 { // and never reads the body
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		return false
	}
	if r.Header.Get("Expect") != "" {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return false
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(body))
	switch whim {
	case 1:
		return false
	case 2:
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	case 3:
		_, _ = io.WriteString(c, head+body[:len(body)/2])
		return false
	case 4:
		_, _ = io.WriteString(c, head+body[:len(body)/2])
		_ = c.(*net.TCPConn).SetLinger(0)
		return false
	case 5:
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"+body)
		return false
	case 6: // what is unasked comes with the end of the answer
		_, _ = io.WriteString(c, head+body+"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers")
		return true
	case 7:
		_, _ = io.WriteString(c, head+body)
		return false
	case 8, 9, 10, 11:
		half := len(body) / 2
		fmt.Fprintf(c, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half+1, body[:half+1], len(body)-half-1, body[half+1:])
	default:
		_, _ = io.WriteString(c, head+body)
	}
	return true
}

// reckless asks once, in any way that a client may, and returns what it has got
// and whether that was all.
func reckless(rt http.RoundTripper, url, id string) (got string, whole bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	whim := rand.IntN(16)
	length := rand.IntN(3) * 10 * rand.IntN(3000)
	var body io.Reader
	method, stated := "GET", int64(0)
	if rand.IntN(2) == 0 {
		method, stated = "POST", int64(length)
		body = strings.NewReader(strings.Repeat("p", length))
		if whim == 0 {
			body, stated = fails(strings.Repeat("p", length)), int64(length+1)
		} else if rand.IntN(2) == 0 {
			stated = -1
		}
	}
	r := newRequest(method, url, body, stated)
	r.Header.Set("X-Id", id)
	if rand.IntN(4) == 0 {
		expects(r)
	}
	switch whim {
	case 1:
		cancel()
	case 2, 3:
		go cancel()
	case 4:
		ctx = onProvisional(ctx, cancel)
	}
	resp, err := rt.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	var in io.Reader = resp.Body
	switch whim {
	case 5:
		return "", false
	case 6:
		in = io.LimitReader(in, 7)
	case 7:
		in = slowly{in}
	case 8:
		go cancel()
	case 9:
		go resp.Body.Close()
	}
	all, err := io.ReadAll(in)
	return string(all), err == nil && whim != 6
}

type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) {
	runtime.Gosched()
	return s.Reader.Read(p[:1])
}

// Whatever clients and apps do to each other: nobody has the answer of another
// one, no app has a POST twice, and nothing is left of it. With SIDEGATE_LONG for
// ten minutes.
func TestNobodyHasTheAnswerOfAnotherWhateverHappens(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &chaotic{Listener: l, posts: map[string]int{}}
	go a.run()
	open := counting()
	ours := &wire.Transport{Dial: open.dial, IdlePerHost: 8, MaxPerHost: 12, HeaderTimeout: patience, IdleTimeout: patience, ContinueTimeout: time.Millisecond}
	stop := make(chan struct{})
	if os.Getenv("SIDEGATE_LONG") != "" {
		time.AfterFunc(10*time.Minute, func() { close(stop) })
	}
	var all sync.WaitGroup
	var ids, answered atomic.Int64
	for range 16 {
		all.Go(func() {
			for round := 0; ; round++ {
				if os.Getenv("SIDEGATE_LONG") == "" && round == 600 {
					return
				}
				select {
				case <-stop:
					return
				default:
				}
				id := strconv.FormatInt(ids.Add(1), 10)
				got, whole := reckless(ours, "http://"+l.Addr().String(), id)
				if want := content(id); !strings.HasPrefix(want, got) || whole && got != want {
					t.Errorf("%s got %.100q", id, got)
				} else if whole {
					answered.Add(1)
				}
			}
		})
	}
	all.Wait()
	ours.CloseIdleConnections()
	await(t, "no connection is left", func() bool { return open.n.Load() == 0 && a.open.Load() == 0 })
	for id, n := range a.posts {
		if n != 1 {
			t.Errorf("POST %s came %d times", id, n)
		}
	}
	if n, of := answered.Load(), ids.Load(); n < of/3 {
		t.Errorf("%d of %d were answered", n, of)
	}
	l.Close()
	await(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	t.Logf("%d exchanges over %d connections, %d answered whole", ids.Load(), open.all.Load(), answered.Load())
}
