package lifecycle

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

// refreshLease is how long a gateway may be gone before another takes its
// refresh over; it is renewed three times as often.
const refreshLease = 15 * time.Second

// lease lets one gateway at a time refresh a session. It is renewed while the
// work goes on, and when it is lost all the same the work is given up. What
// was written under it before is fenced by the session's version.
type lease struct {
	store  sessionstore.Leases
	name   string
	holder string
}

func (l *lease) hold(ctx context.Context) (bool, error) {
	return l.store.Hold(ctx, l.name, l.holder, refreshLease)
}

// keep renews the lease until stop is called. The context that it returns ends
// when the lease was lost.
func (l *lease) keep(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		for until := time.Now().Add(refreshLease); sleep(ctx, refreshLease/3) == nil; {
			held, err := l.hold(ctx)
			switch {
			case err == nil && held:
				until = time.Now().Add(refreshLease)
			case err == nil, time.Now().After(until):
				cancel()
			}
		}
	})
	return ctx, func() { cancel(); renewing.Wait() }
}

// release gives the lease back at once; if that fails it runs out by itself.
func (l *lease) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.store.Release(ctx, l.name, l.holder)
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
