package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
)

var errBroken = errors.New("the subscription broke")

// notifier is a Notifier whose every subscription runs the function.
type notifier func(ctx context.Context, changed func(sessionstore.Key), gap func()) error

func (n notifier) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	return n(ctx, changed, gap)
}

// notes are what a listener was told, in order.
type notes []string

func (n *notes) listener() sessionstore.Listener {
	return sessionstore.Listener{
		Changed:     func(key sessionstore.Key) { *n = append(*n, fmt.Sprintf("changed %d", key.Shard)) },
		Missed:      func() { *n = append(*n, "missed") },
		Interrupted: func(err error) { *n = append(*n, err.Error()) },
	}
}

func TestAListenerIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		// subscription is the i-th one; the second ends following.
		subscription func(changed func(sessionstore.Key), gap func()) error
		want         notes
	}{
		"what changes, and that it has missed what went before": {
			func(changed func(sessionstore.Key), gap func()) error {
				gap()
				changed(sessionstore.Key{Shard: 1})
				changed(sessionstore.Key{Shard: 2})
				return errBroken
			}, notes{"missed", "changed 1", "changed 2", "missed", errBroken.Error()},
		},
		"that it may have missed anything in the middle": {
			func(_ func(sessionstore.Key), gap func()) error { gap(); gap(); return errBroken },
			notes{"missed", "missed", "missed", errBroken.Error()},
		},
		"that a subscription could not be had, after it was told to doubt": {
			func(func(sessionstore.Key), func()) error { return errBroken },
			notes{"missed", errBroken.Error()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var told notes
				first := true
				sessionstore.Follow(ctx, notifier(func(_ context.Context, changed func(sessionstore.Key), gap func()) error {
					if !first {
						cancel()
						return ctx.Err()
					}
					first = false
					return c.subscription(changed, gap)
				}), told.listener())
				// At the end it was asked for, it doubts and hears no reason.
				if want := slices.Concat(c.want, notes{"missed"}); !slices.Equal(told, want) {
					t.Errorf("it is told %q; want %q", told, want)
				}
			})
		})
	}
	t.Run("nothing when it is done already", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var told notes
		sessionstore.Follow(ctx, notifier(func(context.Context, func(sessionstore.Key), func()) error {
			t.Error("it subscribed")
			return nil
		}), told.listener())
		if len(told) > 0 {
			t.Errorf("it is told %q", told)
		}
	})
	t.Run("no reasons when it asks for none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := pauses(t, 1, func(int) (bool, error) { return false, errBroken })
			if len(got) != 1 {
				t.Errorf("it subscribed %d times again; want once", len(got))
			}
		})
	})
}

// pauses are how long Follow waits before each of its subscriptions but the first;
// ends says whether the i-th comes to stand, and what it ends with.
func pauses(t *testing.T, count int, ends func(i int) (stands bool, err error)) (got []time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	i, last := 0, time.Now()
	n := notifier(func(_ context.Context, _ func(sessionstore.Key), gap func()) error {
		if i > 0 {
			got = append(got, time.Since(last))
		}
		stands, err := ends(i)
		if stands {
			gap()
		}
		if i++; i > count {
			cancel()
		}
		last = time.Now()
		return err
	})
	sessionstore.Follow(ctx, n, sessionstore.Listener{Changed: func(sessionstore.Key) {}, Missed: func() {}})
	return got
}

func TestFollowSubscribesAgain(t *testing.T) {
	const ms = time.Millisecond
	never := func(int) (bool, error) { return false, errBroken }
	for _, c := range []struct {
		name string
		ends func(i int) (bool, error)
		// least are the shortest pauses there may be; none is longer than twice that.
		least []time.Duration
	}{
		{"within half a second, however often it was in vain", never, []time.Duration{100 * ms, 200 * ms, 250 * ms, 250 * ms, 250 * ms, 250 * ms, 250 * ms}},
		{"at once again when a subscription stood", func(i int) (bool, error) { return i == 3, errBroken },
			[]time.Duration{100 * ms, 200 * ms, 250 * ms, 100 * ms, 200 * ms}},
		{"after seconds where it may not, and within half a second when it fails otherwise", func(i int) (bool, error) {
			if i < 3 {
				return false, fmt.Errorf("listening: %w", sessionstore.ErrMayNotListen)
			}
			return false, errBroken
		}, []time.Duration{2500 * ms, 2500 * ms, 2500 * ms, 250 * ms, 250 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := pauses(t, len(c.least), c.ends)
				for i, least := range c.least {
					if got[i] < least || got[i] > 2*least {
						t.Errorf("pause %d was %v; want between %v and twice as much", i, got[i], least)
					}
				}
			})
		})
	}
	t.Run("and gateways do not come back all at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			for range 8 {
				seen[pauses(t, 1, never)[0]] = true
			}
			if len(seen) < 2 {
				t.Fatal("all of them waited equally long")
			}
		})
	})
}
