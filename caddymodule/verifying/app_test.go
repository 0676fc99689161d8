package verifying_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// accept answers the key of the websockets of these tests (RFC 6455 section 1.3).
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

// app is what stands behind a proxy: it remembers the requests that it got, and
// switches to whatever protocol it is asked for.
type app struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newApp(t *testing.T) *app {
	a := new(app)
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	a.mu.Lock()
	a.seen = append(a.seen, r)
	a.mu.Unlock()
	if r.Header.Get("Upgrade") == "" {
		fmt.Fprintln(w, "app")
		return
	}
	c, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Accept: %s\r\n\r\n%s\n",
		r.Header.Get("Upgrade"), accept, r.Header.Get("X-Session-Email"))
	_, _ = io.Copy(c, in) // until the client has had enough
}

func (a *app) address() string { return strings.TrimPrefix(a.URL, "http://") }

func (a *app) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

// last is the newest request that came.
func (a *app) last(t *testing.T) *http.Request {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) == 0 {
		t.Fatal("the app was asked nothing")
	}
	return a.seen[len(a.seen)-1]
}
