package nearcache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

var errBroken = errors.New("the subscription broke")

// notifier is a Notifier whose every subscription runs the function.
type notifier func(ctx context.Context, changed func(sessionstore.Key), gap func()) error

func (n notifier) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return n(ctx, changed, gap)
}

// wire is a subscription whose messages the test sends.
type wire struct {
	changed chan sessionstore.Key
	gap     chan struct{}
	broken  chan error
}

func newWire() *wire {
	return &wire{make(chan sessionstore.Key), make(chan struct{}), make(chan error)}
}

func (w *wire) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	gap()
	for {
		select {
		case key := <-w.changed:
			changed(key)
		case <-w.gap:
			gap()
		case err := <-w.broken:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow has the cache hear what the notifier tells.
func (b *bench) follow(ctx context.Context, n sessionstore.Notifier) {
	sessionstore.Follow(ctx, n, sessionstore.Listener{Changed: b.cache.Heard, Missed: b.cache.Missed})
}

// following runs a test beside a cache that follows a wire.
func following(t *testing.T, opts nearcache.Options, test func(b *bench, w *wire)) {
	synctest.Test(t, func(t *testing.T) {
		b, w := newBench(t, opts), newWire()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.follow(ctx, w) }()
		synctest.Wait()
		test(b, w)
		cancel()
		<-ended
	})
}

func TestHearing(t *testing.T) {
	hour := nearcache.Options{TTL: time.Hour}
	t.Run("a message forgets its session and no other", func(t *testing.T) {
		following(t, hour, func(b *bench, w *wire) {
			s, other := b.cached(ada), b.cached(ada)
			b.revokeElsewhere(s.Key)
			b.holds(s.Key)
			w.changed <- s.Key
			synctest.Wait()
			b.fails(s.Key, sessionstore.ErrNotFound)
			b.holds(other.Key)
		})
	})
	t.Run("a message also forgets that there was none", func(t *testing.T) {
		following(t, hour, func(b *bench, w *wire) {
			s := b.session(ada)
			b.fails(s.Key, sessionstore.ErrNotFound)
			b.must(storetest.Keep(b.Context(), b.store.Store, s))
			w.changed <- s.Key
			synctest.Wait()
			b.lookup(s.Key)
		})
	})
	t.Run("a gap forgets that there was none, too", func(t *testing.T) {
		for _, stale := range []time.Duration{0, time.Hour} {
			following(t, nearcache.Options{Stale: stale}, func(b *bench, w *wire) {
				s := b.session(ada)
				b.fails(s.Key, sessionstore.ErrNotFound)
				b.must(storetest.Keep(b.Context(), b.store.Store, s))
				w.gap <- struct{}{}
				synctest.Wait()
				b.lookup(s.Key)
			})
		}
	})
	t.Run("after a gap the store is asked first, and what is gone is not served", func(t *testing.T) {
		following(t, hour, func(b *bench, w *wire) {
			s, gone := b.cached(ada), b.cached(ada)
			b.revokeElsewhere(gone.Key)
			w.gap <- struct{}{}
			synctest.Wait()
			b.asks(1, func() { b.lookup(s.Key) })
			b.fails(gone.Key, sessionstore.ErrNotFound)
			b.clock.Advance(time.Minute) // that there is none is remembered for less
			b.store.down.Store(true)
			b.fails(gone.Key, errDown)
		})
	})
	// Who is active would be thrown out by the very fault that broke the
	// subscription. How long one could be wrong is bounded as it ever is.
	t.Run("only when the store cannot be asked is a session served after a gap, to the end of its time", func(t *testing.T) {
		following(t, nearcache.Options{TTL: time.Minute}, func(b *bench, w *wire) {
			s := b.cached(ada)
			w.gap <- struct{}{}
			synctest.Wait()
			b.store.down.Store(true)
			b.clock.Advance(time.Minute - 1)
			b.asks(2, func() { b.lookup(s.Key); b.lookup(s.Key) })
			b.clock.Advance(1)
			b.fails(s.Key, errDown)
		})
	})
	t.Run("a session that was revoked here is not served after a gap", func(t *testing.T) {
		following(t, hour, func(b *bench, w *wire) {
			s := b.cached(ada)
			w.gap <- struct{}{}
			synctest.Wait()
			b.store.down.Store(true)
			if _, err := b.cache.Revoke(b.Context(), s.Key); !errors.Is(err, errDown) {
				b.Fatalf("error is %v; want the store's", err)
			}
			b.fails(s.Key, errDown)
		})
	})
	t.Run("an interrupted subscription has the store asked for all, and so has the next that stands", func(t *testing.T) {
		following(t, hour, func(b *bench, w *wire) {
			s := b.cached(ada)
			w.broken <- errBroken
			synctest.Wait()
			b.asks(1, func() { b.lookup(s.Key) })
			b.holds(s.Key)
			b.revokeElsewhere(s.Key) // and nobody is told
			w.changed <- b.session(grace).Key
			b.fails(s.Key, sessionstore.ErrNotFound)
		})
	})
	t.Run("after the end of following the store is asked for all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, hour)
			s := b.cached(ada)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			b.follow(ctx, newWire())
			b.holds(s.Key) // it never began
			ctx, cancel = context.WithCancel(t.Context())
			b.follow(ctx, notifier(func(context.Context, func(sessionstore.Key), func()) error {
				cancel()
				return errBroken
			}))
			b.asks(1, func() { b.lookup(s.Key) })
		})
	})
	t.Run("a look-up that began before a gap is neither remembered nor joined", func(t *testing.T) {
		for _, stale := range []time.Duration{0, time.Hour} {
			following(t, nearcache.Options{TTL: time.Hour, Stale: stale}, func(b *bench, w *wire) {
				s, release := b.stored(ada), b.stops()
				early := b.begins(b.Context(), s.Key)
				b.revokeElsewhere(s.Key)
				w.gap <- struct{}{}
				synctest.Wait()
				b.fails(s.Key, sessionstore.ErrNotFound)
				release()
				b.must((<-early).err)
				b.fails(s.Key, sessionstore.ErrNotFound)
			})
		}
	})
	t.Run("with stale sessions allowed a gap makes the store be asked, and only its failure is bridged", func(t *testing.T) {
		following(t, nearcache.Options{TTL: time.Hour, Stale: time.Hour}, func(b *bench, w *wire) {
			s, gone := b.cached(ada), b.cached(ada)
			b.revokeElsewhere(gone.Key)
			w.gap <- struct{}{}
			synctest.Wait()
			b.asks(1, func() { b.fails(gone.Key, sessionstore.ErrNotFound) })
			b.store.down.Store(true)
			b.asks(2, func() { b.lookup(s.Key); b.lookup(s.Key) })
			b.fails(gone.Key, sessionstore.ErrNotFound)
			b.store.down.Store(false)
			b.asks(1, func() { b.lookup(s.Key) })
			b.holds(s.Key)
		})
	})
}
