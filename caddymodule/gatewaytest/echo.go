package gatewaytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Echo is an upstream that says in its answer's headers what it has seen.
type Echo struct {
	*httptest.Server
	Arrived atomic.Int64  // requests to /slow
	Release chan struct{} // lets them be answered
}

// NewEcho runs one until the test ends.
func NewEcho(t testing.TB) *Echo {
	e := &Echo{Release: make(chan struct{})}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, header := range map[string]string{
			"Seen-User": "X-Session-User-Id", "Seen-Email": "X-Session-Email", "Seen-Round": "X-Round",
		} {
			w.Header()[name] = r.Header[header]
		}
		if strings.HasPrefix(r.URL.Path, "/slow") {
			e.Arrived.Add(1)
			Hold(r, e.Release)
		}
		fmt.Fprintln(w, "upstream")
	}))
	t.Cleanup(e.Close)
	return e
}

// Address is its host and port.
func (e *Echo) Address() string { return strings.TrimPrefix(e.URL, "http://") }
