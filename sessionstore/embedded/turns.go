package embedded

import (
	"context"
	"sync"
)

// turns lets any number write, or one have the file alone. The zero value is ready
// for use.
type turns struct {
	mu      sync.Mutex
	writing int
	alone   chan struct{} // closed when who has the file alone is done; nil: nobody
	quiet   chan struct{} // closed by the last who writes; nil: nobody waits for that
}

// enter waits until nobody has the file alone, or ctx ends.
func (t *turns) enter(ctx context.Context) error {
	for {
		t.mu.Lock()
		alone := t.alone
		if alone == nil {
			t.writing++
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		select {
		case <-alone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writing--; t.writing == 0 && t.quiet != nil {
		close(t.quiet)
		t.quiet = nil
	}
}

// takeAlone lets nobody else begin to write, and waits until those who do are done.
// It is for one at a time; giveBack ends it.
func (t *turns) takeAlone(ctx context.Context) error {
	t.mu.Lock()
	t.alone = make(chan struct{})
	quiet := make(chan struct{})
	if t.writing == 0 {
		close(quiet)
	} else {
		t.quiet = quiet
	}
	t.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		t.giveBack()
		return ctx.Err()
	}
}

func (t *turns) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.alone)
	t.alone, t.quiet = nil, nil
}
