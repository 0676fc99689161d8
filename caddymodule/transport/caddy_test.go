package transport_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// app answers by the path, and says what it has got.
func app(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s %s %q %v %v %v", r.Method, r.Host, body, r.Trailer, r.TransferEncoding, err)
		w.Header().Set("X-Sum", "9")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "after a hint")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("large ", 50000)) })
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/same", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	mux.HandleFunc("/close", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "and close")
	})
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	mux.HandleFunc("/raw/", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, map[string]string{
			"/raw/old":  "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nServer: SimpleHTTP\r\n\r\nuntil the end",
			"/raw/both": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
			"/raw/odd":  "SSH-2.0-OpenSSH\r\n",
			"/raw/mute": "",
		}[r.URL.Path])
		conn.Close()
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Through the whole of Caddy, byte for byte.
func TestClientsSeeWhatTheySeeOfTransportHTTP(t *testing.T) {
	address := app(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: address, Routes: `
	handle_path /theirs/* {
		reverse_proxy {upstream} {
			transport http {
				compression off
			}
		}
	}
	handle_path /ours/* {
		reverse_proxy {upstream} {
			transport sidegate
		}
	}`})
	const chunks = "Transfer-Encoding: chunked\nTrailer: X-In\n\n3\na=b\n0\nX-In: 1\n\n"
	for name, c := range map[string]struct{ line, rest string }{
		"a GET":                        {"GET /echo", "\n"},
		"a HEAD":                       {"HEAD /large", "\n"},
		"a POST":                       {"POST /echo", "Content-Length: 3\n\na=b"},
		"a POST of nothing":            {"POST /echo", "Content-Length: 0\n\n"},
		"a large PUT":                  {"PUT /echo", "Content-Length: 100000\n\n" + strings.Repeat("p", 100000)},
		"chunks and a trailer":         {"POST /echo", chunks},
		"a body that waits for a 100":  {"POST /echo", "Expect: 100-continue\nContent-Length: 3\n\na=b"},
		"a large answer":               {"GET /large", "\n"},
		"a hint":                       {"GET /hints", "\n"},
		"204":                          {"GET /none", "\n"},
		"304":                          {"GET /same", "\n"},
		"an app that closes":           {"GET /close", "\n"},
		"an app that refuses the body": {"POST /refuse", "Content-Length: 3\n\na=b"},
		"HTTP/1.0":                     {"GET /raw/old", "\n"},
		"a length and chunks":          {"GET /raw/both", "\n"},
		"no HTTP":                      {"GET /raw/odd", "\n"},
		"no answer":                    {"GET /raw/mute", "\n"},
		"no answer to a POST":          {"POST /raw/mute", "Content-Length: 3\n\na=b"},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		var seen [2]string
		for i, who := range []string{"/theirs", "/ours"} {
			head, body, _ := strings.Cut(c.rest, "\n\n")
			if strings.HasPrefix(c.rest, "Transfer-Encoding") {
				body = gatewaytest.CRLF(body)
			}
			request := fmt.Sprintf("%s %s%s HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n%s\n\n", method, who, path, strings.TrimSpace(head))
			request = strings.Replace(request, "close\n\n\n", "close\n\n", 1)
			conn := gatewaytest.Dial(t, s.Address())
			conn.Send(t, gatewaytest.CRLF(request)+body)
			all, err := io.ReadAll(conn.In)
			if err != nil {
				t.Fatal(err)
			}
			seen[i] = withoutDates(string(all))
		}
		if seen[0] != seen[1] || seen[0] == "" {
			t.Errorf("%s: seen is\n%.900s\nand with transport http\n%.900s", name, seen[1], seen[0])
		}
	}
}

