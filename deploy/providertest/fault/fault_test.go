package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/deploy/providertest/fault"
)

// server answers {"n":12345678901234567890,"said":"hello"} at a point that can
// be broken, and tells each time that it was asked.
type server struct {
	*httptest.Server
	fault.Point
	asked chan string // the bodies that it was asked with
}

const said = `{"n":12345678901234567890,"said":"hello"}`

func start(t *testing.T) *server {
	s := &server{asked: make(chan string, 16)}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.asked <- string(body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, said)
	})
	s.Server = httptest.NewServer(s.Around(handler))
	t.Cleanup(s.Close)
	return s
}

func (s *server) get(ctx context.Context) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader("question"))
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // which follows no redirect
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// awaitOne waits until a request has arrived.
func (s *server) awaitOne() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.Count() == 0 {
		<-tick.C
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	upper := fault.JSON(func(o map[string]any) { o["said"] = "HELLO" })
	failed := fault.Rewrite(func(_ *http.Request, a *fault.Answer) { a.Status = http.StatusTeapot })
	for _, c := range []struct {
		name   string
		fault  fault.Fault
		status int    // 0 for no answer, or not all of it
		want   string // that the body has
		asked  bool   // whether the handler was
	}{
		{"a status instead of the answer", fault.Status(503), 503, "Service Unavailable", false},
		{"a page instead of the answer", fault.HTML(), 200, "<!doctype html>", false},
		{"a redirect instead of the answer", fault.Redirected("https://evil.example.com/"), 302, "", false},
		{"far too much instead of the answer", fault.Huge(1 << 20), 200, strings.Repeat("x", 1<<20), false},
		{"a connection that ends before the answer", fault.Refused(), 0, "", false},
		{"half an answer as if it were all", fault.Truncated(), 200, said[:len(said)/2], true},
		{"a connection that ends in the middle of the answer", fault.Dropped(), 0, "", true},
		{"another answer, with its numbers kept", upper, 200, `{"n":12345678901234567890,"said":"HELLO"}`, true},
		{"a late answer", fault.SlowAnswer(time.Millisecond), 200, said, true},
		{"a late question", fault.Slow(time.Millisecond), 200, said, true},
		{"several at once, the first outermost", fault.All(failed, upper), 418, "HELLO", true},
		{"a change of objects, which leaves failures alone", fault.All(upper, failed), 418, said, true},
		{"a change of objects, which leaves pages alone", fault.All(upper, fault.HTML()), 200, "<!doctype html>", false},
		{"a change that no JSON can say, which says so", fault.JSON(func(o map[string]any) { o["f"] = func() {} }), 500, "func()", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.Break(c.fault)
			status, body, err := s.get(t.Context())
			if (err != nil) != (c.status == 0) || err == nil && (status != c.status || !strings.Contains(body, c.want)) {
				t.Errorf("%d %.80q %v", status, body, err)
			}
			if c.status == 200 && strings.HasPrefix(c.want, "xx") && !json.Valid([]byte(body)) {
				t.Error("it is no JSON")
			}
			if got := len(s.asked) == 1; got != c.asked {
				t.Errorf("the handler was asked: %v", got)
			}
			s.Mend()
			if status, body, err := s.get(t.Context()); err != nil || status != 200 || body != said {
				t.Errorf("mended: %d %q %v", status, body, err)
			}
			if s.Count() != 2 {
				t.Errorf("%d requests", s.Count())
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Break(fault.Times(2, fault.Status(503)))
	for i, want := range []int{503, 503, 200, 200} {
		if status, _, err := s.get(t.Context()); status != want || err != nil {
			t.Errorf("request %d: %d %v", i, status, err)
		}
	}
}

// A client that leaves a slow server has asked all the same.
func TestTheWorkIsDoneAlthoughTheClientHasGone(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]func(<-chan struct{}) fault.Fault{"before it": fault.Held, "after it": fault.HeldAnswer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			gate := make(chan struct{})
			s.Break(held(gate))
			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan error)
			go func() {
				_, _, err := s.get(ctx)
				gone <- err
			}()
			if name == "after it" {
				<-s.asked
			} else {
				s.awaitOne()
			}
			leave()
			if err := <-gone; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			close(gate)
			if name == "before it" {
				if body := <-s.asked; body != "question" {
					t.Errorf("it was asked with %q", body)
				}
			}
		})
	}
}
