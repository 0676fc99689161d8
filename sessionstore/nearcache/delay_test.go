package nearcache_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// hall is where messages are heard, at once and in the caller's goroutine.
type hall struct {
	changed func(sessionstore.Key)
	gap     func()
	entered chan struct{}
}

func (h *hall) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	h.changed, h.gap = changed, gap
	close(h.entered)
	<-ctx.Done()
	return ctx.Err()
}

// listening is a cache that follows a hall and measures.
type listening struct {
	*bench
	*hall
	observed []time.Duration
}

func newListening(t *testing.T) *listening {
	t.Helper()
	l := &listening{hall: &hall{entered: make(chan struct{})}}
	l.bench = newBench(t, nearcache.Options{TTL: time.Hour, ObserveDelay: func(d time.Duration) { l.observed = append(l.observed, d) }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.follow(ctx, l.hall) }()
	t.Cleanup(func() { cancel(); <-ended })
	<-l.entered
	return l
}

// revokes ends the session of that key here, which succeeds.
func (l *listening) revokes(key sessionstore.Key) {
	l.Helper()
	l.must(storetest.End(l.Context(), l.cache, key))
}

func (l *listening) want(delays ...time.Duration) {
	l.Helper()
	if !slices.Equal(l.observed, delays) {
		l.Errorf("measured %v; want %v", l.observed, delays)
	}
}

func TestRevocationDelay(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(l *listening, key sessionstore.Key)
	}{
		{"is measured until the message is heard", func(l *listening, key sessionstore.Key) {
			l.revokes(key)
			l.clock.Advance(250 * time.Millisecond)
			l.changed(key)
			l.want(250 * time.Millisecond)
		}},
		{"is measured once when the message is repeated", func(l *listening, key sessionstore.Key) {
			l.revokes(key)
			l.changed(key)
			l.clock.Advance(time.Second)
			l.changed(key)
			l.want(0)
		}},
		{"of two who end one session is one, from the first on", func(l *listening, key sessionstore.Key) {
			l.revokes(key)
			l.clock.Advance(time.Second)
			l.revokes(key)
			l.clock.Advance(time.Second)
			l.changed(key)
			l.want(2 * time.Second)
		}},
		{"of others is none of ours", func(l *listening, key sessionstore.Key) {
			l.changed(key)
			l.want()
		}},
		{"of a revocation that failed is not waited for", func(l *listening, key sessionstore.Key) {
			l.store.down.Store(true)
			if err := storetest.End(l.Context(), l.cache, key); !errors.Is(err, errDown) {
				l.Fatalf("the failure is answered with %v", err)
			}
			l.changed(key)
			l.want()
		}},
		{"is given up with a gap: the message may never be heard", func(l *listening, key sessionstore.Key) {
			l.revokes(key)
			l.gap()
			l.clock.Advance(time.Hour)
			l.changed(key)
			l.want()
		}},
		{"is still measured after many that were never heard", func(l *listening, key sessionstore.Key) {
			for i := range int64(5000) {
				l.revokes(sessionstore.NewSecret(i).Key())
			}
			l.revokes(key)
			l.changed(key)
			l.want(0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(newListening(t), sessionstore.NewSecret(ada).Key()) })
	}
	t.Run("is told when the session has been dropped already", func(t *testing.T) {
		l := newListening(t)
		s := l.cached(ada)
		l.revokes(s.Key)
		l.store.down.Store(true)
		held := false
		l.observed = nil
		l.changed(s.Key)
		if _, err := l.cache.Lookup(l.Context(), s.Key); err == nil {
			held = true
		}
		if held || len(l.observed) != 1 {
			t.Errorf("held: %v, measured %v", held, l.observed)
		}
	})
}
