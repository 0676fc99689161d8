package source_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/source"
)

// canary is in every question of these tests, and in no error.
const canary = "hunter2hunter2"

func ask(ctx context.Context, t *testing.T, transport http.RoundTripper, url string) (source.Answer, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(canary))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Secret", canary)
	answer, err := source.Ask(ctx, source.Who{Kind: source.Directory, Name: "crm"}, transport, r)
	if err != nil && strings.Contains(err.Error(), canary) {
		t.Errorf("the error shows what was sent: %v", err)
	}
	return answer, err
}

func newTransport(t *testing.T, roots *x509.CertPool) *http.Transport {
	transport := source.NewTransport(roots)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// serveRaw answers every connection with those bytes, whatever it is asked.
func serveRaw(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			c.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/"
}

func TestAnAnswerIsReadWhole(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", "app")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.Copy(w, r.Body)
	})
	answer, err := ask(t.Context(), t, newTransport(t, nil), server.URL)
	if err != nil || answer.Status != http.StatusTeapot || answer.Header.Get("X-From") != "app" || string(answer.Body) != canary {
		t.Fatalf("got %+v, %v", answer, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		})
		answer, err := ask(t.Context(), t, newTransport(t, nil), server.URL)
		if err != nil || answer.Status != status {
			t.Fatalf("%d: got %+v, %v", status, answer, err)
		}
	}
}

// Loopback is never asked by proxy, and the environment is read once in a
// process: what can be seen is that nothing is asked for a proxy.
func TestTheEnvironmentNamesNoProxy(t *testing.T) {
	if newTransport(t, nil).Proxy != nil {
		t.Fatal("HTTP_PROXY would see the credentials of every sign-in")
	}
}

func TestAnswersAreCapped(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		want error
	}{
		{"as much as is allowed is read", source.MaxAnswer, nil},
		{"one byte more is refused", source.MaxAnswer + 1, source.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", c.size)) })
			answer, err := ask(t.Context(), t, newTransport(t, nil), server.URL)
			if !errors.Is(err, c.want) || err == nil && len(answer.Body) != c.size || answer.Status != http.StatusOK {
				t.Fatalf("got %d bytes, %v", len(answer.Body), err)
			}
		})
	}
	t.Run("a compressed answer is not asked for", func(t *testing.T) {
		server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "" {
				t.Errorf("Accept-Encoding is %q", got)
			}
		})
		if _, err := ask(t.Context(), t, newTransport(t, nil), server.URL); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("headers without end are refused", func(t *testing.T) {
		url := serveRaw(t, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Long: "+strings.Repeat("x", 1000)+"\r\n", 200)+"\r\n")
		if _, err := ask(t.Context(), t, newTransport(t, nil), url); !errors.Is(err, source.ErrNetwork) {
			t.Fatalf("got %v", err)
		}
	})
}

// A source that sends the question back, where net/http would quote it.
func TestWhatIsNoHTTPIsNotShown(t *testing.T) {
	const some, none = true, false // of an answer came
	for _, c := range []struct {
		name, answer string
		came         bool
		status       int
	}{
		{"as the status line", canary + "\r\n\r\n", some, 0},
		{"as the status", "HTTP/1.1 " + canary + " OK\r\n\r\n", some, 0},
		{"as a header that is none", "HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n", some, 0},
		{"as the length", "HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n", some, 0},
		{"as the encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n", some, 0},
		{"as the size of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n", some, 200},
		{"with the connection closed in the middle", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + canary, some, 200},
		{"with nothing at all", "", none, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, err := ask(t.Context(), t, newTransport(t, nil), serveRaw(t, c.answer))
			if !errors.Is(err, source.ErrNetwork) || errors.Is(err, source.ErrNotReached) {
				t.Fatalf("got %v, want ErrNetwork", err)
			}
			if errors.Is(err, source.ErrNotWhole) != c.came || answer.Status != c.status || answer.Body != nil {
				t.Fatalf("got %+v, %v", answer, err)
			}
		})
	}
}

func TestTroubleSaysWhatToLookAt(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct{ name, url, want string }{
		{"nobody listens", gone.URL, "connection refused"},
		{"the certificate is unknown", secure.URL, "certificate"},
		{"it does not speak TLS", strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ask(t.Context(), t, newTransport(t, nil), c.url)
			if !errors.Is(err, source.ErrNetwork) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want ErrNetwork that says %q", err, c.want)
			}
		})
	}
	t.Run("a certificate of the configured authority is fine", func(t *testing.T) {
		roots := x509.NewCertPool()
		roots.AddCert(secure.Certificate())
		if answer, err := ask(t.Context(), t, newTransport(t, roots), secure.URL); err != nil || answer.Status != http.StatusNotFound {
			t.Fatalf("got %+v, %v", answer, err)
		}
	})
}

func TestNobodyWaitsLongerThanTheContext(t *testing.T) {
	asked := make(chan struct{}, 8)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/body" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		asked <- struct{}{}
		<-r.Context().Done()
	})
	for _, path := range []string{"/", "/body"} {
		t.Run("a source that hangs at "+path+" is out of time", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := ask(ctx, t, newTransport(t, nil), server.URL+path)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, source.ErrNetwork) || !strings.Contains(err.Error(), "in time") {
				t.Fatalf("got %v", err)
			}
		})
		t.Run("a source that hangs at "+path+" is left when nobody waits", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-asked; cancel() }()
			if _, err := ask(ctx, t, newTransport(t, nil), server.URL+path); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
		})
	}
}
