package wire_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// expecting are requests whose bodies wait for a 100.
var expecting = map[string]func(to string) *http.Request{
	"a POST": func(to string) *http.Request {
		return expects(newRequest("POST", to, strings.NewReader("a=b"), 3))
	},
	"a large POST": func(to string) *http.Request {
		return expects(newRequest("POST", to, strings.NewReader(strings.Repeat("p", 50000)), 50000))
	},
	"a POST of unknown length": func(to string) *http.Request {
		return expects(newRequest("POST", to, strings.NewReader("unknown"), -1))
	},
	"a POST of nothing": func(to string) *http.Request {
		return expects(newRequest("POST", to, nil, 0))
	},
}

func expects(r *http.Request) *http.Request {
	r.Header.Set("Expect", "100-continue")
	return r
}

func TestABodyThatWaitsForA100IsThatOfNetHTTP(t *testing.T) {
	for name, do := range map[string]script{
		"the app says 100":                         {before: "HTTP/1.1 100 Continue\r\n\r\n", answer: next},
		"the app says 103 and 100":                 {before: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", answer: next},
		"the app says 100 twice":                   {before: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", answer: next},
		"the app says 100 byte by byte":            {before: "HTTP/1.1 100 Continue\r\n\r\n", answer: next, bytewise: true},
		"the app answers, and takes the body":      {before: "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"},
		"the app answers, and closes":              {before: "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", ignores: true, closes: true},
		"the app closes":                           {ignores: true, closes: true},
		"the app says 100 and closes":              {before: "HTTP/1.1 100 Continue\r\n\r\n", closes: true},
		"the app says what is not HTTP":            {before: "220 smtp\r\n\r\n", ignores: true, closes: true},
		"the app switches without being asked to":  {before: "HTTP/1.1 101 Switching Protocols\r\n\r\n", ignores: true, closes: true},
		"the app answers with chunks and a length": {before: "HTTP/1.1 100 Continue\r\n\r\n", answer: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	} {
		for request, make := range expecting {
			t.Run(request+", "+name, func(t *testing.T) {
				t.Parallel()
				compare(t, do, make)
			})
		}
	}
}

// counted counts what is read of a body, and whether it is closed.
type counted struct {
	io.Reader
	reads, closes atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Reader.Read(p)
}

func (c *counted) Close() error {
	c.closes.Add(1)
	return nil
}

func TestABodyIsNotReadWhenTheAppRefusesItAndCloses(t *testing.T) {
	_, ours := transports(dial)
	a := newApp(t, script{before: "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ignores: true, closes: true})
	body := &counted{Reader: strings.NewReader("secret")}
	r := expects(newRequest("POST", a.url(), body, 6))
	r.Body = body
	if o := ask(ours, r); o.Fails || !strings.HasPrefix(o.Status, "413") {
		t.Fatalf("got %v", brief(o))
	}
	await(t, "the body is closed", func() bool { return body.closes.Load() > 0 })
	if n := body.reads.Load(); n > 0 {
		t.Errorf("it was read %d times", n)
	}
}

// An app of HTTP/1.0 says no 100.
func TestABodyGoesWhenNo100Comes(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Millisecond} {
		_, ours := transports(dial)
		ours.ContinueTimeout = timeout
		a := newApp(t, script{answer: next})
		if o := ask(ours, expects(newRequest("POST", a.url(), strings.NewReader("a=b"), 3))); o.Body != "next" {
			t.Errorf("%v: got %v", timeout, brief(o))
		}
		if got := a.requests(); len(got) != 1 || !strings.HasSuffix(got[0], "\r\n\r\na=b") {
			t.Errorf("%v: the app got %q", timeout, got)
		}
		ours.CloseIdleConnections()
	}
}
