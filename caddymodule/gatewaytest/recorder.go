package gatewaytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Recorder is an upstream that remembers the requests it got.
type Recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

// NewRecorder runs one until the test ends.
func NewRecorder(t testing.TB) *Recorder {
	r := new(Recorder)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.seen = append(r.seen, req)
		r.mu.Unlock()
		fmt.Fprintln(w, "upstream")
	}))
	t.Cleanup(r.Close)
	return r
}

// Address is its host and port.
func (r *Recorder) Address() string { return strings.TrimPrefix(r.URL, "http://") }

// Last returns the newest request that the upstream got, or nil.
func (r *Recorder) Last() *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == 0 {
		return nil
	}
	return r.seen[len(r.seen)-1]
}

// Since returns the requests that came after the first n.
func (r *Recorder) Since(n int) []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen[n:])
}

// Count is how many requests there were.
func (r *Recorder) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}
