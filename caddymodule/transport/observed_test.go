package transport_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestATraceGoesOnToTheApp(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: "tracing {\nspan site\n}\nreverse_proxy {upstream} {\ntransport sidegate\n}"})
	c := s.Client(t)
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for range 3 {
		c.Get("/", "Traceparent", "00-"+trace+"-"+span+"-01").Want(t, http.StatusOK)
		if got := up.Last().Header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+trace+"-") || strings.Contains(got, span) {
			t.Errorf("the app is told of %q", got)
		}
	}
}

func TestMetricsOfReverseProxyCountIt(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Upstream: up.Address(), Global: "metrics", Routes: `reverse_proxy {upstream} ` + nobody(t) + ` {
		lb_policy first
		transport sidegate
	}`})
	c := p.Client(t)
	before := up.Count() // of who has waited for the start
	for range 5 {
		c.Get("/").Want(t, http.StatusOK)
	}
	told := func() string {
		resp, err := http.Get("http://" + p.Site.Admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	count := fmt.Sprintf(`caddy_http_request_duration_seconds_count{code="200",handler="subroute",method="GET",server="srv0"} %d`, before+5)
	healthy := fmt.Sprintf(`caddy_reverse_proxy_upstreams_healthy{upstream=%q} 1`, up.Address())
	gatewaytest.Await(t, "Caddy counts the requests", func() bool {
		text := told()
		return strings.Contains(text, count+"\n") && strings.Contains(text, healthy+"\n")
	}, told)
}

func TestAnAppThatIsUnwellIsLeftAlone(t *testing.T) {
	var unwell atomic.Bool
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if unwell.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, "the first")
	}))
	t.Cleanup(sick.Close)
	well := gatewaytest.NewRecorder(t)
	for name, checks := range map[string]string{
		"which Caddy asks":       "health_uri /well\nhealth_interval 20ms\nhealth_passes 2",
		"which its answers show": "fail_duration 300ms\nunhealthy_status 5xx",
	} {
		t.Run(name, func(t *testing.T) {
			c := gatewaytest.Start(t, gatewaytest.Site{Routes: fmt.Sprintf("reverse_proxy %s %s {\nlb_policy first\n%s\ntransport sidegate\n}",
				strings.TrimPrefix(sick.URL, "http://"), well.Address(), checks)}).Client(t)
			for _, is := range []struct {
				unwell bool
				body   string
			}{{false, "the first"}, {true, "upstream\n"}, {false, "the first"}} {
				unwell.Store(is.unwell)
				gatewaytest.Await(t, fmt.Sprintf("%q answers", is.body), func() bool {
					a := c.Do(http.MethodPost, "/", "a=b")
					return a.StatusCode == http.StatusOK && a.Body == is.body
				})
			}
		})
	}
}

// TestAClientThatBreaksOffIsNoFailureOfTheApp: one client could else take the app
// away from everybody else.
func TestAClientThatBreaksOffIsNoFailureOfTheApp(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: "reverse_proxy {upstream} {\nfail_duration 1h\ntransport sidegate\n}"})
	for name, text := range map[string]string{
		"a small body":     "Content-Length: 5000\n\nabc",
		"a large body":     "Content-Length: 50000\n\nabc",
		"a body in chunks": "Transfer-Encoding: chunked\n\n3\nabc\n",
	} {
		conn := gatewaytest.Dial(t, s.Address())
		conn.Send(t, gatewaytest.CRLF("POST / HTTP/1.1\nHost: 127.0.0.1\n"+text))
		if err := conn.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if line, err := conn.In.ReadString('\n'); err == nil && !strings.Contains(line, " 499 ") {
			t.Errorf("%s is answered with %q", name, line)
		}
		s.Client(t).Get("/").Want(t, http.StatusOK)
	}
}

// What a handler says of a body is told to the client.
func TestABodyThatAHandlerRefusesIsRefused(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(),
		Routes: "request_body {\nmax_size 10\n}\nreverse_proxy {upstream} {\ntransport sidegate\n}"})
	conn := gatewaytest.Dial(t, s.Address())
	conn.Send(t, gatewaytest.CRLF("POST / HTTP/1.1\nHost: 127.0.0.1\nTransfer-Encoding: chunked\n\n14\n01234567890123456789\n0\n\n"))
	if a := conn.Receive(t, http.MethodPost); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered with %d", a.StatusCode)
	}
}

func TestHeadersAreChangedOnTheWay(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	c := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `reverse_proxy {upstream} {
		header_up Host app.internal
		header_up -X-Gone
		header_up X-Part old new
		header_up X-Is {http.request.method}
		header_down X-Down {http.reverse_proxy.status_code}
		transport sidegate
	}`}).Client(t)
	for range 2 {
		a := c.Get("/", "X-Gone", "1", "X-Part", "an old one").Want(t, http.StatusOK)
		got := up.Last()
		if got.Host != "app.internal" || got.Header.Get("X-Gone") != "" || got.Header.Get("X-Part") != "an new one" || got.Header.Get("X-Is") != "GET" {
			t.Errorf("the app got %s %v", got.Host, got.Header)
		}
		if a.Header.Get("X-Down") != "200" {
			t.Errorf("the client got %v", a.Header)
		}
	}
}

// The app waits with the rest of a page until the client has its beginning.
func TestAPageIsFlushedAsFlushIntervalSays(t *testing.T) {
	got := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-got:
			fmt.Fprint(w, "rest")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(up.Close)
	for _, interval := range []string{"-1", "1ms"} {
		s := gatewaytest.Start(t, gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://"), Routes: "reverse_proxy {upstream} {\nflush_interval " + interval + "\ntransport sidegate\n}"})
		resp, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		page := make([]byte, 8)
		if _, err := io.ReadFull(resp.Body, page[:4]); err != nil {
			t.Fatal(err)
		}
		got <- struct{}{}
		if _, err := io.ReadFull(resp.Body, page[4:]); err != nil || string(page) != "halfrest" {
			t.Errorf("%s: got %q, %v", interval, page, err)
		}
		resp.Body.Close()
	}
}
