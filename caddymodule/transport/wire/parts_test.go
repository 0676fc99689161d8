package wire_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/transport/wire"
)

// Who sends a body may wait for what the app says to a part of it.
func TestAPartOfABodyArrivesBeforeTheRestIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		part, whole int
		incremental bool
	}{
		"a large body": {part: 1000, whole: 20_000},
		"a small one that is to be passed on as it comes": {part: 10, whole: 100, incremental: true},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, in := make(chan bool), make(chan string, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				part := make([]byte, c.part)
				_, err := io.ReadFull(r.Body, part)
				close(arrived)
				rest, err2 := io.ReadAll(r.Body)
				if err := errors.Join(err, err2); err != nil {
					t.Error(err)
				}
				in <- string(part) + string(rest)
			}))
			defer srv.Close()
			body, sends := io.Pipe()
			all := strings.Repeat("p", c.whole-1) + "."
			go func() {
				_, _ = io.WriteString(sends, all[:c.part])
				select {
				case <-arrived:
				case <-time.After(patience):
					t.Error("it has not arrived")
				}
				_, _ = io.WriteString(sends, all[c.part:])
				_ = sends.Close()
			}()
			r := newRequest("POST", srv.URL, body, int64(c.whole))
			if c.incremental {
				r.Header.Set("Incremental", "?1")
			}
			_, ours := transports(dial)
			defer ours.CloseIdleConnections()
			if o := ask(ours, r); o.Fails {
				t.Fatalf("got %s", brief(o))
			}
			if got := <-in; got != all {
				t.Errorf("the app got %d bytes", len(got))
			}
		})
	}
}

// unwilling is an app behind a socket that reads a part of a request, and then does as
// it is told.
func unwilling(t *testing.T, do func(c *net.UnixConn)) *wire.Transport {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.ReadFull(c, make([]byte, 100))
		do(c.(*net.UnixConn))
		<-t.Context().Done()
	}()
	return &wire.Transport{Dial: dial, Target: func(*http.Request) (string, string) { return "unix", path }}
}

// unread is a request that the app does not read to its end.
func unread() *http.Request {
	return newRequest("POST", "http://app.example", strings.NewReader(strings.Repeat("p", 8<<20)), 8<<20)
}

func TestAnAppThatReadsNoMoreHasItsTimeToAnswer(t *testing.T) {
	deaf := make(chan bool)
	ours := unwilling(t, func(c *net.UnixConn) { _ = c.CloseRead(); close(deaf) })
	ours.HeaderTimeout = 20 * time.Millisecond
	r := unread()
	r.Body = io.NopCloser(io.MultiReader(waits(deaf), r.Body))
	if o := ask(ours, r); o.err == nil || o.err.Error() != "timeout awaiting response headers" {
		t.Errorf("got %v", o.err)
	}
}

// waits is an empty body that takes until then.
type waits chan bool

func (w waits) Read([]byte) (int, error) { <-w; return 0, io.EOF }

func TestWhatTheAppHasDoneIsToldAndNotWhatWeDidThen(t *testing.T) {
	ours := unwilling(t, func(c *net.UnixConn) { _ = c.CloseWrite() })
	if o := ask(ours, unread()); o.err == nil || !strings.Contains(o.err.Error(), "the app has closed the connection without an answer") {
		t.Errorf("got %v", o.err)
	}
}

// A time for the answer takes nothing from a connection whose answer has come before the
// rest of the request.
func TestAConnectionIsKeptWhoseRequestLeavesJustBehindTheAnswer(t *testing.T) {
	a := newApp(t, script{before: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"})
	_, ours := transports(dial)
	ours.HeaderTimeout = patience
	defer ours.CloseIdleConnections()
	for range 20 { // of which a busy machine may spoil some
		kept := make(chan error, 1)
		body, sends := io.Pipe()
		r := newRequest("POST", a.url(), body, 10_000)
		r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(err error) { kept <- err }}))
		resp, err := ours.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			<-time.After(time.Millisecond) // the answer is read to its end by then
			_, _ = io.WriteString(sends, strings.Repeat("p", 10_000))
			_ = sends.Close()
		}()
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if <-kept == nil {
			return
		}
	}
	t.Error("it was never kept")
}

// Somebody waits for it to be closed, whoever has panicked.
func TestABodyIsClosedWhereAHookPanics(t *testing.T) {
	for name, spoil := range map[string]func(*wire.Transport, *httptrace.ClientTrace){
		"before the connection": func(_ *wire.Transport, trace *httptrace.ClientTrace) {
			trace.GetConn = func(string) { panic("of a hook") }
		},
		"at the connection": func(_ *wire.Transport, trace *httptrace.ClientTrace) {
			trace.GotConn = func(httptrace.GotConnInfo) { panic("of a hook") }
		},
		"asked for the target": func(ours *wire.Transport, _ *httptrace.ClientTrace) {
			ours.Target = func(*http.Request) (string, string) { panic("of a hook") }
		},
		"dialing": func(ours *wire.Transport, _ *httptrace.ClientTrace) {
			ours.Dial = func(context.Context, string, string) (net.Conn, error) { panic("of a hook") }
		},
		"reading the body": nil,
	} {
		for _, length := range []int64{3, 50_000} {
			_, ours := transports(dial)
			a := newApp(t, answersWell)
			body, trace := &counted{Reader: strings.NewReader(strings.Repeat("p", int(length)))}, new(httptrace.ClientTrace)
			if spoil != nil {
				spoil(ours, trace)
			} else {
				body.Reader = panics{}
			}
			r := newRequest("POST", a.url(), body, length)
			r.Body = body
			resp, err := ours.RoundTrip(r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
			if err == nil || !strings.Contains(err.Error(), "panicked: of") {
				t.Errorf("%s: %v, %v", name, resp, err)
			}
			if n := body.closes.Load(); n != 1 {
				t.Errorf("%s, %d bytes: closed %d times", name, length, n)
			}
		}
	}
}
