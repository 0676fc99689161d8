package redis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// listener is a gateway that hears of changes.
type listener struct {
	mu   sync.Mutex
	keys []sessionstore.Key
	gaps int
	end  context.CancelFunc
	err  chan error
}

// listen starts Notify and waits until the subscription stands.
func listen(t *testing.T, st *redis.Store) *listener {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	l := &listener{end: end, err: make(chan error, 1)}
	go func() {
		l.err <- st.Notify(ctx, func(key sessionstore.Key) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.keys = append(l.keys, key)
		}, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gaps++
		})
	}()
	t.Cleanup(end)
	eventually(t, "the subscription stands", func() bool { return l.sawGaps() > 0 })
	return l
}

func (l *listener) sawGaps() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaps
}

func (l *listener) heard(key sessionstore.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.keys, key)
}

func (l *listener) wantHeard(t *testing.T, what string, key sessionstore.Key) {
	t.Helper()
	eventually(t, what+" is heard of", func() bool { return l.heard(key) })
}

// wantEnd waits until Notify gives up by itself, and returns why.
func (l *listener) wantEnd(t *testing.T) error {
	t.Helper()
	select {
	case err := <-l.err:
		cannotTell(t, err)
		return err
	case <-time.After(patience):
		t.Fatal("Notify goes on as if nothing had happened")
		return nil
	}
}

