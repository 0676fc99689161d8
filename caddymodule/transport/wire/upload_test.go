package wire_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/transport/wire"
)

// fails is a body that ends in an error.
func fails(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), errReader{errBody})
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("of the body") }

// bodies are requests whose clients do not keep their word.
var bodies = map[string]struct {
	body   io.Reader
	length int64
}{
	"a small body that fails":             {fails("a"), 3},
	"a small body that is short":          {strings.NewReader("a"), 3},
	"a small body that is long":           {strings.NewReader("a=bcd"), 3},
	"a large body that fails":             {fails(strings.Repeat("p", 20000)), 50000},
	"a large body that is short":          {strings.NewReader(strings.Repeat("p", 20000)), 50000},
	"a large body that is long":           {strings.NewReader(strings.Repeat("p", 60000)), 50000},
	"a body of unknown length that fails": {fails("a"), -1},
	"a small body that panics":            {panics{}, 3},
	"a large body that panics":            {panics{}, 50000},
	"an unknown body that panics":         {panics{}, -1},
}

// The app never takes half a body for a whole one, and the next request never
// goes behind it.
func TestABodyThatFailsIsAnErrorAndNotTheAppsRequest(t *testing.T) {
	for name, c := range bodies {
		for _, method := range []string{"POST", "GET"} {
			t.Run(method+" with "+name, func(t *testing.T) {
				_, ours := transports(dial)
				defer ours.CloseIdleConnections()
				a := newApp(t, answersWell)
				body := &counted{Reader: c.body}
				r := newRequest(method, a.url(), body, c.length)
				r.Body = body
				o := ask(ours, r)
				// An app may answer what it has got whole, before it is seen that the
				// client has more.
				if !o.Fails && !strings.Contains(name, "is long") {
					t.Errorf("got %s", brief(o))
				}
				if strings.Contains(name, "fails") && !errors.Is(o.err, errBody) {
					t.Errorf("got %v", o.err)
				}
				if strings.Contains(name, "panics") && !strings.Contains(o.err.Error(), "panicked: of the body") {
					t.Errorf("got %v", o.err)
				}
				if got := a.requests(); len(got) > 0 && !strings.Contains(name, "is long") {
					t.Errorf("the app got %q", got)
				}
				if o := ask(ours, requests["GET"](a.url())); o.Body != "next" {
					t.Errorf("the next: %s", brief(o))
				}
			})
		}
	}
}

func TestABodyIsClosedOnceWhateverBecomesOfIt(t *testing.T) {
	for name, do := range map[string]script{"an answer": answersWell, "none": closesMute} {
		for _, length := range []int{3, 50000} {
			for _, stated := range []int64{int64(length), -1} {
				_, ours := transports(dial)
				a := newApp(t, do)
				body := &counted{Reader: strings.NewReader(strings.Repeat("p", length))}
				r := newRequest("POST", a.url(), body, stated)
				r.Body = body
				ask(ours, r)
				if n := body.closes.Load(); n != 1 {
					t.Errorf("%s to %d bytes, %d stated: closed %d times", name, length, stated, n)
				}
				ours.CloseIdleConnections()
			}
		}
	}
}

// An app answers what it does not want to read, while the client sends on.
func TestAnAnswerComesBeforeABodyThatNeverEnds(t *testing.T) {
	_, ours := transports(dial)
	a := newApp(t, script{ignores: true, answer: "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"})
	body := newBlocked()
	defer close(body.end)
	r := newRequest("POST", a.url(), strings.NewReader(""), 1<<30)
	r.Body = body
	if o := ask(ours, r); o.Body != "no" {
		t.Errorf("got %s", brief(o))
	}
	await(t, "the connection is closed, in mid-message", func() bool { _, open := a.connections(); return open == 0 })
	if o := ask(ours, requests["GET"](a.url())); o.Body != "no" {
		t.Errorf("the next: %s", brief(o))
	}
	if all, _ := a.connections(); all != 2 {
		t.Errorf("%d connections", all)
	}
}

