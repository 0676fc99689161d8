package streams

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// Keeper is what a configuration knows of the sessions that it serves.
type Keeper struct {
	// Lookup returns a session as it is served now. ErrNotFound and ErrNotHere are
	// certain; any other error means "cannot tell".
	Lookup func(context.Context, sessionstore.Key) (*nearcache.Entry, error)
	// Uses hears that the person of a session is active.
	Uses func(*nearcache.Entry)
	// Cut hears of what was ended with a session, or because it no longer meets what
	// is demanded.
	Cut func(Cut)
	// Now is the clock.
	Now func() time.Time
}

// What happens to streams.
const (
	// Closed: what a session kept open was ended with it, or because it no longer
	// meets what is demanded. Login, UserID, Session, Count: how many, Result: one of
	// Reasons.
	Closed lifecycle.Kind = "streams closed"
)

// Cut is what was ended of one session at once.
type Cut struct {
	// Session is as it was last seen.
	Session *sessionstore.Session
	// Why is one of the reasons below.
	Why string
	// Streams is how many were ended.
	Streams int
}

// Why streams are ended.
const (
	Revoked = "revoked" // the session was ended, or is no longer vouched for
	Expired = "expired" // it has ended by itself
	Unmet   = "unmet"   // it no longer meets what the route demands
)

// Reasons are all of them.
var Reasons = []string{Revoked, Expired, Unmet}

const (
	// lookers is how many sessions are looked up at the same time.
	lookers = 16
	// lookTime bounds one look-up.
	lookTime = 5 * time.Second
	// againAfter is when a store that could not tell is asked again, at the latest
	// twice as late.
	againAfter = 150 * time.Millisecond
)

// task is what is to be done with a session.
type task uint8

const (
	look  task = 1 << iota // hold its streams against it
	touch                  // and note that its person is active
)

// looks are the sessions that are yet to be looked at. The zero value has none.
// Nothing runs while there are none.
type looks struct {
	mu      sync.Mutex
	wanted  map[sessionstore.Key]task
	running int
	trouble bool // the store could not tell the last time
}

// want has a session looked at soon. It waits for nobody.
func (w *Watch) want(key sessionstore.Key, t task) {
	l := &w.looks
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wanted == nil {
		l.wanted = make(map[sessionstore.Key]task)
	}
	l.wanted[key] |= t
	l.staff(w)
}

// staff starts as many lookers as there is work for. While the store cannot tell
// one is enough, who asks until it can. Called with mu held.
func (l *looks) staff(w *Watch) {
	most := lookers
	if l.trouble {
		most = 1
	}
	for l.running < min(most, len(l.wanted)) {
		l.running++
		go w.work()
	}
}

// work looks at one session after the other, until there are no more.
func (w *Watch) work() {
	for {
		key, t, found, last := w.looks.take()
		if last {
			w.ends.cutOff()
		}
		if !found {
			return
		}
		if w.look(key, t) {
			w.looks.told(w)
			continue
		}
		if !w.looks.putBack(key, t) {
			return
		}
		time.Sleep(againAfter + rand.N(againAfter)) // #nosec G404 -- spreads load, hides nothing
	}
}

// take takes one that is wanted. A looker that finds none is gone; last says that
// no other is left.
func (l *looks) take() (key sessionstore.Key, t task, found, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, t := range l.wanted {
		delete(l.wanted, key)
		return key, t, true, false
	}
	l.running--
	return key, 0, false, l.running == 0
}

// told notes that the store answers.
func (l *looks) told(w *Watch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble {
		l.trouble = false
		l.staff(w)
	}
}

// putBack notes that the store cannot tell, and reports whether this looker is the
// one who goes on asking.
func (l *looks) putBack(key sessionstore.Key, t task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted[key] |= t
	l.trouble = true
	if l.running > 1 {
		l.running--
		return false
	}
	return true
}

// overtaken looks at the session of a stream at once, which becomes known only now
// and whose session may have ended since it was let through: its bytes wait for what
// comes of it. One that nobody can tell of goes on, and is looked at later.
func (w *Watch) overtaken(s *Stream) {
	k := w.keeper.Load()
	if k == nil {
		return
	}
	e, told := k.find(*s.key)
	switch {
	case !told:
		w.want(*s.key, look)
	case e != notRead:
		if one := k.hold([]*Stream{s}, e); len(one.streams) > 0 {
			one.cutOff()
		}
	}
}

// notRead stands for a session whose record cannot be read.
var notRead = new(nearcache.Entry)

// find looks a session up: nil where it has ended, notRead where it cannot be read.
// told is false where nobody could tell.
func (k *Keeper) find(key sessionstore.Key) (e *nearcache.Entry, told bool) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	e, err := k.Lookup(ctx, key)
	switch {
	case err == nil:
		return e, true
	case errors.Is(err, sessionstore.ErrNotFound), errors.Is(err, sessionstore.ErrNotHere):
		return nil, true
	case sessionstore.IsUnreadable(err):
		return notRead, true
	}
	return nil, false
}

// look holds what is open of a session against it, and reports false when nobody
// could tell.
func (w *Watch) look(key sessionstore.Key, t task) bool {
	k := w.keeper.Load()
	streams := w.of(key)
	if k == nil || len(streams) == 0 {
		return true // who serves next looks at all
	}
	e, told := k.find(key)
	if !told {
		return false
	}
	if e == notRead {
		return true // for as long as that is so: it is asked again in its turn
	}
	if one := k.hold(streams, e); len(one.streams) > 0 {
		w.ends.add(one)
	}
	if e != nil && t&touch != 0 {
		k.Uses(e)
	}
	return true
}

// hold holds streams of one session against it as it is now, nil where it has
// ended, and answers with those that may not go on.
func (k *Keeper) hold(streams []*Stream, now *nearcache.Entry) ending {
	was := streams[0].entry.Load()
	expired := was.Ended(k.Now())
	end := ending{keeper: k, cut: Cut{Session: was.Session, Why: Unmet}}
	switch {
	case now == nil && expired:
		end.cut.Why = Expired
	case now == nil:
		end.cut.Why = Revoked
	}
	for _, s := range streams {
		if s.judge(now, expired) {
			end.streams = append(end.streams, s)
		}
	}
	return end
}