// hearsAll demands that every kind of change is heard of.
func hearsAll(t *testing.T, l *listener, st *redis.Store) {
	t.Helper()
	s := create(t, st, ada)
	if l.heard(s.Key) {
		t.Error("a session that was created has a message, though nobody can have cached it")
	}
	must(t, st.Touch(t.Context(), s, time.Now()))
	if _, err := st.Update(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	l.wantHeard(t, "an update", s.Key)
	one := create(t, st, grace)
	must(t, storetest.End(t.Context(), st, one.Key))
	l.wantHeard(t, "a sign-out", one.Key)
	createMany(t, st, ada, 520)
	list, err := st.List(t.Context(), ada)
	must(t, err)
	_, err = st.RevokeUser(t.Context(), ada, s.Key)
	must(t, err)
	for _, ended := range list {
		if ended.Key != s.Key {
			l.wantHeard(t, "each of more sessions than fit on a page", ended.Key)
		}
	}
	never := sessionstore.NewSecret(ada).Key()
	must(t, storetest.End(t.Context(), st, never))
	l.wantHeard(t, "the end of a session that is long gone", never)
}

func TestChangesAreHeardOf(t *testing.T) {
	t.Run("on one server, by other gateways", func(t *testing.T) {
		srv := redistest.Start(t)
		hearsAll(t, listen(t, store(t, srv.URL())), store(t, srv.URL()))
	})
	t.Run("in a cluster, whichever nodes the people are on", func(t *testing.T) {
		n := redistest.StartCluster(t)
		l := listen(t, inCluster(t, n, redis.Options{}))
		st := redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"), redis.Options{Timeout: patience})
		hearsAll(t, l, st)
		for id := range int64(12) {
			s := create(t, st, id+1)
			must(t, storetest.End(t.Context(), st, s.Key))
			l.wantHeard(t, "a sign-out on any node", s.Key)
		}
	})
	t.Run("but not by those with another prefix", func(t *testing.T) {
		srv := redistest.Start(t)
		client := open(t, redis.Config{URL: srv.URL()})
		l := listen(t, store(t, srv.URL()))
		st := redis.New(client, sealer(t, "a secret"), redis.Options{Timeout: patience, KeyPrefix: "other:"})
		s := create(t, st, ada)
		must(t, storetest.End(t.Context(), st, s.Key))
		mine := sessionstore.NewSecret(ada).Key()
		must(t, storetest.End(t.Context(), store(t, srv.URL()), mine))
		l.wantHeard(t, "the later message", mine)
		if l.heard(s.Key) {
			t.Error("a message of another prefix was heard")
		}
	})
}

func TestAWriteThatChangedNothingSaysNothing(t *testing.T) {
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	l := listen(t, st)
	s := create(t, st, ada)
	stale := *s
	stale.Version = 7
	if _, err := st.Update(t.Context(), &stale); !errors.Is(err, sessionstore.ErrConflict) {
		t.Fatalf("Update answers %v; want ErrConflict", err)
	}
	last := sessionstore.NewSecret(grace).Key()
	must(t, storetest.End(t.Context(), st, last))
	l.wantHeard(t, "the later message", last)
	if l.heard(s.Key) {
		t.Error("an update that was refused was published")
	}
}

func TestNotifyReportsEveryInterruption(t *testing.T) {
	t.Run("a server that is killed", func(t *testing.T) {
		srv := redistest.Start(t)
		l := listen(t, store(t, srv.URL()))
		srv.Kill()
		l.wantEnd(t)
	})
	t.Run("a server that is killed and back at once, which go-redis would hide", func(t *testing.T) {
		srv := redistest.Start(t)
		l := listen(t, store(t, srv.URL()))
		srv.Kill()
		srv.Restart()
		l.wantEnd(t)
		if n := l.sawGaps(); n != 1 {
			t.Errorf("%d subscriptions stood; want the first only", n)
		}
	})
	t.Run("a connection that is closed by the server", func(t *testing.T) {
		srv := redistest.Start(t)
		l := listen(t, store(t, srv.URL()))
		must(t, srv.Client().Do(t.Context(), "client", "kill", "type", "pubsub").Err())
		l.wantEnd(t)
		if n := l.sawGaps(); n != 1 {
			t.Errorf("%d subscriptions stood; want the first only", n)
		}
	})
	t.Run("a server that hangs, so that the connection is open and silent", func(t *testing.T) {
		srv := redistest.Start(t)
		l := listen(t, store(t, srv.URL()))
		srv.Pause()
		defer srv.Resume()
		if err := l.wantEnd(t); !strings.Contains(err.Error(), "redis") {
			t.Errorf("the error is %q", err)
		}
	})
	t.Run("a server that cannot be reached at all", func(t *testing.T) {
		srv := redistest.Start(t)
		st := strict(t, srv.URL())
		srv.Kill()
		cannotTell(t, st.Notify(t.Context(), nil, nil))
	})
	t.Run("a user who may not subscribe", func(t *testing.T) {
		srv := redistest.Start(t, redistest.ACLUser("sidegate", "pw", "~sidegate:*", "+@all"))
		err := store(t, srv.URL()).Notify(t.Context(), nil, nil)
		cannotTell(t, err)
		if !strings.Contains(err.Error(), "&sidegate:*") {
			t.Errorf("the error %q does not say what to do", err)
		}
		if !errors.Is(err, sessionstore.ErrMayNotListen) {
			t.Error("the error does not say that it is no use to try again soon")
		}
	})
	t.Run("the end of its context", func(t *testing.T) {
		srv := redistest.Start(t)
		l := listen(t, store(t, srv.URL()))
		l.end()
		if err := l.wantEnd(t); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v; want that of the context", err)
		}
	})
}

func TestASignOutEndsTheSessionThoughNobodyMayBeTold(t *testing.T) {
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "pw", "~sidegate:*", "+@all"))
	st := store(t, srv.URL())
	s := create(t, st, ada)
	err := storetest.End(t.Context(), st, s.Key)
	cannotTell(t, err)
	if !strings.Contains(err.Error(), "&sidegate:*") {
		t.Errorf("the error %q does not say what to do", err)
	}
	gone(t, st, s.Key)
}

// Who sends what we cannot read may have changed anything.
func TestAMessageThatCannotBeReadIsAGap(t *testing.T) {
	srv := redistest.Start(t)
	l := listen(t, store(t, srv.URL()))
	for i, message := range []string{"x", strings.Repeat("x", 33), strings.Repeat("x", 35)} {
		must(t, srv.Client().Publish(t.Context(), "sidegate:changed", message).Err())
		eventually(t, "it is taken for a gap", func() bool { return l.sawGaps() == i+2 })
	}
	if len(l.keys) != 0 {
		t.Errorf("%d keys were read out of it", len(l.keys))
	}
}
