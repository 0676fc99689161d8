package transport_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// deserter is an app that reads of a request what it likes to, and closes.
func deserter(t *testing.T, read func(*http.Request)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				read(r)
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

// bodies are those that a client may send, behind the first lines of its request.
var bodies = map[string]struct{ text, body string }{
	"in chunks": {"Transfer-Encoding: chunked\n\n5\nhello\n0\n\n", "hello"},
	"small":     {"Content-Length: 5\n\nhello", "hello"},
	"large":     {"Content-Length: 50000\n\n" + strings.Repeat("p", 50000), strings.Repeat("p", 50000)},
}

// reads are what an app does with a request before it closes.
var reads = map[string]func(*http.Request){
	"the whole": func(r *http.Request) { _, _ = io.ReadAll(r.Body) },
	"a part":    func(r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 3)) },
	"nothing":   func(*http.Request) {},
}

// sendTo sends a POST to a site that tries any request at a second app, too.
func sendTo(t *testing.T, first string, second *gatewaytest.Recorder, text, options string) gatewaytest.Answer {
	t.Helper()
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: second.Address(), Routes: "reverse_proxy " + first + ` {upstream} {
		lb_policy first
		lb_retries 3
		lb_retry_match {
			method POST
		}
		fail_duration 1m
		transport sidegate
		` + options + `
	}
	handle_errors {
		respond "{err.message}" {err.status_code}
	}`})
	conn := gatewaytest.Dial(t, s.Address())
	conn.Send(t, gatewaytest.CRLF("POST / HTTP/1.1\nHost: 127.0.0.1\n")+gatewaytest.CRLF(text))
	return conn.Receive(t, http.MethodPost)
}

// TestABodyThatAnAppHasReadIsSentToNoOtherOne: that one would take what is left for all.
func TestABodyThatAnAppHasReadIsSentToNoOtherOne(t *testing.T) {
	for how, read := range reads {
		for name, b := range bodies {
			up := gatewaytest.NewRecorder(t)
			a := sendTo(t, deserter(t, read), up, b.text, "")
			if a.StatusCode != http.StatusBadGateway || !strings.Contains(a.Body, "was read for an app that has failed") || up.Count() > 0 {
				t.Errorf("%s, of %s: %d %.200s; the other app got %d", name, how, a.StatusCode, a.Body, up.Count())
			}
		}
	}
}

func TestABodyThatIsKeptIsSentToTheNextApp(t *testing.T) {
	for how, read := range reads {
		for name, b := range bodies {
			up := gatewaytest.NewRecorder(t)
			a := sendTo(t, deserter(t, read), up, b.text, "request_buffers 1MB")
			if a.StatusCode != http.StatusOK || up.Count() != 1 {
				t.Errorf("%s, of %s: %d %.200s; the other app got %d", name, how, a.StatusCode, a.Body, up.Count())
				continue
			}
			if got, err := io.ReadAll(up.Last().Body); string(got) != b.body {
				t.Errorf("%s, of %s: the other app got %d bytes, %v", name, how, len(got), err)
			}
		}
	}
}

func TestABodyThatNoAppHasReadIsSentToTheNextApp(t *testing.T) {
	for name, b := range bodies {
		up := gatewaytest.NewRecorder(t)
		if a := sendTo(t, nobody(t), up, b.text, ""); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.200s", name, a.StatusCode, a.Body)
			continue
		}
		if got, err := io.ReadAll(up.Last().Body); string(got) != b.body {
			t.Errorf("%s: the app got %d bytes, %v", name, len(got), err)
		}
	}
}
