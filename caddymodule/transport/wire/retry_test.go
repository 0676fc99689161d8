package wire_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

var dial = (&net.Dialer{Timeout: patience}).DialContext

var (
	answersWell = script{answer: next}
	closesMute  = script{closes: true}
	resetsMute  = script{resets: true}
	breaksOff   = script{answer: "HTTP/1.1 200 O", closes: true}
)

// The first request makes a connection that is kept. Of the second, what the app
// does first, and what it does when the request comes again.
func TestARequestIsTriedAgainOnlyWhereItDoesNoHarm(t *testing.T) {
	post := func(to string) *http.Request { return newRequest("POST", to, strings.NewReader("a=b"), 3) }
	withKey := func(r *http.Request) *http.Request {
		r.Header.Set("Idempotency-Key", "1")
		return r
	}
	rewinds := func(r *http.Request, body string) *http.Request {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
		return r
	}
	large := strings.Repeat("p", 50000)
	for name, c := range map[string]struct {
		request func(to string) *http.Request
		second  script
		third   script
		tries   int // of the second request
		fails   bool
	}{
		"a GET that the app closes on":                {requests["GET"], closesMute, answersWell, 2, false},
		"a GET that the app resets":                   {requests["GET"], resetsMute, answersWell, 2, false},
		"a HEAD that the app closes on":               {requests["HEAD"], closesMute, answersWell, 2, false},
		"an OPTIONS that the app closes on":           {requests["OPTIONS"], closesMute, answersWell, 2, false},
		"a GET that the app closes on twice":          {requests["GET"], closesMute, closesMute, 2, true},
		"a GET that the app has begun to answer":      {requests["GET"], breaksOff, answersWell, 1, true},
		"a POST that the app closes on":               {post, closesMute, answersWell, 1, true},
		"a POST that the app resets":                  {post, resetsMute, answersWell, 1, true},
		"a DELETE that the app closes on":             {requests["DELETE"], closesMute, answersWell, 1, true},
		"a POST of nothing that the app closes on":    {requests["POST of nothing"], closesMute, answersWell, 1, true},
		"a large PUT that the app closes on":          {requests["a large PUT"], closesMute, answersWell, 1, true},
		"a POST with a key that cannot be read again": {func(to string) *http.Request { return withKey(post(to)) }, closesMute, answersWell, 1, true},
		"a POST with a key that can":                  {func(to string) *http.Request { return rewinds(withKey(post(to)), "a=b") }, closesMute, answersWell, 2, false},
		"a POST without a key that can":               {func(to string) *http.Request { return rewinds(post(to), "a=b") }, closesMute, answersWell, 1, true},
		"a large POST with a key that can be read again": {func(to string) *http.Request {
			return rewinds(withKey(newRequest("POST", to, strings.NewReader(large), 50000)), large)
		}, closesMute, answersWell, 2, false},
		"a POST with a key and without a body":            {func(to string) *http.Request { return withKey(requests["POST of nothing"](to)) }, closesMute, answersWell, 2, false},
		"a GET with a body that the app closes on":        {func(to string) *http.Request { return newRequest("GET", to, strings.NewReader("q"), 1) }, closesMute, answersWell, 1, true},
		"a GET of an unknown body that the app closes on": {func(to string) *http.Request { return newRequest("GET", to, strings.NewReader("q"), -1) }, closesMute, answersWell, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs, ours := transports(dial)
			defer theirs.CloseIdleConnections()
			defer ours.CloseIdleConnections()
			for who, rt := range map[string]http.RoundTripper{"ours": ours, "net/http's": theirs} {
				a := newApp(t, answersWell, c.second, c.third)
				if o := ask(rt, requests["GET"](a.url())); o.Fails {
					t.Fatal(o.err)
				}
				o := ask(rt, c.request(a.url()))
				tries := len(a.requests()) - 1
				if o.Fails != c.fails || tries != c.tries {
					t.Errorf("%s came %d times, and fails: %v (%v)", who, tries, o.Fails, o.err)
				}
			}
		})
	}
}

// Over a new connection the app has got it, and closes for a reason.
func TestARequestOverANewConnectionIsNotTriedAgain(t *testing.T) {
	_, ours := transports(dial)
	a := newApp(t, closesMute, answersWell)
	if o := ask(ours, requests["GET"](a.url())); !o.Fails || len(a.requests()) != 1 {
		t.Errorf("got %s after %d requests", brief(o), len(a.requests()))
	}
}

// A POST has one try: it must not go to a connection that cannot have it, nor
// be answered by what was said before it.
func TestAConnectionThatIsNotQuietIsNotUsed(t *testing.T) {
	const unasked = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers"
	for name, whileIdle := range map[string]func(c net.Conn){
		"the app closes":                    func(c net.Conn) { c.Close() },
		"the app closes its direction":      func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() },
		"the app resets":                    func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); c.Close() },
		"the app speaks unasked":            func(c net.Conn) { _, _ = io.WriteString(c, unasked) },
		"the app says one byte":             func(c net.Conn) { _, _ = io.WriteString(c, "H") },
		"the app says 408 and closes":       func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\n\r\n"); c.Close() },
		"the app says something and closes": func(c net.Conn) { _, _ = io.WriteString(c, unasked); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clients := make(chan net.Conn, 9)
			_, ours := transports(func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				clients <- c
				return c, err
			})
			defer ours.CloseIdleConnections()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			first := func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, next)
				whileIdle(c)
			}
			served := make(chan struct{})
			go func() { first(); close(served) }()
			if o := ask(ours, requests["GET"]("http://"+l.Addr().String())); o.Body != "next" {
				t.Fatal(brief(o))
			}
			<-served
			kept := <-clients
			await(t, "the bytes, or the end, are here", func() bool { return !silent(t, kept) })
			posts := make(chan string, 9)
			go serveOnce(l, posts)
			if o := ask(ours, newRequest("POST", "http://"+l.Addr().String(), strings.NewReader("a=b"), 3)); o.Body != "mine" {
				t.Errorf("got %s", brief(o))
			}
			if got := <-posts; got != "a=b" {
				t.Errorf("the app got %q", got)
			}
		})
	}
}

func serveOnce(l net.Listener, got chan<- string) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(r.Body)
	got <- string(body)
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine")
}

// The bytes behind an answer that has no body are not the next answer.
func TestWhatComesBehindAnAnswerIsNobodysAnswer(t *testing.T) {
	for name, c := range map[string]struct{ request, answer string }{
		"a 204 with an answer behind it": {"OPTIONS", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers"},
		"a 304 with a body":              {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nothers"},
		"two answers":                    {"GET", next + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers"},
		"a byte behind a body":           {"GET", next + "\n"},
		"a byte behind the chunks":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnext\r\n0\r\n\r\n\n"},
	} {
		_, ours := transports(dial)
		a := newApp(t, script{answer: c.answer})
		if o := ask(ours, requests[c.request](a.url())); o.Fails {
			t.Errorf("%s: %s", name, brief(o))
		}
		r := newRequest("POST", a.url(), strings.NewReader("a=b"), 3)
		r.URL.Path = "/next"
		if o := ask(ours, r); o.Body != "next" {
			t.Errorf("%s: the next got %s", name, brief(o))
		}
		ours.CloseIdleConnections()
	}
}
