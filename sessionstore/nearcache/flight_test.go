package nearcache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// answer is what one of several callers at once has got.
type answer struct {
	entry *nearcache.Entry
	err   error
}

// begins starts a look-up; what it answers comes out of the channel.
func (b *bench) begins(ctx context.Context, key sessionstore.Key) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		e, err := b.cache.Lookup(ctx, key)
		got <- answer{e, err}
	}()
	synctest.Wait()
	return got
}

// pending requires that no answer has come yet.
func (b *bench) pending(got <-chan answer) {
	b.Helper()
	synctest.Wait()
	select {
	case a := <-got:
		b.Fatalf("an answer has come already: %v, %v", a.entry, a.err)
	default:
	}
}

// stops makes the store stop when it has read its answer, until the returned
// function is called; later answers do not stop.
func (b *bench) stops() (release func()) {
	stop := make(chan struct{})
	first := true
	b.store.after = func(ctx context.Context, _ sessionstore.Key) {
		if !first {
			return
		}
		first = false
		select {
		case <-stop:
		case <-ctx.Done():
		}
	}
	return func() { close(stop); synctest.Wait() }
}

func TestConcurrentMisses(t *testing.T) {
	t.Run("many who miss the same session at once ask the store once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s, release := b.stored(ada), b.stops()
			var all []<-chan answer
			for range 50 {
				all = append(all, b.begins(t.Context(), s.Key))
			}
			b.asks(0, release)
			for _, got := range all {
				if a := <-got; a.err != nil || a.entry.Session.Key != s.Key {
					t.Fatalf("one of them got %v, %v", a.entry, a.err)
				}
			}
			if got := b.cache.Stats(); got.Misses != 1 || got.Joined != 49 || b.store.asked.Load() != 1 {
				t.Fatalf("%d look-ups, joined by %d, and the store was asked %d times", got.Misses, got.Joined, b.store.asked.Load())
			}
		})
	})
	t.Run("a caller who hangs up fails nobody else and is not asked for again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s, release := b.stored(ada), b.stops()
			ctx, cancel := context.WithCancel(t.Context())
			first := b.begins(ctx, s.Key)
			second := b.begins(t.Context(), s.Key)
			cancel()
			if a := <-first; !errors.Is(a.err, context.Canceled) {
				t.Fatalf("who hung up got %v", a.err)
			}
			b.pending(second)
			release()
			if a := <-second; a.err != nil {
				t.Fatalf("the other got %v", a.err)
			}
			b.holds(s.Key)
			if n := b.store.asked.Load(); n != 1 {
				t.Fatalf("the store was asked %d times; want once", n)
			}
		})
	})
	t.Run("each waits only as long as its own context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nearcache.Options{})
			s, release := b.stored(ada), b.stops()
			patient := b.begins(t.Context(), s.Key)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := b.cache.Lookup(ctx, s.Key); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("the impatient one got %v", err)
			}
			b.pending(patient)
			release()
			if a := <-patient; a.err != nil {
				t.Fatalf("the patient one got %v", a.err)
			}
		})
	})
	t.Run("a look-up has a time-out of its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nearcache.Options{Timeout: 3 * time.Second})
			b.store.before = func(ctx context.Context, _ sessionstore.Key) { <-ctx.Done() }
			began := time.Now()
			b.fails(b.stored(ada).Key, context.DeadlineExceeded)
			if took := time.Since(began); took != 3*time.Second {
				t.Fatalf("it took %v", took)
			}
		})
	})
	t.Run("who has gone already begins nothing", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.asks(0, func() {
			if _, err := b.cache.Lookup(ctx, b.stored(ada).Key); !errors.Is(err, context.Canceled) {
				t.Fatalf("Lookup answers %v", err)
			}
		})
	})
	t.Run("nothing of a caller's context reaches the store", func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		b.store.before = func(ctx context.Context, _ sessionstore.Key) {
			if ctx.Value(headersKey{}) != nil {
				t.Error("a value of one request went along")
			}
		}
		_, err := b.cache.Lookup(context.WithValue(t.Context(), headersKey{}, "ada's"), b.stored(ada).Key)
		b.must(err)
	})
}

