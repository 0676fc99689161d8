package caddymodule

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// hall is where messages are heard, at once and in the caller's goroutine.
type hall struct {
	changed func(sessionstore.Key)
	gap     func()
}

var errHallClosed = errors.New("the hall is closed")

func (h *hall) Notify(_ context.Context, changed func(sessionstore.Key), gap func()) error {
	h.changed, h.gap = changed, gap
	return errHallClosed
}

// listening are echoes in a hall, by a clock of their own.
type listening struct {
	*echoes
	hall     *hall
	clock    time.Time
	observed []float64
	changed  []sessionstore.Key
	gaps     int
}

func newListening(t *testing.T) *listening {
	t.Helper()
	l := &listening{hall: new(hall), clock: time.Unix(1_700_000_000, 0)}
	l.echoes = newEchoes(l.hall, func() time.Time { return l.clock }, func(s float64) { l.observed = append(l.observed, s) })
	err := l.Notify(t.Context(), func(key sessionstore.Key) {
		if len(l.observed) > len(l.changed) {
			t.Error("the delay was measured before the session was dropped")
		}
		l.changed = append(l.changed, key)
	}, func() { l.gaps++ })
	if !errors.Is(err, errHallClosed) {
		t.Fatalf("Notify answers %v; want what ended it", err)
	}
	return l
}

// pass lets time pass.
func (l *listening) pass(d time.Duration) { l.clock = l.clock.Add(d) }

func (l *listening) want(t *testing.T, seconds ...float64) {
	t.Helper()
	if !slices.Equal(l.observed, seconds) {
		t.Errorf("measured %v s; want %v", l.observed, seconds)
	}
}

func TestEchoes(t *testing.T) {
	key := sessionstore.NewSecret(1).Key()
	t.Run("a sign-out is measured until its message is heard", func(t *testing.T) {
		l := newListening(t)
		l.send(key)
		l.pass(250 * time.Millisecond)
		l.hall.changed(key)
		l.want(t, 0.25)
		if !slices.Equal(l.changed, []sessionstore.Key{key}) {
			t.Errorf("told of %v", l.changed)
		}
	})
	t.Run("a message that is repeated is measured once", func(t *testing.T) {
		l := newListening(t)
		l.send(key)
		l.hall.changed(key)
		l.pass(time.Second)
		l.hall.changed(key)
		l.want(t, 0)
		if len(l.changed) != 2 {
			t.Errorf("told of %d messages; want 2", len(l.changed))
		}
	})
	t.Run("two who end one session wait for one message, from the first on", func(t *testing.T) {
		l := newListening(t)
		l.send(key)
		l.pass(time.Second)
		l.send(key)
		l.pass(time.Second)
		l.hall.changed(key)
		l.want(t, 2)
	})
	t.Run("messages of others are passed on and not measured", func(t *testing.T) {
		l := newListening(t)
		l.hall.changed(key)
		l.want(t)
		if len(l.changed) != 1 {
			t.Error("the message was kept back")
		}
	})
	t.Run("a sign-out that failed is not waited for", func(t *testing.T) {
		l := newListening(t)
		l.send(key)
		l.forget(key)
		l.hall.changed(key)
		l.want(t)
	})
	t.Run("what was sent before a gap may never be heard", func(t *testing.T) {
		l := newListening(t)
		l.send(key)
		l.hall.gap()
		l.pass(time.Hour)
		l.hall.changed(key)
		l.want(t)
		if l.gaps != 1 {
			t.Errorf("told of %d gaps; want 1", l.gaps)
		}
	})
	t.Run("what is never heard takes a bounded room", func(t *testing.T) {
		l := newListening(t)
		for i := range int64(3 * maxEchoes) {
			l.send(sessionstore.NewSecret(i).Key())
			if n := len(l.sent); n > maxEchoes {
				t.Fatalf("%d are waited for; want %d at most", n, maxEchoes)
			}
		}
		l.send(key)
		l.hall.changed(key)
		l.want(t, 0)
	})
	t.Run("where nobody listens nothing happens", func(*testing.T) {
		var nobody *echoes
		nobody.send(key)
		nobody.forget(key)
	})
}

// telling is a store that tells of changes, and fails if it is told to.
type telling struct {
	shaky
	hall
}

func TestOnlySignOutsThatWereDoneAreMeasured(t *testing.T) {
	g, s := measured(t)
	store := &telling{shaky: shaky{Store: g.store}}
	g.useStore(store)
	if g.echoes == nil {
		t.Fatal("nobody listens to a store that tells of changes")
	}
	_ = g.echoes.Notify(t.Context(), func(sessionstore.Key) {}, func() {})
	store.failures = 1
	if err := g.end(t.Context(), s.Key); err == nil {
		t.Fatal("a sign-out that failed is said to be done")
	}
	if n := len(g.echoes.sent); n != 0 {
		t.Errorf("%d messages are waited for that nobody has sent", n)
	}
	g.echoes.send(s.Key)
	store.changed(s.Key)
	if n := valueOf(t, g.app.metrics.revocationDelay); n != 1 {
		t.Errorf("%v delays were measured; want 1", n)
	}
}
