package oidc

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	firstPause = time.Second     // after a failure, before the provider is asked again
	lastPause  = 8 * time.Second // the longest such pause; it doubles up to there
	againPause = 10 * time.Second
)

// errTooSoon says that the provider was asked anew a moment ago.
var errTooSoon = errors.New("asked anew less than 10 s ago")

// shared is a document of the provider that all callers share: fetched when
// first needed, by one of them for all, and kept. The zero value needs fetch
// and now.
type shared[T any] struct {
	fetch func(context.Context) (T, error)
	now   func() time.Time

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch that is under way ends
	value  T
	at     time.Time // when value came; zero if it never did
	err    error     // of the last fetch
	pause  time.Duration
	retry  time.Time // not before, after a failure
	asked  time.Time // when again last fetched
}

// within returns a value younger than age. When there is none to be had, the
// old one is better than none: only without any is there an error.
func (s *shared[T]) within(ctx context.Context, age time.Duration) (T, error) {
	s.mu.Lock()
	now := s.now()
	if !s.at.IsZero() && now.Sub(s.at) < age {
		defer s.mu.Unlock()
		return s.value, nil
	}
	value, had, err := s.await(ctx, now)
	if had {
		err = nil
	}
	return value, err
}

// again fetches anew although the value is young, at most once in ten seconds,
// so that no flood of made-up key names becomes a flood at the provider. A fetch
// that failed does not count: the pause after failures bounds those. It returns
// the newest value in every case; the error says that it may be old.
func (s *shared[T]) again(ctx context.Context) (T, error) {
	s.mu.Lock()
	now := s.now()
	if s.flight == nil && !now.Before(s.retry) {
		if s.err == nil && now.Sub(s.asked) < againPause {
			defer s.mu.Unlock()
			return s.value, errTooSoon
		}
		s.asked = now
	}
	value, _, err := s.await(ctx, now)
	return value, err
}

// mayBeAsked lets again fetch at once: what is to be fetched is at another place by
// now.
func (s *shared[T]) mayBeAsked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Time{}
}

// await joins the fetch that is under way, or begins one unless a failure is
// too recent. It returns the newest value, if there is any, and how the fetch
// went. The lock is held when it is called, and not when it returns.
func (s *shared[T]) await(ctx context.Context, now time.Time) (value T, had bool, err error) {
	defer s.mu.Unlock()
	if s.flight == nil {
		if now.Before(s.retry) {
			return s.value, !s.at.IsZero(), s.err
		}
		s.flight = make(chan struct{})
		// A browser that goes away must not fail the others' fetch.
		go s.run(context.WithoutCancel(ctx))
	}
	flight := s.flight
	s.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		err = because(ErrUnavailable, "nobody waits for it any longer: %w", ctx.Err())
	}
	s.mu.Lock()
	if err == nil {
		err = s.err
	}
	return s.value, !s.at.IsZero(), err
}

func (s *shared[T]) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.flight)
	s.flight, s.err = nil, err
	if err != nil {
		s.pause = min(max(2*s.pause, firstPause), lastPause)
		s.retry = s.now().Add(s.pause)
		return
	}
	s.value, s.at, s.pause, s.retry = value, s.now(), 0, time.Time{}
}
