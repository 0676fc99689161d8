package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/transport/wire"
)

// patience bounds every wait of these tests.
const patience = 2 * time.Minute

// transports are those that are compared: net/http's as transport http has it,
// but for what it compresses, and ours.
func transports(dial func(ctx context.Context, network, address string) (net.Conn, error)) (theirs *http.Transport, ours *wire.Transport) {
	theirs = &http.Transport{DialContext: dial, DisableCompression: true, MaxIdleConnsPerHost: 32, ExpectContinueTimeout: patience}
	ours = &wire.Transport{Dial: dial, IdlePerHost: 32, ContinueTimeout: patience}
	return theirs, ours
}

// script is what an app does with a request.
type script struct {
	before   string // is sent before the body of the request is read
	ignores  bool   // the body of the request
	answer   string
	bytewise bool // sends one byte at a time
	closes   bool // the connection behind the answer
	resets   bool // it
}

// app is a server that does as it is told, and remembers what it was sent.
type app struct {
	listener net.Listener
	do       script
	then     []script // in the place of do, for the second request and those after

	mu   sync.Mutex
	got  []string // the requests, byte for byte
	open map[net.Conn]bool
	all  int // connections that there have been
	seen int // requests that there have been
}

// next is what the app answers at /next, whatever it was told.
const next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"

func newApp(t testing.TB, do script, then ...script) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{listener: l, do: do, then: then, open: map[net.Conn]bool{}}
	go a.accept()
	t.Cleanup(a.stop)
	return a
}

func (a *app) accept() {
	for {
		c, err := a.listener.Accept()
		if err != nil {
			return
		}
		a.mu.Lock()
		a.open[c] = true
		a.all++
		a.mu.Unlock()
		go a.serve(c)
	}
}

func (a *app) stop() {
	a.listener.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.open {
		c.Close()
	}
}

func (a *app) connections() (all, open int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all, len(a.open)
}

func (a *app) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.got...)
}

// nth is what to do with the next request.
func (a *app) nth() script {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen++; a.seen > 1 && len(a.then) > 0 {
		return a.then[min(a.seen-2, len(a.then)-1)]
	}
	return a.do
}

// url is where the app answers.
func (a *app) url() string { return "http://" + a.listener.Addr().String() }

// serve does with each request of a connection what it is told.
func (a *app) serve(c net.Conn) {
	defer func() {
		a.mu.Lock()
		delete(a.open, c)
		a.mu.Unlock()
		c.Close()
	}()
	var raw bytes.Buffer
	in := bufio.NewReader(io.TeeReader(c, &raw))
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		do := a.nth()
		if req.URL.Path == "/next" {
			do = script{answer: next}
		}
		send(c, do.before, do.bytewise)
		if !do.ignores {
			_, err = io.Copy(io.Discard, req.Body)
			if err != nil {
				return
			}
		}
		text := string(raw.Next(raw.Len() - in.Buffered()))
		if do.ignores { // how much of the body came is a matter of time
			text, _, _ = strings.Cut(text, "\r\n\r\n")
		}
		a.mu.Lock()
		a.got = append(a.got, text)
		a.mu.Unlock()
		if do.resets {
			_ = c.(*net.TCPConn).SetLinger(0)
			return
		}
		if req.Method == http.MethodHead {
			do.answer = withoutBody(do.answer)
		}
		send(c, do.answer, do.bytewise)
		if do.ignores && !do.closes {
			// The rest of the body is taken, so that it is no chance whether a client
			// that still writes it comes to read the answer.
			_, _ = io.Copy(io.Discard, in)
		}
		if strings.HasPrefix(do.answer, "HTTP/1.1 101") {
			// What comes in the new protocol is taken: unread, it would make a reset of the end.
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, in)
		}
		if do.closes {
			return
		}
	}
}

// withoutBody is the answer to a HEAD. Bytes behind the header would be unasked:
// when net/http sees them is a matter of time.
func withoutBody(answer string) string {
	for at := 0; ; {
		end, length := strings.Index(answer[at:], "\r\n\r\n"), 4
		if end < 0 {
			end, length = strings.Index(answer[at:], "\n\n"), 2
		}
		if end < 0 {
			return answer
		}
		status := answer[at:]
		at += end + length
		if !strings.HasPrefix(status, "HTTP/1.1 1") || strings.HasPrefix(status, "HTTP/1.1 101") { // it is the last one
			return answer[:at]
		}
	}
}

func send(c net.Conn, text string, bytewise bool) {
	if !bytewise {
		_, _ = io.WriteString(c, text)
		return
	}
	for i := range len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
	}
}

// outcome is all of an answer that is seen outside.
type outcome struct {
	Provisional []string
	Status      string
	Proto       string
	Header      http.Header
	Length      int64
	Encoding    []string
	Close       bool
	Body        string
	BodyFails   bool
	Trailer     http.Header
	Fails       bool
	err         error // is not compared
}

// ask sends the request and reads all of what there is to it.
func ask(rt http.RoundTripper, req *http.Request) (o outcome) {
	ctx, cancel := context.WithTimeout(req.Context(), patience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		o.Provisional = append(o.Provisional, http.StatusText(code)+" "+h.Get("Link"))
		return nil
	}})
	resp, err := rt.RoundTrip(req.WithContext(ctx))
	if err != nil {
		o.Fails, o.err = true, err
		return o
	}
	defer resp.Body.Close()
	o.Status, o.Proto, o.Header, o.Length, o.Close = resp.Status, resp.Proto, resp.Header, resp.ContentLength, resp.Close
	o.Encoding = resp.TransferEncoding
	if both, ok := resp.Body.(io.ReadWriteCloser); ok {
		_, _ = io.WriteString(both, "ping")
	}
	body, err := io.ReadAll(resp.Body)
	o.Body, o.BodyFails, o.err = string(body), err != nil, err
	o.Trailer = resp.Trailer
	return o
}

// await waits until it holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	giveUp := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-giveUp:
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

var errBody = errors.New("the client is gone")

// onProvisional has it done when the app has given a provisional answer.
func onProvisional(ctx context.Context, do func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
		do()
		return nil
	}})
}