// withoutDates leaves out what is the time.
func withoutDates(answer string) string {
	var kept strings.Builder
	for line := range strings.Lines(answer) {
		if !strings.HasPrefix(line, "Date: ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
}

// A POST that no app has got is tried at the next one, with its body.
func TestAnAppThatIsNotThereIsPassedOver(t *testing.T) {
	address := app(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: address, Routes: `reverse_proxy ` + nobody(t) + ` {upstream} {
		lb_policy round_robin
		lb_retries 3
		transport sidegate
	}`})
	c := s.Client(t)
	for _, body := range []string{"a=b", "a=b", strings.Repeat("p", 100000), strings.Repeat("p", 100000), "", ""} {
		if a := c.Do(http.MethodPost, "/echo", body).Want(t, http.StatusOK); !strings.Contains(a.Body, fmt.Sprintf("%q", body)) {
			t.Errorf("the app got %.100s", a.Body)
		}
	}
}

// What an app may have got is not tried at the next one.
func TestAPostThatAnAppMayHaveGotIsNotTriedAgain(t *testing.T) {
	address := app(t)
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: address, Routes: `reverse_proxy {upstream} ` + up.Address() + ` {
		lb_policy first
		lb_retries 3
		fail_duration 1m
		transport sidegate
	}`})
	c := s.Client(t)
	c.Do(http.MethodPost, "/raw/mute", "a=b").Want(t, http.StatusBadGateway)
	if n := up.Count(); n > 0 {
		t.Errorf("the other app got %d", n)
	}
	// It has failed: passive health checks know it.
	c.Do(http.MethodPost, "/any", "a=b").Want(t, http.StatusOK)
	if n := up.Count(); n != 1 {
		t.Errorf("the other app got %d", n)
	}
}

func TestActiveHealthChecksGoThroughIt(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Routes: `reverse_proxy ` + nobody(t) + ` {upstream} {
		lb_policy first
		health_uri /well
		health_interval 50ms
		transport sidegate {
			dial_timeout 1s
			max_conns_per_host 2
		}
	}`})
	c := s.Client(t)
	gatewaytest.Await(t, "the app that is there is well, and the other is not", func() bool {
		return c.Get("/").StatusCode == http.StatusOK
	})
	asked := func() (n int) {
		for _, r := range up.Since(0) {
			if r.URL.Path == "/well" {
				n++
			}
		}
		return n
	}
	before := asked()
	gatewaytest.Await(t, "it is asked again", func() bool { return asked() > before+1 })
}

func TestAnAppBehindASocketHasTheIdentity(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	up := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("X-Session-Email"), r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Of-Ours"))
	})}}
	up.Start()
	t.Cleanup(up.Close)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: "unix/" + socket, Routes: `session_endpoints
	session_auth
	reverse_proxy {upstream} {
		header_up X-Of-Ours 1
		transport sidegate
	}`})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	for range 3 {
		if a := c.Get("/").Want(t, http.StatusOK); a.Body != gatewaytest.Ada+s.Address()+"1" {
			t.Errorf("the app got %s", a.Body)
		}
	}
}

func TestAWebsocketGoesThroughIt(t *testing.T) {
	upgrader := websocket.Upgrader{}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.WriteMessage(websocket.TextMessage, []byte("welcome")) // right behind the 101
		for {
			kind, said, err := conn.ReadMessage()
			if err != nil {
				return
			}
			_ = conn.WriteMessage(kind, said)
		}
	}))
	t.Cleanup(up.Close)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://"), Routes: "reverse_proxy {upstream} {\ntransport sidegate {\nmax_conns_per_host 1\n}\n}"})
	for range 3 {
		conn, resp, err := websocket.DefaultDialer.Dial("ws://"+s.Address()+"/live", nil)
		if err != nil {
			t.Fatal(err, resp)
		}
		for _, said := range []string{"", "hello", strings.Repeat("long ", 50000)} {
			if said != "" {
				_ = conn.WriteMessage(websocket.BinaryMessage, []byte(said))
			} else {
				said = "welcome"
			}
			if _, got, err := conn.ReadMessage(); err != nil || string(got) != said {
				t.Errorf("got %.50q, %v", got, err)
			}
		}
		t.Cleanup(func() { conn.Close() })
	}
}

// The app sends an event when the client has the one before it.
func TestEventsArriveAsTheyAreSent(t *testing.T) {
	got := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-got:
			case <-r.Context().Done():
				return
			}
		}
		<-r.Context().Done() // until the client leaves
		close(got)
	}))
	t.Cleanup(up.Close)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: strings.TrimPrefix(up.URL, "http://"), Routes: "reverse_proxy {upstream} {\nflush_interval -1\ntransport sidegate\n}"})
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := in.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("got %q, %v", line, err)
		}
		_, _ = in.ReadString('\n')
		got <- struct{}{}
	}
	resp.Body.Close()
	<-got // the app knows that the client has left
}
