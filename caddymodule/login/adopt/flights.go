package adopt

import (
	"context"
	"sync"
	"time"
)

// mostRemembered bounds of how many cookies a Flights remembers what they came to,
// twice over.
const mostRemembered = 20_000

// Flights find out what cookies come to: once for all requests that present them at
// the same time, and what was found is remembered for a while, by the digest of the
// cookies. It may be used concurrently.
type Flights[T any] struct {
	now func() time.Time

	mu        sync.Mutex
	underWay  map[string]*flight[T]
	remembers [2]map[string]memory[T] // the younger ones first
}

type memory[T any] struct {
	what  T
	until time.Time
}

type flight[T any] struct {
	done chan struct{}
	what T
}

// NewFlights goes by that clock.
func NewFlights[T any](now func() time.Time) *Flights[T] {
	f := &Flights[T]{now: now, underWay: make(map[string]*flight[T])}
	f.remembers[0] = make(map[string]memory[T])
	return f
}

// Do returns what is remembered of the digest, or what find finds, whose call goes on
// when the one who began it has gone. find says what is remembered of it, and for how
// long. The error is the context's.
func (f *Flights[T]) Do(ctx context.Context, digest string, find func() (found, remembered T, life time.Duration)) (T, error) {
	f.mu.Lock()
	if m, ok := f.recall(digest); ok {
		f.mu.Unlock()
		return m, nil
	}
	fl := f.underWay[digest]
	if fl == nil {
		fl = &flight[T]{done: make(chan struct{})}
		f.underWay[digest] = fl
		go f.fly(digest, fl, find)
	}
	f.mu.Unlock()
	select {
	case <-fl.done:
		return fl.what, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (f *Flights[T]) fly(digest string, fl *flight[T], find func() (found, remembered T, life time.Duration)) {
	found, remembered, life := find()
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.what = found
	delete(f.underWay, digest)
	f.remember(digest, remembered, life)
	close(fl.done)
}

// Forget forgets what is remembered of the digest.
func (f *Flights[T]) Forget(digest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, of := range f.remembers {
		delete(of, digest)
	}
}

func (f *Flights[T]) recall(digest string) (what T, ok bool) {
	for _, of := range f.remembers {
		if m, there := of[digest]; there && f.now().Before(m.until) {
			return m.what, true
		}
	}
	return what, false
}

func (f *Flights[T]) remember(digest string, what T, life time.Duration) {
	if life <= 0 {
		return
	}
	if len(f.remembers[0]) >= mostRemembered {
		f.remembers[1], f.remembers[0] = f.remembers[0], make(map[string]memory[T])
	}
	delete(f.remembers[1], digest) // it is older
	f.remembers[0][digest] = memory[T]{what, f.now().Add(life)}
}