// TestARevokedSessionIsNotAcceptedAfterItsRevocation forces the interleaving
// that would do it: a look-up has read the session when it is revoked, and
// answers when the revocation has been acknowledged.
func TestARevokedSessionIsNotAcceptedAfterItsRevocation(t *testing.T) {
	endings := map[string]func(b *bench, s *sessionstore.Session) error{
		"by Revoke": func(b *bench, s *sessionstore.Session) error { return storetest.End(b.Context(), b.cache, s.Key) },
		"by RevokeUser": func(b *bench, s *sessionstore.Session) error {
			_, err := b.cache.RevokeUser(b.Context(), s.User.ID)
			return err
		},
		"elsewhere, and told by a message": func(b *bench, s *sessionstore.Session) error {
			b.revokeElsewhere(s.Key)
			b.cache.Drop(s.Key)
			return nil
		},
		"elsewhere, and followed by Clear": func(b *bench, s *sessionstore.Session) error {
			b.revokeElsewhere(s.Key)
			b.cache.Clear()
			return nil
		},
	}
	for how, revoke := range endings {
		for name, stale := range map[string]time.Duration{"": 0, ", with stale sessions allowed": time.Hour} {
			t.Run(how+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nearcache.Options{Stale: stale})
					s, release := b.stored(ada), b.stops()
					early := b.begins(t.Context(), s.Key)
					b.must(revoke(b, s))

					// Who comes after it does not join the look-up from before it.
					b.asks(1, func() { b.fails(s.Key, sessionstore.ErrNotFound) })

					// Nor is the old answer remembered when it comes at last.
					release()
					if a := <-early; a.err != nil {
						t.Fatalf("who came before the revocation got %v", a.err)
					}
					b.fails(s.Key, sessionstore.ErrNotFound)
					b.clock.Advance(time.Minute)
					b.store.down.Store(true)
					b.fails(s.Key, errDown)
				})
			})
		}
	}
}

func TestAnExceptedSessionKeepsItsLookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nearcache.Options{})
		s, release := b.stored(ada), b.stops()
		first := b.begins(t.Context(), s.Key)
		_, err := b.cache.RevokeUser(t.Context(), ada, s.Key)
		b.must(err)
		second := b.begins(t.Context(), s.Key)
		release()
		b.must((<-first).err)
		b.must((<-second).err)
		if n := b.store.asked.Load(); n != 1 {
			t.Fatalf("the store was asked %d times; want once", n)
		}
	})
}

func TestTooManyLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nearcache.Options{Timeout: time.Second})
		stop := make(chan struct{})
		b.store.before = func(context.Context, sessionstore.Key) { <-stop }
		for range 1024 {
			ctx, cancel := context.WithCancel(t.Context())
			b.begins(ctx, sessionstore.NewSecret(ada).Key())
			cancel() // a client that hangs up leaves its look-up behind
		}
		b.asks(0, func() { b.fails(sessionstore.NewSecret(ada).Key(), nearcache.ErrBusy) })

		waiting := b.begins(t.Context(), b.stored(grace).Key)
		b.pending(waiting)
		close(stop)
		if a := <-waiting; a.err != nil {
			t.Fatalf("who waited for room got %v", a.err)
		}
		synctest.Wait()
		b.lookup(b.stored(ada).Key)
	})
}

// oddStore answers with whatever it is told to.
type oddStore struct {
	sessionstore.Store
	get func() (*sessionstore.Session, error)
}

func (o oddStore) Get(context.Context, sessionstore.Key) (*sessionstore.Session, error) {
	return o.get()
}

func TestAStoreThatMisbehaves(t *testing.T) {
	b := newBench(t, nearcache.Options{})
	s, other := b.session(ada), b.session(grace)
	none := 0
	for _, c := range []struct {
		name string
		get  func() (*sessionstore.Session, error)
	}{
		{"the session of another key is nobody's", func() (*sessionstore.Session, error) { return other, nil }},
		{"neither a session nor an error is cannot tell", func() (*sessionstore.Session, error) { return nil, nil }},
		{"a panic is cannot tell and spares the gateway", func() (*sessionstore.Session, error) { panic("ada@example.com") }},
		{"a fault of the runtime is cannot tell too", func() (*sessionstore.Session, error) { none = 1 / none; return nil, nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			cache := nearcache.New(oddStore{get: func() (*sessionstore.Session, error) { asked++; return c.get() }}, nearcache.Options{Now: b.clock.Now})
			for range 2 {
				e, err := cache.Lookup(t.Context(), s.Key)
				if !errors.Is(err, nearcache.ErrStore) || errors.Is(err, sessionstore.ErrNotFound) || e != nil {
					t.Fatalf("Lookup answers %v, %v", e, err)
				}
				if strings.Contains(err.Error(), "@") {
					t.Fatalf("the error tells personal data: %v", err)
				}
			}
			if asked != 2 {
				t.Fatalf("the store was asked %d times; want each time", asked)
			}
		})
	}
	t.Run("a session whose key RevokeUser would not find is not remembered", func(t *testing.T) {
		s := b.session(ada)
		s.Key.Shard++
		asked := 0
		cache := nearcache.New(oddStore{get: func() (*sessionstore.Session, error) { asked++; return s, nil }}, nearcache.Options{Now: b.clock.Now})
		for range 2 {
			_, err := cache.Lookup(t.Context(), s.Key)
			b.must(err)
		}
		if asked != 2 {
			t.Fatalf("the store was asked %d times; want each time", asked)
		}
	})
}
