package endpoint

import (
	"errors"
	"io"
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
