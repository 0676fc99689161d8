package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// counter is a server that counts requests by their cookie.
type counter struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen[r.Header.Get("Cookie")]++
	c.mu.Unlock()
	_, _ = w.Write([]byte("hello"))
}

func (c *counter) count(cookie string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[cookie]
}

func jobAt(t *testing.T, h http.Handler) job {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return job{
		Network: "tcp", Address: strings.TrimPrefix(server.URL, "http://"), Connections: 3,
		Request: "GET / HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + credentialMark + "\r\n\r\n",
	}
}

func TestALoadOfSomeRequests(t *testing.T) {
	c := &counter{seen: make(map[string]int)}
	j := jobAt(t, c)
	j.Requests, j.Credentials = 10, []string{"a", "b", "c", "d"}
	o, err := j.do()
	if err != nil {
		t.Fatal(err)
	}
	if o.Requests != 10 || o.Seconds <= 0 || o.P50 <= 0 || o.P99 < o.P50 {
		t.Errorf("outcome %+v", o)
	}
	for who, want := range map[string]int{"a": 3, "b": 3, "c": 2, "d": 2} {
		if got := c.count(who); got != want {
			t.Errorf("%s came %d times, want %d", who, got, want)
		}
	}
}

func TestALoadOfSomeTime(t *testing.T) {
	c := &counter{seen: make(map[string]int)}
	j := jobAt(t, c)
	j.Seconds = 0.05
	o, err := j.do()
	if err != nil || o.Requests < 1 || o.Requests != c.count(credentialMark) {
		t.Errorf("outcome %+v of %d, %v", o, c.count(credentialMark), err)
	}
}

func TestALoadAtARateSendsThatMany(t *testing.T) {
	c := &counter{seen: make(map[string]int)}
	j := jobAt(t, c)
	j.Seconds, j.Rate = 0.1, 500
	o, err := j.do()
	if err != nil || o.Requests != 50 || c.count(credentialMark) != 50 {
		t.Errorf("outcome %+v of %d, %v", o, c.count(credentialMark), err)
	}
}

// A request that was due while the server stalled waits for it, even if it
// could only be sent afterwards (coordinated omission).
func TestLatencyCountsFromWhenARequestWasDue(t *testing.T) {
	j := jobAt(t, &counter{seen: make(map[string]int)})
	w, err := dial(j.Network, j.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	l := &load{job: j, requests: j.requests(), stop: make(chan struct{}), due: make(chan time.Time, 2)}
	l.due <- time.Now().Add(-3 * time.Second)
	l.due <- time.Now().Add(-time.Second)
	close(l.due)
	took, err := l.work(w)
	if err != nil || len(took) != 2 || took[0] < 3*time.Second || took[1] < time.Second {
		t.Errorf("took %v, %v", took, err)
	}
}

func TestALoadFailsOnOneBadAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "401"},
		{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rate := range []float64{0, 1000} {
				good := &counter{seen: make(map[string]int)}
				j := jobAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Cookie") == "bad" {
						c.answer(w, r)
						return
					}
					good.ServeHTTP(w, r)
				}))
				j.Credentials = append(slices.Repeat([]string{"good"}, 20), "bad")
				j.Rate, j.Seconds = rate, 30 // it ends long before
				if _, err := j.do(); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("rate %v: error %v", rate, err)
				}
			}
		})
	}
}

func TestALoadInAProcessOfItsOwn(t *testing.T) {
	j := jobAt(t, &counter{seen: make(map[string]int)})
	j.Requests = 5
	if o, err := apply(t.Context(), j); err != nil || o.Requests != 5 {
		t.Errorf("outcome %+v, %v", o, err)
	}
	j.Address = "127.0.0.1:1"
	if _, err := apply(t.Context(), j); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
}
