package directory_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile/directory"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// flaky answers with one step after the other, and with the last one for ever.
func flaky(t *testing.T, asked *atomic.Int32, steps ...http.HandlerFunc) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		i := min(int(asked.Add(1)), len(steps)) - 1
		steps[i](w, r)
	})
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		c.Close()
	}
}

// halfway breaks off within the answer.
func halfway(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"half":`)
	panic(http.ErrAbortHandler)
}

func later(status int, after string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
	}
}

func TestRetries(t *testing.T) {
	fine := answer(200, `{"n":1}`)
	date := time.Date(2030, 1, 1, 0, 0, 7, 0, time.UTC)
	for _, c := range []struct {
		name    string
		retries int
		steps   []http.HandlerFunc
		asked   int32
		pauses  []time.Duration // 0 for a drawn one
		fails   bool
	}{
		{"what is fine is asked once", 0, []http.HandlerFunc{fine}, 1, nil, false},
		{"bad gateways pass", 0, []http.HandlerFunc{answer(502, ""), answer(504, ""), fine}, 3, []time.Duration{0, 0}, false},
		{"a restart passes", 0, []http.HandlerFunc{answer(503, ""), fine}, 2, []time.Duration{0}, false},
		{"a connection that breaks off passes", 0, []http.HandlerFunc{hangUp, fine}, 2, []time.Duration{0}, false},
		{"an answer that breaks off passes", 0, []http.HandlerFunc{halfway, fine}, 2, []time.Duration{0}, false},
		{"two retries are the most unless configured", 0, []http.HandlerFunc{answer(503, "")}, 3, []time.Duration{0, 0}, true},
		{"as many as are configured", 5, []http.HandlerFunc{answer(503, "")}, 6, make([]time.Duration, 5), true},
		{"below zero there are none", -1, []http.HandlerFunc{answer(503, ""), fine}, 1, nil, true},
		{"a failure is no passing trouble", 0, []http.HandlerFunc{answer(500, ""), fine}, 1, nil, true},
		{"nobody is certain", 0, []http.HandlerFunc{answer(404, ""), fine}, 1, nil, true},
		{"a wrong answer is not asked for again", 0, []http.HandlerFunc{answer(200, "<html>"), fine}, 1, nil, true},
		{"another person is not asked for again", 0, []http.HandlerFunc{answer(200, `{"email":"grace@example.com"}`), fine}, 1, nil, true},
		{"a limit that says when it is over is waited for", 0, []http.HandlerFunc{later(429, "3"), fine}, 2, []time.Duration{3 * time.Second}, false},
		{"a limit may be over at a date", 0, []http.HandlerFunc{later(429, date.Format(http.TimeFormat)), fine}, 2, []time.Duration{7 * time.Second}, false},
		{"a date that is past is now", 0, []http.HandlerFunc{later(429, date.Add(-time.Hour).Format(http.TimeFormat)), fine}, 2, []time.Duration{-1}, false},
		{"a restart that says when it is over is waited for", 0, []http.HandlerFunc{later(503, "2"), fine}, 2, []time.Duration{2 * time.Second}, false},
		{"a limit that does not say when is not asked again", 0, []http.HandlerFunc{answer(429, ""), fine}, 1, nil, true},
		{"a limit that says nonsense is not asked again", 0, []http.HandlerFunc{later(429, "-1"), fine}, 1, nil, true},
		{"a limit beyond the time-out is not waited for", 0, []http.HandlerFunc{later(429, "61"), fine}, 1, nil, true},
		{"a limit beyond all time is not waited for", 0, []http.HandlerFunc{later(429, "99999999999999999999"), fine}, 1, nil, true},
		{"a restart beyond the time-out is not waited for", 0, []http.HandlerFunc{later(503, "3600"), fine}, 1, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			d := newDirectory(t, directory.Config{
				URL: flaky(t, &asked, c.steps...), Retries: c.retries,
				Now: func() time.Time { return date.Add(-7 * time.Second) },
			})
			var pauses []time.Duration
			d.SetWait(func(_ context.Context, pause time.Duration) error { pauses = append(pauses, pause); return nil })
			got, err := consult(t, d)
			if (err != nil) != c.fails || asked.Load() != c.asked || len(pauses) != len(c.pauses) {
				t.Fatalf("got %v, %v after %d attempts with pauses %v", got, err, asked.Load(), pauses)
			}
			checkPauses(t, pauses, c.pauses)
		})
	}
}

func checkPauses(t *testing.T, pauses, want []time.Duration) {
	t.Helper()
	most := 50 * time.Millisecond
	for i, pause := range pauses {
		switch {
		case want[i] > 0 && pause != want[i]:
			t.Errorf("pause %d is %v, want %v", i, pause, want[i])
		case want[i] < 0 && pause != 0:
			t.Errorf("pause %d is %v, want none", i, pause)
		case want[i] == 0 && (pause < most/2 || pause >= most):
			t.Errorf("pause %d is %v, want %v to %v", i, pause, most/2, most)
		}
		most = min(2*most, time.Second)
	}
}

func TestPausesAreDrawn(t *testing.T) {
	seen := make(map[time.Duration]bool)
	d := newDirectory(t, directory.Config{URL: serve(t, answer(503, "")), Retries: 10})
	d.SetWait(func(_ context.Context, pause time.Duration) error { seen[pause] = true; return nil })
	for range 3 {
		_, _ = consult(t, d)
	}
	if len(seen) < 20 { // 30 draws, each of millions
		t.Fatalf("%d different pauses in 30: gateways would come back together", len(seen))
	}
}

func TestADirectoryThatIsBackIsFoundAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	server := &http.Server{Handler: answer(200, `{"n":1}`)}
	t.Cleanup(func() { server.Close() })
	d := newDirectory(t, directory.Config{URL: "http://" + address + "/", Retries: 10})
	d.SetWait(func(context.Context, time.Duration) error { // nobody listens; now somebody does
		if listener, err = net.Listen("tcp", address); err != nil {
			return nil // the port is not free yet: the next attempt
		}
		go func() { _ = server.Serve(listener) }()
		return nil
	})
	if _, err := consult(t, d); err != nil {
		t.Fatal(err)
	}
}

// The time-out bounds all attempts together, and its trouble is no "no".
func TestTheTimeOutBoundsTheWholeOfAsking(t *testing.T) {
	t.Run("a directory that hangs", func(t *testing.T) {
		var asked atomic.Int32
		url := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked.Add(1); <-r.Context().Done() })
		_, err := consult(t, newDirectory(t, directory.Config{URL: url, Timeout: 50 * time.Millisecond}))
		if err == nil || !strings.Contains(err.Error(), "no answer came in time") {
			t.Fatalf("got %v", err)
		}
		if asked.Load() > 1 {
			t.Fatalf("asked %d times", asked.Load())
		}
	})
	t.Run("a directory that drips", func(t *testing.T) {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
			}
		})
		// Either the time is over first or the mebibyte is: it ends.
		if _, err := consult(t, newDirectory(t, directory.Config{URL: url, Timeout: 100 * time.Millisecond})); err == nil {
			t.Fatal("an answer without end was taken")
		}
	})
	t.Run("a directory that flaps for ever", func(t *testing.T) {
		var asked atomic.Int32
		d, err := directory.New(directory.Config{Name: "crm", URL: flaky(t, &asked, answer(503, "")), Timeout: 200 * time.Millisecond, Retries: 10})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := consult(t, d); err == nil {
			t.Fatal("it has answered")
		}
		if n := asked.Load(); n > 4 { // after 25, 50 and 100 ms at the least, 200 more are too many
			t.Fatalf("asked %d times", n)
		}
	})
	t.Run("who stops waiting between two attempts is obeyed", func(t *testing.T) {
		var asked atomic.Int32
		d, err := directory.New(directory.Config{Name: "crm", URL: flaky(t, &asked, later(503, "50")), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for asked.Load() == 0 && ctx.Err() == nil {
				tick()
			}
			cancel()
		}()
		if _, err := directory.Consult(ctx, []*directory.Directory{d}, ada(), nil); err == nil || asked.Load() != 1 {
			t.Fatalf("got %v after %d attempts", err, asked.Load())
		}
	})
}

// tick lets others run while a condition is waited for.
func tick() {
	timer := time.NewTimer(time.Millisecond)
	<-timer.C
}
