package endpoint

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

// held is a body whose bytes come one at a time, after a pause; giving up ends
// the wait.
type held struct {
	text   string
	pause  time.Duration
	giveUp chan struct{}
}

func (h *held) Read(p []byte) (int, error) {
	if h.text == "" {
		return 0, io.EOF
	}
	select {
	case <-time.After(h.pause):
		n := copy(p, h.text[:1])
		h.text = h.text[1:]
		return n, nil
	case <-h.giveUp:
		return 0, errors.New("i/o timeout")
	}
}

func (*held) Close() error { return nil }

func TestTheWholeBodyComesWithinItsTime(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration
		took  time.Duration
		late  bool
	}{
		{"one that comes at once is read", 0, 0, false},
		{"one that comes in time is read", 2 * time.Second, 8 * time.Second, false},
		{"one that goes on and on is given up", 3 * time.Second, 10 * time.Second, true},
		{"one that does not come is given up", time.Hour, 10 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &held{text: "body", pause: c.pause, giveUp: make(chan struct{})}
				b, stop := timeBody(h, refusal.BodyTime, func() { close(h.giveUp) })
				defer stop()
				began := time.Now()
				text, err := io.ReadAll(b)
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %v; want %v", took, c.took)
				}
				if errors.Is(err, errSlow) != c.late || !c.late && (err != nil || string(text) != "body") {
					t.Errorf("%q, %v", text, err)
				}
			})
		})
	}
	t.Run("what has come is not late afterwards", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, stop := timeBody(io.NopCloser(strings.NewReader("body")), refusal.BodyTime, func() { t.Error("given up") })
			defer stop()
			if _, err := io.ReadAll(b); err != nil {
				t.Error(err)
			}
			<-time.After(2 * refusal.BodyTime)
		})
	})
}

// Caddy puts something around every body, one of no bytes too.
func TestARequestWithoutABodyIsNotTimed(t *testing.T) {
	around := func(body io.Reader) io.ReadCloser { return struct{ io.ReadCloser }{io.NopCloser(body)} }
	for _, c := range []struct {
		name   string
		method string
		body   io.ReadCloser
		length int64
		reads  bool
		want   bool
	}{
		{"a GET without a body is not", http.MethodGet, http.NoBody, 0, false, false},
		{"nor is one that something is around", http.MethodGet, around(http.NoBody), 0, false, false},
		{"a GET with a body is", http.MethodGet, around(strings.NewReader("body")), 4, false, true},
		{"a body whose length nobody knows is", http.MethodGet, around(strings.NewReader("body")), -1, false, true},
		{"a POST that says it has none is, where the route reads it", http.MethodPost, around(strings.NewReader("body")), 0, true, true},
		{"and is not where nobody does", http.MethodPost, around(http.NoBody), 0, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &http.Request{Method: c.method, Body: c.body, ContentLength: c.length}
			if got := mayHaveBody(r, Route{Reads: c.reads}); got != c.want {
				t.Errorf("it may have a body: %v; want %v", got, c.want)
			}
		})
	}
}

// deadlines are those that a writer was given.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestAPageIsTakenWithinItsTimeAndTheNextAnswerHasItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(deadlines)
		takenInTime(w)()
		if len(w.set) != 2 || !w.set[0].Equal(time.Now().Add(pageTime)) || !w.set[1].IsZero() {
			t.Errorf("the deadlines are %v", w.set)
		}
	})
}