// The app has answered and does not read: writing to it fails, and its answer is
// there all the same.
func TestAnAnswerIsPassedOnWhenTheAppNoLongerReads(t *testing.T) {
	client, server := net.Pipe()
	go func() {
		in := bufio.NewReader(server)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.ReadFull(r.Body, make([]byte, 100))
		_, _ = io.WriteString(server, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
		server.Close()
	}()
	ours := &wire.Transport{Dial: dialed(client)}
	o := ask(ours, newRequest("POST", "http://app.example", strings.NewReader(strings.Repeat("p", 1<<20)), 1<<20))
	if o.Body != "big" {
		t.Errorf("got %s", brief(o))
	}
}

// comesAfter is a body that comes once the app has had enough of waiting.
type comesAfter struct {
	after <-chan struct{}
	text  io.Reader
}

func (s comesAfter) Read(p []byte) (int, error) {
	<-s.after
	return s.text.Read(p)
}

// An app that gives up on a connection, as a client is slow with its body, has got
// nothing of the request.
func TestAnAppThatDoesNotWaitForASlowBodyIsAskedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	closed, got := make(chan struct{}), make(chan string, 1)
	go func() {
		first, err := l.Accept()
		if err != nil {
			return
		}
		first.Close()
		close(closed)
		second, err := l.Accept()
		if err != nil {
			return
		}
		defer second.Close()
		r, err := http.ReadRequest(bufio.NewReader(second))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		got <- string(body)
		_, _ = io.WriteString(second, next)
	}()
	_, ours := transports(dial)
	defer ours.CloseIdleConnections()
	o := ask(ours, newRequest("POST", "http://"+l.Addr().String(), comesAfter{closed, strings.NewReader("a=b")}, 3))
	if o.Body != "next" {
		t.Fatalf("%+v, %v", o, o.err)
	}
	if body := <-got; body != "a=b" {
		t.Errorf("the app got %q", body)
	}
}

// unreachable is what reverse_proxy tries another app at.
type unreachable struct{ error }

// TestARequestWhoseBodyIsReadGoesToNoOtherApp: it would get there without its body.
func TestARequestWhoseBodyIsReadGoesToNoOtherApp(t *testing.T) {
	closed := make(chan struct{})
	dials := 0
	ours := &wire.Transport{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials > 1 {
			return nil, unreachable{errBody}
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		c, err := dial(ctx, "tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		app, err := l.Accept()
		if err == nil {
			app.Close()
			close(closed)
		}
		return c, err
	}}
	o := ask(ours, newRequest("POST", "http://app.example", comesAfter{closed, strings.NewReader("a=b")}, 3))
	var tried unreachable // as reverse_proxy looks for it
	if !o.Fails || errors.As(o.err, &tried) || !strings.Contains(o.err.Error(), errBody.Error()) || dials != 2 {
		t.Errorf("%v after %d connections", o.err, dials)
	}
}

func TestALongAddressDoesNotKeepAnAnswerWaiting(t *testing.T) {
	client, app := net.Pipe()
	defer client.Close()
	go func() {
		defer app.Close()
		buffer := make([]byte, 1000)
		if _, err := app.Read(buffer); err != nil {
			return
		}
		_, _ = io.WriteString(app, "HTTP/1.1 414 Too Long\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}()
	ours := &wire.Transport{Dial: dialed(client)}
	if o := ask(ours, newRequest("GET", "http://app.example/?"+strings.Repeat("q", 100_000), nil, 0)); o.Status != "414 Too Long" {
		t.Errorf("%+v, %v", o, o.err)
	}
}

// bursts is a body whose Close panics.
type bursts struct {
	io.Reader
	closes atomic.Int64
}

func (b *bursts) Close() error { b.closes.Add(1); panic("of a body") }

func TestABodyThatPanicsAsItIsClosedIsClosedOnce(t *testing.T) {
	for name, spoil := range map[string]func(*wire.Transport, *http.Request){
		"where it is read": func(*wire.Transport, *http.Request) {},
		"where there is no app": func(ours *wire.Transport, _ *http.Request) {
			ours.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errWhy }
		},
		"where the request is refused": func(_ *wire.Transport, r *http.Request) { r.Method = "NO GOOD" },
		"where something panics before": func(ours *wire.Transport, _ *http.Request) {
			ours.Target = func(*http.Request) (string, string) { panic("of a hook") }
		},
	} {
		for _, length := range []int64{3, 50_000, -1} {
			_, ours := transports(dial)
			a := newApp(t, answersWell)
			body := &bursts{Reader: strings.NewReader(strings.Repeat("p", int(max(length, 3))))}
			r := newRequest("POST", a.url(), body, length)
			r.Body = body
			spoil(ours, r)
			if _, err := ours.RoundTrip(r); err == nil || !strings.Contains(err.Error(), "panicked: of") {
				t.Errorf("%s, %d bytes: %v", name, length, err)
			}
			if n := body.closes.Load(); n != 1 {
				t.Errorf("%s, %d bytes: closed %d times", name, length, n)
			}
		}
	}
}
