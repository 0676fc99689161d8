package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// ear is somebody who listens to a store.
type ear struct {
	b     *bench
	end   context.CancelFunc
	ended chan error

	mu    sync.Mutex
	heard map[sessionstore.Key]bool
	gaps  int
	more  chan struct{}
}

// listens has somebody listen, whose subscription stands. Asks is called for each
// message, before it counts as heard; it may be nil.
func (b *bench) listens(asks func(sessionstore.Key)) *ear {
	b.Helper()
	ctx, end := context.WithCancel(b.Context())
	e := &ear{b: b, end: end, ended: make(chan error, 1), heard: make(map[sessionstore.Key]bool), more: make(chan struct{}, 1)}
	go func() {
		e.ended <- b.store.(sessionstore.Notifier).Notify(ctx,
			func(key sessionstore.Key) {
				if asks != nil {
					asks(key)
				}
				e.note(func() { e.heard[key] = true })
			},
			func() { e.note(func() { e.gaps++ }) })
	}()
	b.Cleanup(func() { e.stops() })
	e.awaits("the subscription stands", func() bool { return e.gaps > 0 })
	return e
}

func (e *ear) note(what func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	what()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

func (e *ear) awaits(what string, holds func() bool) {
	e.b.Helper()
	late := time.After(e.b.Patience)
	for {
		e.mu.Lock()
		held := holds()
		e.mu.Unlock()
		if held {
			return
		}
		select {
		case <-e.more:
		case err := <-e.ended:
			e.b.Fatalf("not so: %s; it has ended with %v", what, err)
		case <-late:
			e.b.Fatalf("not so: %s", what)
		}
	}
}

// stops ends listening, and waits until it has ended.
func (e *ear) stops() {
	e.end()
	if err, ok := <-e.ended; ok {
		close(e.ended)
		if !errors.Is(err, context.Canceled) {
			e.b.Errorf("Notify ends with %v; want the error of its context", err)
		}
	}
}

// hear requires that all of these people hear of just these sessions. Messages of
// one person come in order: with the last one all have come.
func (b *bench) hear(all []*ear, want ...*sessionstore.Session) {
	b.Helper()
	last := b.create(ada, nil)
	_, err := b.store.Update(b.Context(), last)
	b.must(err)
	for _, e := range all {
		e.awaits("the last message has come", func() bool { return e.heard[last.Key] })
		e.heardJust(append(want, last))
	}
}

func (e *ear) heardJust(want []*sessionstore.Session) {
	e.b.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range want {
		if !e.heard[s.Key] {
			e.b.Fatalf("%d sessions are heard of, and not one of those %d that were changed", len(e.heard), len(want))
		}
	}
	if len(e.heard) != len(want) {
		e.b.Fatalf("%d sessions are heard of; want %d", len(e.heard), len(want))
	}
	if e.gaps != 1 {
		e.b.Fatalf("%d gaps; want the one with which the subscription has come to stand", e.gaps)
	}
}

// changes are what a listener is told of: each makes one, and answers the sessions
// that it was made to.
var changes = []struct {
	name string
	make func(b *bench) []*sessionstore.Session
}{
	{"an update", func(b *bench) []*sessionstore.Session {
		s := b.create(ada, nil)
		_, err := b.store.Update(b.Context(), s)
		b.must(err)
		return []*sessionstore.Session{s}
	}},
	{"a sign-out", func(b *bench) []*sessionstore.Session {
		s := b.create(ada, nil)
		b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		return []*sessionstore.Session{s}
	}},
	{"the end of all sessions of a person but those excepted", func(b *bench) []*sessionstore.Session {
		kept, one, two := b.create(ada, nil), b.create(ada, nil), b.create(ada, nil)
		b.create(grace, nil)
		b.revokesUser(ada, 2, kept.Key)
		return []*sessionstore.Session{one, two}
	}},
	{"the end of more sessions of a person than fit on a page", func(b *bench) []*sessionstore.Session {
		b.createMany(ada, 1200)
		all := b.list(ada)
		b.revokesUser(ada, 1200)
		return all
	}},
	{"what ends for want of room", func(b *bench) []*sessionstore.Session {
		idle := b.createAt(ada, 10)
		b.create(ada, nil)
		b.createWithin(ada, sessionstore.Limit{Sessions: 2}, idle)
		return []*sessionstore.Session{idle}
	}},
}

// quiet are what nobody is told of.
var quiet = map[string]func(b *bench, s *sessionstore.Session){
	"reading": func(b *bench, s *sessionstore.Session) { b.get(s.Key); b.list(ada) },
	"activity": func(b *bench, s *sessionstore.Session) {
		b.must(b.store.Touch(b.Context(), s, s.LastSeenAt.Add(time.Second)))
	},
	"a beat": func(b *bench, _ *sessionstore.Session) { b.must(b.store.Beat(b.Context())) },
	"a session that begins": func(b *bench, _ *sessionstore.Session) {
		b.createWithin(ada, sessionstore.Limit{Sessions: 100})
	},
	"a session that may not begin": func(b *bench, _ *sessionstore.Session) {
		b.wants(b.refused(ada, 1), sessionstore.ErrTooMany)
	},
	"an update that came too late": func(b *bench, s *sessionstore.Session) {
		late := s.Clone()
		late.Version = 7
		_, err := b.store.Update(b.Context(), late)
		b.wants(err, sessionstore.ErrConflict)
		_, err = b.store.Update(b.Context(), b.session(ada))
		b.wants(err, sessionstore.ErrNotFound)
	},
	"links, leases, numbers, owners and attempts": func(b *bench, s *sessionstore.Session) {
		_, heldErr := b.store.Hold(b.Context(), "refresh", "one", time.Hour)
		_, numberErr := b.store.Number(b.Context(), "subject")
		_, ownErr := b.store.Own(b.Context(), sessionstore.Claim{Number: ada, Owner: "users"})
		_, takenErr := b.store.Take(b.Context(), "bucket", 5, time.Hour)
		b.must(errors.Join(heldErr, numberErr, ownErr, takenErr, b.store.Link(b.Context(), "sub", s.Key, time.Hour), b.store.Unlink(b.Context(), "sub", s.Key)))
	},
}

func testNotifying(t *testing.T, h Harness) {
	telling := func(name string, test func(b *bench)) {
		each(t, h, name, func(b *bench) {
			if _, tells := b.store.(sessionstore.Notifier); tells {
				test(b)
			}
		})
	}
	for _, c := range changes {
		telling(c.name+" is told to all who listen", func(b *bench) {
			all := []*ear{b.listens(nil), b.listens(nil)}
			b.hear(all, c.make(b)...)
		})
	}
	for name, does := range quiet {
		telling(name+" is told to nobody", func(b *bench) {
			s := b.create(ada, nil)
			e := b.listens(nil)
			does(b, s)
			b.hear([]*ear{e})
		})
	}
	for how, end := range map[string]func(b *bench, s *sessionstore.Session){
		"by itself":    func(b *bench, s *sessionstore.Session) { b.must(End(b.Context(), b.store, s.Key)) },
		"with all":     func(b *bench, _ *sessionstore.Session) { b.revokesUser(ada, 1) },
		"to make room": func(b *bench, s *sessionstore.Session) { b.createWithin(ada, sessionstore.Limit{Sessions: 1}, s) },
	} {
		telling("the end of what cannot be read is told, when it ends "+how, func(b *bench) {
			if b.Rewrite == nil {
				return // this store keeps sessions as they are
			}
			s := b.create(ada, nil)
			b.rewrite(s.Key, func(r []byte) []byte { return r[:12] })
			s.Version = 0
			e := b.listens(nil)
			end(b, s)
			b.hear([]*ear{e}, s)
		})
	}
	testTelling(telling)
}

// testTelling has how it is told, rather than what.
func testTelling(telling func(string, func(*bench))) {
	telling("what is told can be seen, and who is told may ask the store", func(b *bench) {
		changed, ended := b.create(ada, nil), b.create(ada, nil)
		e := b.listens(func(key sessionstore.Key) {
			s, err := b.store.Get(b.Context(), key)
			if key == changed.Key && (err != nil || s.Version != 2) || key == ended.Key && !errors.Is(err, sessionstore.ErrNotFound) {
				b.Errorf("who is told sees %v, %v", s, err)
			}
		})
		_, err := b.store.Update(b.Context(), changed)
		b.must(err)
		b.must(End(b.Context(), b.store, ended.Key))
		b.hear([]*ear{e}, changed, ended)
	})
	telling("who listens no longer is told nothing, and the others are", func(b *bench) {
		gone, stays := b.listens(nil), b.listens(nil)
		gone.stops()
		s := b.create(ada, nil)
		b.must(End(b.Context(), b.store, s.Key))
		b.hear([]*ear{stays}, s)
		if len(gone.heard) > 0 {
			b.Fatal("it is told who has gone")
		}
	})
	telling("who is done already never listens", func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		err := b.store.(sessionstore.Notifier).Notify(ctx,
			func(sessionstore.Key) { b.Error("told of a change") }, func() { b.Error("told of a gap") })
		b.wants(err, context.Canceled)
	})
}
